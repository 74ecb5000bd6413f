//! Resident memory per thing that a server holds.

use std::time::Duration;

use super::bench::Bench;
use super::figures::{float, per};
use super::{Figures, Group, Workload};
use crate::client::consumer::{Consumers, Subscription};
use crate::client::producer::{Producers, PublishPlan};
use crate::error::Result;
use crate::limit::Limit;
use crate::process::server::Server;
use crate::wire::chunk::Method;

pub(super) const GROUP: Group = Group {
    name: "memory",
    workloads: &[
        Workload {
            name: "memory-consumers",
            about: "5,000 idle consumers of one channel",
            limit: Some(Limit::Sink),
            run: |bench| {
                consumers(bench, bench.count(5_000, 20), |_| {
                    Subscription::new("bench", "channel")
                })
            },
        },
        Workload {
            name: "memory-consumers-15k",
            about: "15,000 idle consumers of one channel",
            limit: Some(Limit::Sink),
            run: |bench| {
                consumers(bench, bench.count(15_000, 20), |_| {
                    Subscription::new("bench", "channel")
                })
            },
        },
        Workload {
            name: "memory-topics",
            about: "2,000 idle topics with one channel and one consumer each",
            limit: None,
            run: |bench| {
                consumers(bench, bench.count(2_000, 20), |n| {
                    Subscription::new(&format!("bench{n}"), "channel")
                })
            },
        },
        Workload {
            name: "memory-queued",
            about: "messages of 200 bytes waiting in memory; beyond the body",
            limit: Some(Limit::Relay),
            run: |bench| messages(bench, &PublishPlan::batches("bench", bench.count(1_000_000, 400))),
        },
        Workload {
            name: "memory-deferred",
            about: "messages of 200 bytes deferred by ten minutes; beyond the body",
            limit: None,
            run: |bench| {
                let method = Method::Dpub {
                    from_ms: 600_000,
                    to_ms: 900_000,
                };
                let plan = PublishPlan::new(method, "bench", bench.count(500_000, 400));
                messages(
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

fn consumers(bench: &Bench<'_>, count: u64, subscription: impl Fn(u64) -> Subscription) -> Result<Figures> {
    let server = bench.start(&[])?;
    server.with_channel("bench", "channel")?;
    // What the first connections allocate once is not what each of the rest costs.
    let mut warm = Consumers::connect(server.addresses(), &[subscription(0)], None, bench.deadline())?;
    warm.ready(1)?;
    let before = resident(&server)?;
    let subscriptions: Vec<Subscription> = (1..=count).map(subscription).collect();
    let mut group = Consumers::connect(server.addresses(), &subscriptions, None, bench.deadline())?;
    group.ready(1)?;
    let after = resident(&server)?;
    let idle = bench.duration(Duration::from_secs(5));
    let span = server.span()?;
    group.idle(idle)?;
    let spent = span.end()?;

    let mut figures = Figures::default();
    figures.lower(
        "memory each",
        "KiB",
        per(float(after.saturating_sub(before)) / 1024.0, count),
    );
    if let Some(cpu) = spent.server_cpu {
        figures.lower(
            "idle CPU",
            "ms/s",
            cpu.as_secs_f64() * 1e3 / spent.wall.as_secs_f64(),
        );
    }
    Ok(figures)
}

fn messages(bench: &Bench<'_>, plan: &PublishPlan) -> Result<Figures> {
    let memory = format!("--mem-queue-size={}", plan.messages + 1_000);
    let server = bench.start(&[&memory])?;
    server.admin()?.ping()?;
    let before = resident(&server)?;
    let addresses = server.with_channel("bench", "channel")?;
    let published = Producers::connect(addresses, plan, 0)?.run(bench.deadline())?;
    let after = resident(&server)?;
    let count = published.tally.count;

    let mut figures = Figures::default();
    figures.lower(
        "memory each",
        "B",
        per(float(after.saturating_sub(before)), count) - 200.0,
    );
    figures.lower(
        "peak each",
        "B",
        per(float(server.memory()?.peak_bytes.saturating_sub(before)), count) - 200.0,
    );
    Ok(figures)
}

fn resident(server: &Server) -> Result<u64> {
    server.settle()?;
    Ok(server.memory()?.resident_bytes)
}
