//! Writes and reads a backlog and prints how fast that was. Run with `--release`; takes a directory (default: the
//! current one), a record size and a number of megabytes.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a program that measures and prints"
)]

use nsq_diskqueue::{DiskQueue, FsStorage, Options, RecordBatch};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Length of timestamp, attempts and id before a message's body.
const MESSAGE_HEADER: &[u8] = b"\x18\xe9\xcc\xf7\x68\x33\xed\xc5\x00\x0018a2109d0ce69000";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| ".".to_owned());
    let body_len: usize = arguments.next().map_or(Ok(200), |argument| argument.parse())?;
    let megabytes: usize = arguments.next().map_or(Ok(1000), |argument| argument.parse())?;
    let records_per_batch: usize = arguments.next().map_or(Ok(1000), |argument| argument.parse())?;
    let sync_every: u64 = arguments.next().map_or(Ok(2500), |argument| argument.parse())?;

    let mut options = Options::new(&directory, "throughput");
    options.record_len_min = 26;
    options.sync_every = sync_every;
    options.plausible = |head| {
        head.get(10..26)
            .is_some_and(|id| id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
    };
    let body = vec![b'x'; body_len];
    let records = megabytes * 1_000_000 / body_len;

    let mut queue = DiskQueue::open(Arc::new(FsStorage), options)?;
    let mut batch = RecordBatch::new();
    let (start, cpu) = (Instant::now(), cpu_time());
    for _ in 0..records / records_per_batch {
        batch.clear();
        for _ in 0..records_per_batch {
            batch.push(&[MESSAGE_HEADER, &body]);
        }
        queue.append(&batch)?;
    }
    let written = queue.depth();
    report(
        "in",
        written,
        body_len,
        start.elapsed(),
        cpu_time().saturating_sub(cpu),
    );
    queue.sync()?;
    queue.release_handles();

    let (start, cpu) = (Instant::now(), cpu_time());
    let mut read = 0;
    while queue.unread() > 0 {
        let records = queue.read(256 * 1024)?;
        read += records.len() as u64;
        queue.advance(records.len() as u64)?;
    }
    assert_eq!(read, written, "records read");
    report(
        "out",
        read,
        body_len,
        start.elapsed(),
        cpu_time().saturating_sub(cpu),
    );
    queue.delete()?;
    Ok(())
}

fn report(direction: &str, records: u64, body_len: usize, elapsed: Duration, cpu: Duration) {
    let megabytes = records as f64 * body_len as f64 / 1e6;
    println!(
        "{direction:3}: {records} records of {body_len} B in {elapsed:.2?}: {:.0} MB/s, {:.0} ns and {:.0} ns CPU per record",
        megabytes / elapsed.as_secs_f64(),
        elapsed.as_secs_f64() * 1e9 / records as f64,
        cpu.as_secs_f64() * 1e9 / records as f64,
    );
}

/// User and system time of the process.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
