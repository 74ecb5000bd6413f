//! Everything through the disk queue.

use super::bench::Bench;
use super::{Figures, Group, Workload, drain, durability, end_to_end};
use crate::client::producer::{Producers, PublishPlan};
use crate::error::Result;

pub(super) const GROUP: Group = Group {
    name: "disk",
    workloads: &[
        Workload {
            name: "disk-queue",
            about: "--mem-queue-size=0: MPUB of 200 messages of 200 bytes on two connections, then one consumer drains",
            limit: None,
            run: publish_then_drain,
        },
        Workload {
            name: "disk-both",
            about: "--mem-queue-size=0: two producers and two consumers at once",
            limit: None,
            run: |bench| end_to_end::run(bench, &plan(bench), &["--mem-queue-size=0"]),
        },
        durability::SYNC_EVERY_PUBLISH,
    ],
};

fn plan(bench: &Bench<'_>) -> PublishPlan {
    PublishPlan {
        connections: 2,
        ..PublishPlan::batches("bench", bench.count(1_000_000, 400))
    }
}

fn publish_then_drain(bench: &Bench<'_>) -> Result<Figures> {
    let server = bench.start(&["--mem-queue-size=0"])?;
    let addresses = server.with_channel("bench", "channel")?;
    let producers = Producers::connect(addresses, &plan(bench), 0)?;
    server.settle()?;
    let mut span = server.span()?;
    let published = producers.run(bench.deadline())?.tally;
    span.stop_clock();
    server.settle()?;
    let publish = span.end()?;
    let drain = drain::drain(bench, &server, published, 1)?;

    let mut figures = Figures::default();
    figures.server_cpu("publish CPU", &publish, published.count);
    figures.bandwidth("publish", publish.wall, published.count * 200);
    figures.server_cpu("drain CPU", &drain, published.count);
    figures.bandwidth("drain", drain.wall, published.count * 200);
    if let Some(peak_bytes) = publish.peak_bytes.max(drain.peak_bytes) {
        figures.lower("peak memory", "MiB", super::figures::mebibytes(peak_bytes));
    }
    Ok(figures)
}
