//! Bodies other than 200 bytes.

use super::bench::Bench;
use super::figures::float;
use super::{Figures, Group, Workload, drain, end_to_end};
use crate::client::producer::{Producers, PublishPlan};
use crate::error::Result;
use crate::limit::Limit;
use crate::wire::body::BODY_BYTES_MAX;
use crate::wire::chunk::Method;

pub(super) const GROUP: Group = Group {
    name: "sizes",
    workloads: &[
        Workload {
            name: "large",
            about: "1,000 messages of 1 MiB: publish into memory, then drain with one consumer",
            limit: Some(Limit::Relay),
            run: large,
        },
        Workload {
            name: "mixed",
            about: "two producers and two consumers, 99 PUB of 100 bytes to one of 64 KiB",
            limit: Some(Limit::Relay),
            run: mixed,
        },
        Workload {
            name: "tiny",
            about: "two producers and two consumers, MPUB of 200 messages of 16 bytes",
            limit: Some(Limit::Relay),
            run: |bench| {
                let plan = PublishPlan::batches("bench", bench.count(2_000_000, 400));
                let memory = format!("--mem-queue-size={}", plan.messages + 1_000);
                end_to_end::run(
                    bench,
                    &PublishPlan {
                        body_bytes: vec![16],
                        connections: 2,
                        ..plan
                    },
                    &[&memory],
                )
            },
        },
    ],
};

fn large(bench: &Bench<'_>) -> Result<Figures> {
    let plan = PublishPlan {
        body_bytes: vec![BODY_BYTES_MAX],
        window_chunks: 4,
        ..PublishPlan::new(Method::Pub, "bench", bench.count(1_000, 8))
    };
    let server = bench.start(&["--mem-queue-size=10000"])?;
    let addresses = server.with_channel("bench", "channel")?;
    let producers = Producers::connect(addresses, &plan, 0)?;
    server.settle()?;
    let mut span = server.span()?;
    let published = producers.run(bench.deadline())?.tally;
    span.stop_clock();
    server.settle()?;
    let publish = span.end()?;
    let held_bytes = published.count * BODY_BYTES_MAX as u64;
    let drain = drain::drain(bench, &server, published, 1)?;

    let mut figures = Figures::default();
    figures.server_cpu("publish CPU", &publish, published.count);
    figures.bandwidth("publish", publish.wall, held_bytes);
    figures.server_cpu("drain CPU", &drain, published.count);
    figures.bandwidth("drain", drain.wall, held_bytes);
    if let Some(peak_bytes) = publish.peak_bytes {
        figures.lower("peak / bodies held", "", float(peak_bytes) / float(held_bytes));
    }
    Ok(figures)
}

fn mixed(bench: &Bench<'_>) -> Result<Figures> {
    let mut body_bytes = vec![100; 99];
    body_bytes.push(64 * 1024);
    let plan = PublishPlan {
        body_bytes,
        chunk_messages: 100,
        window_chunks: 4,
        connections: 2,
        ..PublishPlan::new(Method::Pub, "bench", bench.count(500_000, 400))
    };
    let memory = format!("--mem-queue-size={}", plan.messages + 1_000);
    end_to_end::run(bench, &plan, &[&memory])
}
