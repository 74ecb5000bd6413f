//! Consumers that all fail to finish in time.

use super::bench::Bench;
use super::drain::RDY;
use super::{Figures, Group, Workload};
use crate::client::consumer::{Consumers, Subscription};
use crate::client::handler::TimeOutOnce;
use crate::client::producer::{Producers, PublishPlan};
use crate::clock::MILLISECOND_NS;
use crate::error::Result;

pub(super) const GROUP: Group = Group {
    name: "timeouts",
    workloads: &[Workload {
        name: "timeouts-storm",
        about: "20 consumers with RDY 2500 let every message time out once; lateness of the redelivery",
        limit: None,
        run,
    }],
};

const CONSUMERS: u64 = 20;

const TIMEOUT_MS: u64 = 1_000;

fn run(bench: &Bench<'_>) -> Result<Figures> {
    let messages = CONSUMERS * bench.count(u64::from(RDY), 10);
    let memory = format!("--mem-queue-size={}", messages + 1_000);
    let server = bench.start(&[&memory])?;
    let addresses = server.with_channel("bench", "channel")?;
    let plan = PublishPlan {
        chunk_messages: usize::try_from(CONSUMERS).unwrap_or(1),
        ..PublishPlan::batches("bench", messages)
    };
    let published = Producers::connect(addresses, &plan, 0)?.run(bench.deadline())?;
    let subscriptions = vec![Subscription::new("bench", "channel"); usize::try_from(CONSUMERS).unwrap_or(1)];
    let identify = format!(r#"{{"feature_negotiation":true,"msg_timeout":{TIMEOUT_MS}}}"#);
    let mut consumers = Consumers::connect(addresses, &subscriptions, Some(&identify), bench.deadline())?;
    server.let_scan_begin(bench)?;
    let goal = usize::try_from(published.tally.count).unwrap_or(0);
    let mut handler = TimeOutOnce::new(goal, TIMEOUT_MS * MILLISECOND_NS);

    let span = server.span()?;
    consumers.ready(RDY)?;
    consumers.run(&mut handler, bench.deadline())?;
    consumers.close(bench.deadline())?;
    let spent = span.end()?;
    handler.tally.expect(published.tally)?;

    let mut figures = Figures::default();
    figures.latency(
        ["late p50", "late p99", "late p99.9", "late max"],
        &handler.lateness,
    );
    figures.server_cpu("server CPU", &spent, published.tally.count);
    Ok(figures)
}
