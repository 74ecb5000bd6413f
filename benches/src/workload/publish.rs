//! Publishing over V2 into memory, with one channel and nobody consuming.

use super::bench::Bench;
use super::{Figures, Group, Workload};
use crate::client::producer::{Producers, PublishPlan};
use crate::error::Result;
use crate::limit::Limit;
use crate::process::server::Server;
use crate::wire::chunk::Method;

pub(super) const GROUP: Group = Group {
    name: "publish",
    workloads: &[
        Workload {
            name: "mpub-1",
            about: "MPUB of 200 messages of 200 bytes on one connection, four batches under way",
            limit: Some(Limit::Relay),
            run: |bench| run(bench, &PublishPlan::batches(TOPIC, bench.count(2_000_000, 400))),
        },
        Workload {
            name: "mpub-4",
            about: "the same on four connections",
            limit: Some(Limit::Relay),
            run: |bench| {
                let plan = PublishPlan::batches(TOPIC, bench.count(2_000_000, 1_600));
                run(
                    bench,
                    &PublishPlan {
                        connections: 4,
                        ..plan
                    },
                )
            },
        },
        Workload {
            name: "mpub-no-channel",
            about: "as mpub-1 to a topic without a channel",
            limit: Some(Limit::Relay),
            run: |bench| {
                let plan = PublishPlan::batches(LONELY_TOPIC, bench.count(2_000_000, 400));
                run(bench, &plan)
            },
        },
        Workload {
            name: "pub-1",
            about: "PUB of 200 bytes, the next one after the OK, on one connection",
            limit: Some(Limit::Relay),
            run: |bench| run(bench, &awaiting(bench, 60_000, 1)),
        },
        Workload {
            name: "pub-16",
            about: "the same on 16 connections",
            limit: Some(Limit::Relay),
            run: |bench| run(bench, &awaiting(bench, 200_000, 16)),
        },
        Workload {
            name: "pub-128",
            about: "the same on 128 connections",
            limit: Some(Limit::Relay),
            run: |bench| run(bench, &awaiting(bench, 200_000, 128)),
        },
        Workload {
            name: "pub-pipelined",
            about: "PUB of 200 bytes on one connection, up to 400 under way",
            limit: Some(Limit::Relay),
            run: |bench| {
                let plan = PublishPlan::new(Method::Pub, TOPIC, bench.count(1_000_000, 400));
                run(
                    bench,
                    &PublishPlan {
                        chunk_messages: 100,
                        window_chunks: 4,
                        ..plan
                    },
                )
            },
        },
    ],
};

/// The topic that [`run_on`] gives a channel.
pub(super) const TOPIC: &str = "bench";

/// One that it does not.
const LONELY_TOPIC: &str = "lonely";

fn awaiting(bench: &Bench<'_>, messages: u64, connections: usize) -> PublishPlan {
    let plan = PublishPlan::new(Method::Pub, TOPIC, bench.count(messages, connections as u64));
    PublishPlan { connections, ..plan }
}

/// Publishes `plan` to a server with one channel and room for everything in memory.
pub(super) fn run(bench: &Bench<'_>, plan: &PublishPlan) -> Result<Figures> {
    let memory = format!("--mem-queue-size={}", plan.messages + 1_000);
    let server = bench.start(&[&memory])?;
    run_on(bench, &server, plan)
}

/// Publishes `plan` to [`TOPIC`] of this server, which gets one channel.
pub(super) fn run_on(bench: &Bench<'_>, server: &Server, plan: &PublishPlan) -> Result<Figures> {
    let addresses = server.with_channel(TOPIC, "channel")?;
    let producers = Producers::connect(addresses, plan, 0)?;
    server.settle()?;
    let mut span = server.span()?;
    let published = producers.run(bench.deadline())?;
    span.stop_clock();
    server.settle()?;
    let spent = span.end()?;

    let mut figures = Figures::default();
    figures.phase(&spent, published.tally.count, published.tally.count * 200);
    if published.latency.count() > 0 {
        figures.latency(
            ["request p50", "request p99", "request p99.9", "request max"],
            &published.latency,
        );
    }
    Ok(figures)
}
