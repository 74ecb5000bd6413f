//! Looks into a data directory, of this nsqd or the original: what is in it, whether it is whole, the messages.
//!
//! ```text
//! nsq_diskqueue list    --data-path=DIR                      a line per queue
//! nsq_diskqueue verify  --data-path=DIR                      reads everything, and tells what is damaged
//! nsq_diskqueue export  --data-path=DIR --topic=T [--channel=C] --format=lines|json|raw
//! nsq_diskqueue salvage --data-path=DIR --output=NEW         writes what can be read to a new directory
//! ```
//!
//! Nothing in the directory is changed. An nsqd that uses it excludes this program and the other way round; with `--live`
//! it looks nevertheless. Upstream has no such program.

mod directory;
mod export;
mod options;
mod queue;
mod salvage;

pub use options::{RawOptions, TABLE};

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use nsq_app::Exit;
use nsq_flags::text::os_error;

use crate::shell::fail;
use directory::{Directory, Files};
use options::{Command, Options};
use queue::Queue;

const PROGRAM: &str = "nsq_diskqueue";

/// The code that tells a damaged directory from one that cannot be looked at, which ends with 1.
const DAMAGED: u8 = 3;

/// Runs the program with these arguments, its own name first.
///
/// # Errors
/// The command line does not say what to do, an nsqd uses the directory, or something cannot be read or written.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Result<ExitCode, Exit> {
    let options = Options::load(args)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let is_whole = work(&options, &mut out)?;
    out.flush().map_err(cannot_print)?;
    Ok(if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DAMAGED)
    })
}

/// Does what is asked for, and says whether no damage was found.
fn work(options: &Options, out: &mut impl Write) -> Result<bool, Exit> {
    let directory = Directory::open(options)?;
    match options.command {
        Command::List => list(options, &directory, out),
        Command::Verify => verify(options, &directory, out),
        Command::Export => export::export(options, &directory, out),
        Command::Salvage => salvage::salvage(options, &directory, out),
    }
}

fn list(options: &Options, directory: &Directory, out: &mut impl Write) -> Result<bool, Exit> {
    let mut line = |topic: &str, channel: &str, rest: [String; 3]| {
        let [depth, files, bytes] = rest;
        writeln!(
            out,
            "{topic:<32} {channel:<32} {depth:>12} {files:>6} {bytes:>14}"
        )
        .map_err(cannot_print)
    };
    line("TOPIC", "CHANNEL", ["DEPTH", "FILES", "BYTES"].map(str::to_owned))?;
    for name in directory.queues() {
        let depth = Queue::open(options, name)?.depth();
        let (topic, channel) = directory::parts(name);
        let Files { count, bytes } = directory.files(name);
        line(
            topic,
            channel.unwrap_or("-"),
            [depth, count, bytes].map(|number| number.to_string()),
        )?;
    }
    Ok(true)
}

fn verify(options: &Options, directory: &Directory, out: &mut impl Write) -> Result<bool, Exit> {
    let mut is_whole = true;
    for name in directory.queues() {
        let mut queue = Queue::open(options, name)?;
        queue.each_block(|_| Ok(()))?;
        is_whole &= tell(directory, &queue, out)?;
    }
    Ok(is_whole)
}

/// Prints what was found in a queue that has been read to its end, and says whether it is whole.
fn tell(directory: &Directory, queue: &Queue, out: &mut impl Write) -> Result<bool, Exit> {
    let state = if queue.is_whole() { "ok" } else { "damaged" };
    let found = directory.files(queue.name());
    writeln!(
        out,
        "{state:<8} {}: {} messages, {} files, {} bytes",
        queue.name(),
        queue.messages(),
        found.count,
        found.bytes
    )
    .map_err(cannot_print)?;
    for note in queue.notes() {
        writeln!(out, "         {note}").map_err(cannot_print)?;
    }
    if !directory.is_known(queue.name()) {
        writeln!(out, "         not in nsqd.dat: no nsqd opens it").map_err(cannot_print)?;
    }
    Ok(queue.is_whole())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what fails, in the form in which it fails"
)]
fn cannot_print(error: io::Error) -> Exit {
    fail(format_args!(
        "ERROR: failed to write to os.Stdout - {}",
        os_error(&error)
    ))
}

#[cfg(test)]
mod tests;
