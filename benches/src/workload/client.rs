//! What the client library costs: a process of its own publishes to nsqd, or consumes from it.

use std::time::Duration;

use super::bench::{Bench, Fresh};
use super::drain::{RDY, drain};
use super::figures::{mebibytes, per};
use super::{Figures, Group, Workload};
use crate::client::consumer::{Consumers, Subscription};
use crate::client::producer::{Producers, PublishPlan};
use crate::error::{Error, Result};
use crate::library::{CHANNEL, Work};
use crate::process::client::Client;
use crate::process::server::Server;
use crate::wire::body::{Tally, filler};

pub(super) const GROUP: Group = Group {
    name: "client",
    workloads: &[
        Workload {
            name: "client-publish",
            about: "messages of 200 bytes from one task of a client over one connection, up to 1,000 unanswered",
            limit: None,
            run: |bench| publish(bench, Work::Publish, 2_000_000),
        },
        Workload {
            name: "client-mpub",
            about: "the same, 200 with each call and up to four calls unanswered",
            limit: None,
            run: |bench| publish(bench, Work::Mpub, 2_000_000),
        },
        Workload {
            name: "client-wait",
            about: "the same from 1,000 tasks, each of which waits for the answer to its message",
            limit: None,
            run: |bench| publish(bench, Work::Wait, 1_000_000),
        },
        Workload {
            name: "client-consume",
            about: "messages of 200 bytes from memory to a client with RDY 2500 and a handler that counts",
            limit: None,
            run: consume,
        },
    ],
};

const TOPIC: &str = "bench";
const BODY_BYTES: usize = 200;

fn publish(bench: &Bench<'_>, work: Work, messages: u64) -> Result<Figures> {
    let messages = bench.count(messages, 400);
    let server = start(bench, messages)?;
    let client = connect(bench, &server, work, messages)?;
    let (figures, _) = measure(bench, &server, client, filler(BODY_BYTES), messages)?;

    let mut expected = Tally::default();
    (0..messages).for_each(|sequence| expected.add(sequence));
    drain(bench, &server, expected, 1)?;
    Ok(figures)
}

fn consume(bench: &Bench<'_>) -> Result<Figures> {
    let plan = PublishPlan::batches(TOPIC, bench.count(2_000_000, 400));
    let server = start(bench, plan.messages)?;
    let published = Producers::connect(server.addresses(), &plan, 0)?.run(bench.deadline())?;
    let messages = published.tally.count;
    let client = connect(bench, &server, Work::Consume, messages)?;
    let (figures, sum) = measure(bench, &server, client, b"", messages)?;

    let expected = (0..messages).fold(0, u64::wrapping_add);
    if sum != expected.to_string() {
        return Err(Error::Mismatch(format!(
            "the client received {messages} messages whose numbers add up to {sum} instead of {expected}"
        )));
    }
    nothing_is_left(bench, &server)?;
    Ok(figures)
}

/// A server with room for that many messages in memory.
fn start(bench: &Bench<'_>, messages: u64) -> Result<Fresh> {
    let memory = format!("--mem-queue-size={}", messages + 1_000);
    let server = bench.start(&[&memory])?;
    server.with_channel(TOPIC, CHANNEL)?;
    Ok(server)
}

fn connect(bench: &Bench<'_>, server: &Server, work: Work, messages: u64) -> Result<Client> {
    let address = server.addresses().tcp.to_string();
    let program = bench.settings.client.as_deref();
    let arguments = [address.as_str(), TOPIC, &messages.to_string()];
    Client::start(program, work, arguments, bench.deadline())
}

/// Lets the client work. Returns what that took, and what the client says at its end.
fn measure(
    bench: &Bench<'_>,
    server: &Server,
    mut client: Client,
    line: &[u8],
    messages: u64,
) -> Result<(Figures, String)> {
    server.settle()?;
    client.meter().reset_peak();
    let before = client.meter().cpu()?;
    let mut span = server.span()?;
    let said = client.run(line, bench.deadline())?;
    span.stop_clock();
    let client_cpu = client.meter().cpu()?.since(before);
    let peak_bytes = client.meter().memory()?.peak_bytes;
    client.stop()?;
    server.settle()?;
    let spent = span.end()?;

    let mut figures = Figures::default();
    figures.lower(
        "client CPU",
        "s/M msg",
        per(client_cpu.as_secs_f64() * 1e6, messages),
    );
    figures.rate("messages", spent.wall, messages);
    figures.lower("client peak memory", "MiB", mebibytes(peak_bytes));
    figures.server_cpu("server CPU", &spent, messages);
    Ok((figures, said))
}

/// What the client has not finished comes again when it is gone.
fn nothing_is_left(bench: &Bench<'_>, server: &Server) -> Result<()> {
    let subscriptions = [Subscription::new(TOPIC, CHANNEL)];
    let mut consumers = Consumers::connect(server.addresses(), &subscriptions, None, bench.deadline())?;
    consumers.ready(RDY)?;
    consumers.idle(Duration::from_millis(100))?;
    consumers.close(bench.deadline())
}
