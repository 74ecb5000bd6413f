//! Writing messages to an output that may be slow, closed or full.

use std::io::{self, Write};

use nsq_client::Message;
use tokio::sync::{mpsc, oneshot};

use crate::consume::give_back;

/// Pages that wait to be written. What is in them is in flight, so that nsqd bounds them as well.
const WAITING_MAX: usize = 2;

/// Messages of one topic as they are printed.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) text: Vec<u8>,
    /// To be finished when the text has been written.
    pub(super) messages: Vec<Message>,
    /// Nothing is to be written behind it.
    pub(super) is_last: bool,
}

/// Starts to write pages, on a thread of its own because an output such as a pipe may block for ever. What
/// becomes of it is told by the second value: there has been a last page, there will be no more, or the output
/// has failed.
///
/// # Errors
/// The operating system refuses the thread.
pub(super) fn start(
    mut output: impl Write + Send + 'static,
) -> io::Result<(mpsc::Sender<Page>, oneshot::Receiver<io::Result<()>>)> {
    let (sender, mut pages) = mpsc::channel(WAITING_MAX);
    let (ended, outcome) = oneshot::channel();
    nsq_runtime::spawn_thread("stdout", move || {
        let written = write_pages(&mut output, &mut pages);
        pages.close();
        while let Some(page) = pages.blocking_recv() {
            give_back(page.messages);
        }
        // Nobody waits any more if the process is being stopped.
        let _ = ended.send(written);
    })?;
    Ok((sender, outcome))
}

fn write_pages(output: &mut impl Write, pages: &mut mpsc::Receiver<Page>) -> io::Result<()> {
    while let Some(page) = pages.blocking_recv() {
        if let Err(error) = output.write_all(&page.text).and_then(|()| output.flush()) {
            give_back(page.messages);
            return Err(error);
        }
        page.messages.into_iter().for_each(Message::finish);
        if page.is_last {
            break;
        }
    }
    Ok(())
}
