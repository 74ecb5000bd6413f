//! From publish to receive at a fixed rate, with what every client negotiates by default.

use std::time::Duration;

use super::bench::{Bench, alongside, messages_in};
use super::drain::RDY;
use super::{Figures, Group, Workload};
use crate::client::consumer::{Consumers, Subscription};
use crate::client::handler::FinishTimed;
use crate::client::paced::{Pace, publish_paced};
use crate::error::Result;
use crate::limit::Limit;

pub(super) const GROUP: Group = Group {
    name: "latency",
    workloads: &[
        Workload {
            name: "latency-5k",
            about: "5,000 PUB of 200 bytes per second to one consumer with RDY 2500, counted from the intended time",
            limit: Some(Limit::Relay),
            run: |bench| run(bench, 5_000),
        },
        Workload {
            name: "latency-20k",
            about: "the same at 20,000 per second",
            limit: Some(Limit::Relay),
            run: |bench| run(bench, 20_000),
        },
    ],
};

/// The stamp is the intended time of the write, so nothing can arrive before it.
const EARLY_MAX_NS: u64 = 0;

fn run(bench: &Bench<'_>, per_second: u64) -> Result<Figures> {
    let server = bench.start(&[])?;
    let addresses = server.with_channel("bench", "channel")?;
    let subscription = Subscription::new("bench", "channel");
    let mut consumers = Consumers::connect(addresses, &[subscription], None, bench.deadline())?;
    consumers.ready(RDY)?;
    server.settle()?;
    let messages = messages_in(bench.duration(Duration::from_secs(8)), per_second);
    let pace = Pace {
        topics: vec!["bench".to_owned()],
        body_bytes: 200,
        per_second,
        messages,
    };
    let mut handler = FinishTimed::new(messages, EARLY_MAX_NS);

    let span = server.span()?;
    let (paced, ()) = alongside(
        || publish_paced(addresses, &pace, 0, bench.deadline()),
        || {
            consumers.run(&mut handler, bench.deadline())?;
            consumers.close(bench.deadline())
        },
    )?;
    let spent = span.end()?;
    handler.tally.expect(paced.tally)?;

    let mut figures = Figures::default();
    figures.latency(
        ["receive p50", "receive p99", "receive p99.9", "receive max"],
        &handler.latency,
    );
    figures.latency(["OK p50", "OK p99", "OK p99.9", "OK max"], &paced.acknowledged);
    figures.context(
        "generator late p99",
        "ms",
        super::figures::milliseconds(paced.sent.quantile_ns(990)),
    );
    figures.server_cpu("server CPU", &spent, messages);
    Ok(figures)
}
