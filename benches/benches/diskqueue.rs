//! The disk queue without threads: appending batches and reading them back.
#![expect(
    missing_docs,
    reason = "the macros of criterion make undocumented public functions"
)]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up fails")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nsq_diskqueue::{DiskQueue, FsStorage, Options, RecordBatch};

/// Records written as one, as an `MPUB` brings them.
const BATCH: usize = 200;

/// A 200-byte body behind its message header.
const RECORD: [u8; 226] = [b'x'; 226];

/// What a channel reads at a time.
const READ_BYTES: usize = 256 * 1024;

fn queue(c: &mut Criterion) {
    let mut batch = RecordBatch::new();
    for _ in 0..BATCH {
        batch.push(&[&RECORD]);
    }
    let mut group = c.benchmark_group("diskqueue");
    for batches in [1_usize, 20] {
        group.throughput(Throughput::Bytes((batches * BATCH * RECORD.len()) as u64));
        group.bench_function(
            format!("append, read, advance/{batches} batches of {BATCH}"),
            |b| {
                let directory = tempfile::tempdir().unwrap();
                let options = Options {
                    sync_every: u64::MAX,
                    ..Options::new(directory.path(), "bench")
                };
                let mut queue = DiskQueue::open(Arc::new(FsStorage), options).unwrap();
                b.iter(|| {
                    for _ in 0..batches {
                        queue.append(&batch).unwrap();
                    }
                    let mut left = batches * BATCH;
                    while left > 0 {
                        let records = black_box(queue.read(READ_BYTES)).unwrap();
                        left -= records.len();
                        queue.advance(records.len() as u64).unwrap();
                    }
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, queue);
criterion_main!(benches);
