//! Consuming what waits in memory.

use super::bench::{Bench, Spent};
use super::{Figures, Group, Workload};
use crate::client::consumer::{Consumers, Subscription};
use crate::client::handler::Finish;
use crate::client::producer::{Producers, PublishPlan};
use crate::error::Result;
use crate::limit::Limit;
use crate::process::server::Server;
use crate::wire::body::Tally;

pub(super) const GROUP: Group = Group {
    name: "drain",
    workloads: &[
        Workload {
            name: "drain-1",
            about: "messages of 200 bytes from memory to one consumer with RDY 2500, one FIN each",
            limit: Some(Limit::Source),
            run: |bench| run(bench, 1),
        },
        Workload {
            name: "drain-4",
            about: "the same to four consumers",
            limit: Some(Limit::Source),
            run: |bench| run(bench, 4),
        },
    ],
};

/// The ready count that the protocol's clients use at full speed: nsqd's default maximum.
pub(super) const RDY: u32 = 2500;

fn run(bench: &Bench<'_>, consumers: usize) -> Result<Figures> {
    let plan = PublishPlan::batches("bench", bench.count(2_000_000, 400));
    let memory = format!("--mem-queue-size={}", plan.messages + 1_000);
    let server = bench.start(&[&memory])?;
    let addresses = server.with_channel("bench", "channel")?;
    let published = Producers::connect(addresses, &plan, 0)?.run(bench.deadline())?;
    let spent = drain(bench, &server, published.tally, consumers)?;

    let mut figures = Figures::default();
    figures.phase(&spent, published.tally.count, published.tally.count * 200);
    Ok(figures)
}

/// Consumes everything that waits in `bench`/`channel` and checks that it is what was published.
pub(super) fn drain(bench: &Bench<'_>, server: &Server, expected: Tally, consumers: usize) -> Result<Spent> {
    let subscriptions = vec![Subscription::new("bench", "channel"); consumers];
    let mut consumers = Consumers::connect(server.addresses(), &subscriptions, None, bench.deadline())?;
    server.settle()?;
    let span = server.span()?;
    let mut handler = Finish::new(expected.count);
    consumers.ready(RDY)?;
    consumers.run(&mut handler, bench.deadline())?;
    consumers.close(bench.deadline())?;
    let spent = span.end()?;
    handler.tally.expect(expected)?;
    Ok(spent)
}
