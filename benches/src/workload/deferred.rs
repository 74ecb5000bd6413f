//! Messages that are due later.

use super::bench::{Bench, alongside};
use super::drain::RDY;
use super::topics::write_metadata;
use super::{Figures, Group, Workload};
use crate::client::consumer::{Consumers, Subscription};
use crate::client::handler::FinishTimed;
use crate::client::producer::{Producers, PublishPlan};
use crate::clock::MILLISECOND_NS;
use crate::error::Result;
use crate::wire::chunk::Method;

pub(super) const GROUP: Group = Group {
    name: "deferred",
    workloads: &[
        Workload {
            name: "deferred-spread",
            about: "300,000 DPUB with delays spread over 2 to 12 s; lateness counts from the due time",
            limit: None,
            run: |bench| run(bench, 0),
        },
        Workload {
            name: "deferred-crowd",
            about: "the same beside 1,000 other topics with a channel each",
            limit: None,
            run: |bench| run(bench, bench.count(1_000, 10)),
        },
    ],
};

/// The stamp is taken before the write, and the server may round a millisecond down.
const EARLY_MAX_NS: u64 = 2 * MILLISECOND_NS;

fn run(bench: &Bench<'_>, others: u64) -> Result<Figures> {
    let data = bench.data_directory()?;
    if others > 0 {
        write_metadata(data.path(), others)?;
    }
    let server = bench.start_in(data.path(), &["--mem-queue-size=100000"])?;
    let addresses = server.with_channel("bench", "channel")?;
    let subscription = Subscription::new("bench", "channel");
    let mut consumers = Consumers::connect(addresses, &[subscription], None, bench.deadline())?;
    consumers.ready(RDY)?;
    let short = bench.settings.scale < 0.1;
    let (from_ms, to_ms) = if short { (100, 600) } else { (2_000, 12_000) };
    // Few under way at a time: what waits in the socket would count as lateness.
    let plan = PublishPlan {
        chunk_messages: 50,
        ..PublishPlan::new(
            Method::Dpub { from_ms, to_ms },
            "bench",
            bench.count(300_000, 500),
        )
    };
    let producers = Producers::connect(addresses, &plan, 0)?;
    server.let_scan_begin(bench)?;
    let mut handler = FinishTimed::new(plan.messages.div_ceil(50) * 50, EARLY_MAX_NS);

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

    let mut figures = Figures::default();
    figures.latency(
        ["late p50", "late p99", "late p99.9", "late max"],
        &handler.latency,
    );
    figures.server_cpu("server CPU", &spent, published.tally.count);
    Ok(figures)
}
