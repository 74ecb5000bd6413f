//! Publishes standard input, record by record, to one or more nsqds.
//!
//! The input is read and split by a thread of its own, and published in blocks: what has come together goes
//! together, and what comes alone goes at once. The process ends well only when every nsqd has everything.
//!
//! Upstream: `apps/to_nsq`.

mod options;
mod publish;
mod rate;
mod records;

pub use options::{RawOptions, TABLE};

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use nsq_app::Exit;
use nsq_client::{Error, Producer};
use nsq_flags::text::{os_error, quote};
use nsq_runtime::{Clock, Shutdown};
use tokio::sync::mpsc;

use crate::log::{self, OwnLines};
use crate::progress::Progress;
use crate::shell::{self, fail};
use options::Options;
use publish::Publisher;
use rate::Rate;
use records::{Block, Records};

const PROGRAM: &str = "to_nsq";

/// Blocks that are read ahead.
const AHEAD_MAX: usize = 4;

/// Runs the program with these arguments, its own name first.
///
/// # Errors
/// The command line does not say what to do, the input cannot be read, or an nsqd does not take a message.
pub fn run(args: impl IntoIterator<Item = OsString>, clock: &Clock) -> Result<ExitCode, Exit> {
    let options = Options::load(args)?;
    log::install(OwnLines::Plain, clock)?;
    shell::run(|shutdown| pipe(options, clock.clone(), shutdown))
}

/// Publishes until the input or somebody's patience ends.
async fn pipe(options: Options, clock: Clock, shutdown: Shutdown) -> Result<(), Exit> {
    let producers: Vec<Producer> = options
        .nsqds
        .iter()
        .map(|address| Producer::new(address, &options.config))
        .collect::<Result<_, _>>()
        .map_err(|error| fail(format_args!("failed to create nsq.Producer - {error}")))?;
    let mut rate = options.rate.map(|per_second| {
        tracing::info!("Throttling messages rate to max:{per_second}/second");
        Rate::new(per_second, clock.clone())
    });
    let mut blocks = read(io::stdin(), options.delimiter)?;
    let mut publisher = Publisher::new(options.topic.clone(), producers);
    let mut progress = Progress::of_pipe(clock);
    loop {
        let block = tokio::select! {
            block = blocks.recv() => block,
            () = shutdown.triggered() => None,
        };
        let Some(block) = block else {
            break;
        };
        let block = block.map_err(|error| fail(format_args!("read /dev/stdin: {}", os_error(&error))))?;
        let published = match &mut rate {
            None => {
                progress.add(block.len());
                publisher.publish(block).await
            }
            Some(rate) => publish_slowly(&publisher, rate, &block, &mut progress, &shutdown).await,
        };
        published.map_err(|error| refused(&error))?;
    }
    publisher.flush().await.map_err(|error| refused(&error))?;
    progress.end();
    publisher.stop().await;
    Ok(())
}

async fn publish_slowly(
    publisher: &Publisher,
    rate: &mut Rate,
    block: &Block,
    progress: &mut Progress,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let mut next = 0;
    while next < block.len() {
        let allowed = tokio::select! {
            allowed = rate.allow(block.len() - next) => allowed,
            () = shutdown.triggered() => return Ok(()),
        };
        publisher.publish_part(block, next, next + allowed).await?;
        progress.add(allowed);
        next += allowed;
    }
    Ok(())
}

/// The line to end with.
fn refused(error: &Error) -> Exit {
    match error {
        // The client knows without asking what nsqd would say.
        Error::InvalidTopic(topic) => fail(format_args!(
            "E_BAD_TOPIC PUB topic name {} is not valid",
            quote(topic)
        )),
        error => fail(error),
    }
}

/// Reads blocks on a thread of its own, which the process does not wait for: it may be reading for ever.
fn read(
    input: impl io::Read + Send + 'static,
    delimiter: u8,
) -> Result<mpsc::Receiver<io::Result<Block>>, Exit> {
    let (sender, blocks) = mpsc::channel(AHEAD_MAX);
    let mut records = Records::new(input, delimiter);
    nsq_runtime::spawn_thread("stdin", move || {
        while let Some(block) = records.next_block().transpose() {
            let is_last = block.is_err();
            if sender.blocking_send(block).is_err() || is_last {
                return;
            }
        }
    })
    .map_err(fail)?;
    Ok(blocks)
}
