//! Publishing and consuming at the same time.

use super::bench::{Bench, alongside};
use super::drain::RDY;
use super::{Figures, Group, Workload};
use crate::client::consumer::{Consumers, Subscription};
use crate::client::handler::Finish;
use crate::client::producer::{Producers, PublishPlan};
use crate::error::Result;
use crate::limit::Limit;

pub(super) const GROUP: Group = Group {
    name: "end-to-end",
    workloads: &[
        Workload {
            name: "end-to-end-memory",
            about: "two producers with MPUB of 200 messages of 200 bytes and two consumers with RDY 2500, all in memory",
            limit: Some(Limit::Relay),
            run: |bench| {
                let plan = plan(bench);
                let memory = format!("--mem-queue-size={}", plan.messages + 1_000);
                run(bench, &plan, &[&memory])
            },
        },
        Workload {
            name: "end-to-end-default",
            about: "the same with the default --mem-queue-size, so that a lagging consumer spills to disk",
            limit: Some(Limit::Relay),
            run: |bench| run(bench, &plan(bench), &[]),
        },
    ],
};

fn plan(bench: &Bench<'_>) -> PublishPlan {
    PublishPlan {
        connections: 2,
        ..PublishPlan::batches("bench", bench.count(2_000_000, 400))
    }
}

/// Runs `plan` against two consumers.
pub(super) fn run(bench: &Bench<'_>, plan: &PublishPlan, flags: &[&str]) -> Result<Figures> {
    let server = bench.start(flags)?;
    let addresses = server.with_channel("bench", "channel")?;
    let subscriptions = vec![Subscription::new("bench", "channel"); 2];
    let mut consumers =
        Consumers::connect_through(addresses, &subscriptions, &plan.layers, bench.deadline())?;
    consumers.ready(RDY)?;
    let producers = Producers::connect(addresses, plan, 0)?;
    server.settle()?;
    // Rounded up to whole pieces on each connection, as the producers will.
    let per_round = (plan.chunk_messages * plan.connections) as u64;
    let mut handler = Finish::new(plan.messages.div_ceil(per_round) * per_round);

    let span = server.span()?;
    let (published, ()) = alongside(
        || producers.run(bench.deadline()),
        || {
            consumers.run(&mut handler, bench.deadline())?;
            consumers.close(bench.deadline())
        },
    )?;
    let spent = span.end()?;
    handler.tally.expect(published.tally)?;

    let count = published.tally.count;
    let body_bytes = plan.body_bytes.iter().map(|size| *size as u64).sum::<u64>();
    let mut figures = Figures::default();
    figures.phase(
        &spent,
        count,
        count * body_bytes / plan.body_bytes.len().max(1) as u64,
    );
    Ok(figures)
}
