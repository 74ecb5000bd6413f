//! Writes and reads a backlog and prints how fast that was, with syncs on a thread of their own as a daemon has
//! them. Run with `--release`; takes a directory (default: the current one), and as `name=value` what differs from
//! the defaults: `body` (bytes), `megabytes`, `batch` (records), `sync_every` (records), `background` (0 or 1).
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a program that measures and prints"
)]

use nsq_diskqueue::{DiskQueue, FsStorage, Options, RecordBatch, SyncOutcome};
use std::error::Error;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Length of timestamp, attempts and id before a message's body.
const MESSAGE_HEADER: &[u8] = b"\x18\xe9\xcc\xf7\x68\x33\xed\xc5\x00\x0018a2109d0ce69000";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| ".".to_owned());
    let settings: Vec<String> = arguments.collect();
    let setting = |name: &str, default: usize| {
        let value = settings
            .iter()
            .find_map(|setting| setting.strip_prefix(name)?.strip_prefix('='));
        value.map_or(Ok(default), str::parse)
    };
    let body_len = setting("body", 200)?;
    let records = setting("megabytes", 1000)? * 1_000_000 / body_len;
    let records_per_batch = setting("batch", 1000)?;

    let mut options = Options::new(&directory, "throughput");
    options.record_len_min = 26;
    options.sync_every = setting("sync_every", 2500)? as u64;
    options.syncs_itself = setting("background", 1)? == 0;
    options.plausible = |head| {
        head.get(10..26)
            .is_some_and(|id| id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
    };
    let body = vec![b'x'; body_len];
    let mut queue = Synced {
        queue: DiskQueue::open(Arc::new(FsStorage), options)?,
        out: None,
        count: 0,
    };

    let mut batch = RecordBatch::new();
    let (start, cpu) = (Instant::now(), cpu_time());
    for _ in 0..records / records_per_batch {
        batch.clear();
        for _ in 0..records_per_batch {
            batch.push(&[MESSAGE_HEADER, &body]);
        }
        queue.queue.append(&batch)?;
        queue.sync_if_due()?;
    }
    let written = queue.queue.depth();
    report(
        "in",
        written,
        body_len,
        start.elapsed(),
        cpu_time().saturating_sub(cpu),
    );
    queue.finish()?;
    println!("{} syncs in the background", queue.count);

    let (start, cpu) = (Instant::now(), cpu_time());
    let mut read = 0;
    while queue.queue.unread() > 0 {
        let records = queue.queue.read(256 * 1024)?;
        read += records.len() as u64;
        queue.queue.advance(records.len() as u64)?;
        queue.sync_if_due()?;
    }
    assert_eq!(read, written, "records read");
    report(
        "out",
        read,
        body_len,
        start.elapsed(),
        cpu_time().saturating_sub(cpu),
    );
    queue.finish()?;
    queue.queue.delete()?;
    Ok(())
}

/// A queue and its sync that is on another thread.
struct Synced {
    queue: DiskQueue,
    out: Option<JoinHandle<SyncOutcome>>,
    count: usize,
}

impl Synced {
    fn sync_if_due(&mut self) -> Result<(), Box<dyn Error>> {
        if self.out.as_ref().is_some_and(JoinHandle::is_finished) {
            self.join()?;
        }
        if self.out.is_none() && self.queue.sync_due() {
            self.out = self
                .queue
                .begin_sync()
                .map(|job| std::thread::spawn(|| job.run()));
            self.count += 1;
        }
        Ok(())
    }

    fn join(&mut self) -> Result<(), Box<dyn Error>> {
        if let Some(out) = self.out.take() {
            self.queue
                .finish_sync(out.join().map_err(|_| "the sync panicked")?)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Box<dyn Error>> {
        self.join()?;
        self.queue.sync()?;
        self.queue.release_handles();
        Ok(())
    }
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
