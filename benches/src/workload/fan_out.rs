//! One publish, many deliveries.

use super::bench::{Bench, alongside};
use super::drain::RDY;
use super::{Figures, Group, Workload};
use crate::client::consumer::{Consumers, Subscription};
use crate::client::handler::Finish;
use crate::client::producer::{Producers, PublishPlan};
use crate::error::Result;
use crate::limit::Limit;

pub(super) const GROUP: Group = Group {
    name: "fan-out",
    workloads: &[Workload {
        name: "fan-out-10",
        about: "one producer with MPUB, ten channels with a consumer each; figures per delivery",
        limit: Some(Limit::Relay),
        run,
    }],
};

const CHANNELS: u64 = 10;

fn run(bench: &Bench<'_>) -> Result<Figures> {
    let plan = PublishPlan::batches("bench", bench.count(300_000, 400));
    let memory = format!("--mem-queue-size={}", plan.messages + 1_000);
    let server = bench.start(&[&memory])?;
    let subscriptions: Vec<Subscription> = (0..CHANNELS)
        .map(|channel| Subscription::new("bench", &format!("channel{channel}")))
        .collect();
    let mut consumers = Consumers::connect(server.addresses(), &subscriptions, None, bench.deadline())?;
    consumers.ready(RDY)?;
    let producers = Producers::connect(server.addresses(), &plan, 0)?;
    server.settle()?;
    let messages = plan.messages.div_ceil(200) * 200;
    let mut handler = Finish::new(messages * CHANNELS);

    let span = server.span()?;
    let (published, ()) = alongside(
        || producers.run(bench.deadline()),
        || {
            consumers.run(&mut handler, bench.deadline())?;
            consumers.close(bench.deadline())
        },
    )?;
    let spent = span.end()?;
    handler.tally.expect(published.tally.times(CHANNELS))?;

    let mut figures = Figures::default();
    figures.phase(&spent, handler.tally.count, handler.tally.count * 200);
    Ok(figures)
}
