//! What one user of a server does to another.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::bench::{Bench, alongside, messages_in};
use super::drain::RDY;
use super::topics::write_metadata;
use super::{Figures, Group, Workload};
use crate::client::Addresses;
use crate::client::consumer::{Consumers, Subscription};
use crate::client::handler::{Finish, FinishTimed};
use crate::client::paced::{Pace, Paced, publish_paced};
use crate::client::producer::{Producers, PublishPlan};
use crate::error::{Doing, Result};
use crate::histogram::Histogram;
use crate::limit::Limit;
use crate::process::server::Server;
use crate::wire::command::{self, MAGIC};

pub(super) const GROUP: Group = Group {
    name: "interference",
    workloads: &[
        Workload {
            name: "slow-consumer",
            about: "drain with three consumers while a fourth takes RDY 2500 and never reads",
            limit: None,
            run: slow_consumer,
        },
        Workload {
            name: "flood",
            about: "1,000 PUB per second, first alone, then while another topic is flooded and spills to disk",
            limit: Some(Limit::Relay),
            run: |bench| flood(bench, 0),
        },
        Workload {
            name: "flood-10k",
            about: "the same spread over 10,000 topics, one more being flooded",
            limit: None,
            run: |bench| flood(bench, bench.count(10_000, 20)),
        },
    ],
};

fn slow_consumer(bench: &Bench<'_>) -> Result<Figures> {
    let plan = PublishPlan::batches("bench", bench.count(1_000_000, 10_000));
    let memory = format!("--mem-queue-size={}", plan.messages + 1_000);
    let server = bench.start(&[&memory])?;
    let addresses = server.with_channel("bench", "channel")?;
    let mut slow = TcpStream::connect(addresses.tcp).doing(|| "connecting the slow consumer")?;
    let mut handshake = MAGIC.to_vec();
    command::sub(&mut handshake, "bench", "channel");
    command::rdy(&mut handshake, RDY);
    slow.write_all(&handshake)
        .doing(|| "subscribing the slow consumer")?;
    let subscriptions = vec![Subscription::new("bench", "channel"); 3];
    let mut fast = Consumers::connect(addresses, &subscriptions, None, bench.deadline())?;
    let published = Producers::connect(addresses, &plan, 0)?.run(bench.deadline())?;
    server.settle()?;

    // What the slow one holds does not come back within the run.
    let mut handler = Finish::new(published.tally.count - u64::from(RDY));
    let span = server.span()?;
    fast.ready(RDY)?;
    fast.run(&mut handler, bench.deadline())?;
    let spent = span.end()?;
    drop(slow);
    let mut figures = Figures::default();
    figures.phase(&spent, handler.tally.count, handler.tally.count * 200);
    Ok(figures)
}

const PER_SECOND: u64 = 1_000;

/// The flood ends with the phase it disturbs; this only bounds the disk it can fill.
const FLOOD_MESSAGES_MAX: u64 = 20_000_000;

fn flood(bench: &Bench<'_>, topics: u64) -> Result<Figures> {
    let data = bench.data_directory()?;
    let mut quiet: Vec<String> = (0..topics).map(|index| format!("topic{index:05}")).collect();
    if topics > 0 {
        write_metadata(data.path(), topics)?;
    } else {
        quiet.push("quiet".to_owned());
    }
    let server = bench.start_in(data.path(), &[])?;
    let mut admin = server.admin()?;
    admin.create_channel("flood", "channel")?;
    let watched = quiet.first().cloned().unwrap_or_default();
    admin.create_channel(&watched, "channel")?;

    let (alone, alone_received) = paced(bench, &server, &quiet, &watched, 0)?;
    let plan = PublishPlan::batches("flood", FLOOD_MESSAGES_MAX);
    let flood = Producers::connect(server.addresses(), &plan, 1 << 40)?;
    let is_over = AtomicBool::new(false);
    let span = server.span()?;
    let (flooded, (loaded, loaded_received)) = alongside(
        || flood.run_until(|| is_over.load(Ordering::Relaxed), bench.deadline()),
        || {
            let loaded = paced(bench, &server, &quiet, &watched, 1 << 41);
            is_over.store(true, Ordering::Relaxed);
            loaded
        },
    )?;
    let spent = span.end()?;

    let mut figures = Figures::default();
    figures.latency(
        ["alone OK p50", "alone OK p99", "alone OK p99.9", "alone OK max"],
        &alone.acknowledged,
    );
    figures.latency(
        ["flood OK p50", "flood OK p99", "flood OK p99.9", "flood OK max"],
        &loaded.acknowledged,
    );
    if topics == 0 {
        let names = [
            "alone receive p50",
            "alone receive p99",
            "alone receive p99.9",
            "alone receive max",
        ];
        figures.latency(names, &alone_received);
        let names = [
            "flood receive p50",
            "flood receive p99",
            "flood receive p99.9",
            "flood receive max",
        ];
        figures.latency(names, &loaded_received);
    }
    figures.rate("flood", spent.wall, flooded.tally.count);
    Ok(figures)
}

/// Publishes to `topics` at a fixed rate. With a single topic a consumer receives everything.
fn paced(
    bench: &Bench<'_>,
    server: &Server,
    topics: &[String],
    watched: &str,
    first_sequence: u64,
) -> Result<(Paced, Histogram)> {
    let addresses: &Addresses = server.addresses();
    let messages = messages_in(bench.duration(Duration::from_secs(6)), PER_SECOND);
    let pace = Pace {
        topics: topics.to_vec(),
        body_bytes: 200,
        per_second: PER_SECOND,
        messages,
    };
    if topics.len() > 1 {
        let paced = publish_paced(addresses, &pace, first_sequence, bench.deadline())?;
        return Ok((paced, Histogram::default()));
    }
    let subscription = Subscription::new(watched, "channel");
    let mut consumers = Consumers::connect(addresses, &[subscription], None, bench.deadline())?;
    consumers.ready(RDY)?;
    let mut handler = FinishTimed::new(messages, 0);
    let (paced, ()) = alongside(
        || publish_paced(addresses, &pace, first_sequence, bench.deadline()),
        || {
            consumers.run(&mut handler, bench.deadline())?;
            consumers.close(bench.deadline())
        },
    )?;
    handler.tally.expect(paced.tally)?;
    Ok((paced, handler.latency))
}
