//! Prints the messages of topics to standard output, one line each.
//!
//! A message is finished once it has been written; what has been received and cannot be written is put back.
//!
//! Upstream: `apps/nsq_tail`.

mod first_channel;
mod options;
mod printer;

pub use options::{RawOptions, TABLE};

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use nsq_app::Exit;
use nsq_client::{Consumer, MessageStream};
use nsq_flags::text::os_error;
use nsq_runtime::{Clock, Shutdown, TaskGroup};
use tokio::sync::mpsc;

use crate::consume::{consumer, give_back, next_batch, not_started, release};
use crate::log::{self, OwnLines};
use crate::shell::{self, fail};
use options::Options;
use printer::Page;

const PROGRAM: &str = "nsq_tail";

/// Messages and bytes of one write. What comes alone is written alone.
const PAGE_MESSAGES_MAX: usize = 4096;
const PAGE_BYTES_MAX: usize = 256 * 1024;

/// How long the last answers may take to reach nsqd when nothing more is to be printed.
const ANSWERS_PATIENCE: Duration = Duration::from_secs(5);

/// How long messages that have come may take to be printed after a signal; longer than the client's patience.
const STOP_PATIENCE: Duration = Duration::from_secs(31);

/// Runs the program with these arguments, its own name first.
///
/// # Errors
/// The command line does not say what to do, an nsqd is not reached, or standard output cannot be written to.
pub fn run(args: impl IntoIterator<Item = OsString>, clock: &Clock) -> Result<ExitCode, Exit> {
    let options = Options::load(args)?;
    log::install(OwnLines::Plain, clock)?;
    shell::run(|shutdown| tail(options, clock.clone(), shutdown))
}

async fn tail(options: Options, clock: Clock, shutdown: Shutdown) -> Result<(), Exit> {
    first_channel::confirm(&options, &clock, &shutdown).await?;
    if shutdown.is_triggered() {
        return Ok(());
    }
    // Without the buffer of the standard library, which would keep what ends without a newline.
    let output = io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .map(File::from)
        .map_err(fail)?;
    let (pages, mut outcome) = printer::start(output).map_err(fail)?;
    let tails = TaskGroup::new("tails");
    let mut consumers: Vec<Consumer> = Vec::new();
    for topic in &options.topics {
        tracing::info!("Adding consumer for topic: {topic}");
        let stream = consumer(topic, &options.channel, &options.config, &options.source)
            .stream()
            .await
            .map_err(|error| not_started(&error))?;
        consumers.push(stream.consumer().clone());
        let prefix = if options.print_topic {
            format!("{topic} | ")
        } else {
            String::new()
        };
        tails.spawn(tail_topic(stream, prefix, options.count, pages.clone()));
    }
    // The printer ends when the last tail has.
    drop(pages);
    let (written, patience) = tokio::select! {
        written = &mut outcome => (written.unwrap_or(Ok(())), ANSWERS_PATIENCE),
        () = shutdown.triggered() => (Ok(()), STOP_PATIENCE),
    };
    consumers.iter().for_each(Consumer::begin_stop);
    tails.wait(&clock, patience).await;
    let written = match written {
        Ok(()) => outcome.try_recv().unwrap_or(Ok(())),
        failed => failed,
    };
    written.map_err(|error| {
        fail(format_args!(
            "ERROR: failed to write to os.Stdout - write /dev/stdout: {}",
            os_error(&error)
        ))
    })
}

/// Prints the messages of one topic until there are no more, or `count` of them are printed.
async fn tail_topic(
    mut stream: MessageStream,
    prefix: String,
    count: Option<usize>,
    pages: mpsc::Sender<Page>,
) {
    let mut left = count;
    while left != Some(0) {
        let count_max = left.map_or(PAGE_MESSAGES_MAX, |left| left.min(PAGE_MESSAGES_MAX));
        let mut messages = Vec::new();
        if !next_batch(&mut stream, &mut messages, count_max, PAGE_BYTES_MAX).await {
            return;
        }
        left = left.map(|left| left.saturating_sub(messages.len()));
        let mut text = Vec::new();
        for message in &messages {
            text.extend_from_slice(prefix.as_bytes());
            text.extend_from_slice(message.body());
            text.push(b'\n');
        }
        let page = Page {
            text,
            messages,
            is_last: left == Some(0),
        };
        if let Err(refused) = pages.send(page).await {
            give_back(refused.0.messages);
            break;
        }
    }
    drop(pages);
    release(stream).await;
}
