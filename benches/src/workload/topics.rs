//! Many topics: what it costs to make them, to have them, and to publish beside them.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use super::bench::{Bench, Spent};
use super::figures::{mebibytes, milliseconds};
use super::{Figures, Group, Workload};
use crate::client::consumer::{Consumers, Subscription};
use crate::client::producer::{Producers, PublishPlan};
use crate::clock::now_ns;
use crate::error::{Doing, Result};
use crate::limit::Limit;
use crate::process::server::Server;
use crate::wire::chunk::Method;

pub(super) const GROUP: Group = Group {
    name: "topics",
    workloads: &[
        Workload {
            name: "topics-create",
            about: "1,000 topics, then a channel on each, over HTTP on one connection",
            limit: Some(Limit::Sink),
            run: create,
        },
        Workload {
            name: "topics-1k",
            about: "1,000 topics with a channel and a consumer each: idle CPU, publishing to 32 others and to all",
            limit: None,
            run: |bench| many(bench, bench.count(1_000, 20), true),
        },
        Workload {
            name: "topics-10k",
            about: "10,000 topics with a channel each, loaded at start: idle CPU, publishing to 32 others and to all",
            limit: None,
            run: |bench| many(bench, bench.count(10_000, 20), false),
        },
    ],
};

/// Topics that are busy beside the idle ones: enough that no memory queue of the default size overflows.
const BUSY_TOPICS: u64 = 32;

/// Below the default `--mem-queue-size` of 10,000.
const MESSAGES_EACH: u64 = 9_000;

fn name(index: u64) -> String {
    format!("topic{index:05}")
}

fn create(bench: &Bench<'_>) -> Result<Figures> {
    let count = bench.count(1_000, 20);
    let server = bench.start(&[])?;
    let mut admin = server.admin()?;
    admin.ping()?;
    let span = server.span()?;
    for index in 0..count {
        admin.create_topic(&name(index))?;
    }
    let topics = span.end()?;
    let span = server.span()?;
    for index in 0..count {
        admin.post(&format!("/channel/create?topic={}&channel=channel", name(index)))?;
    }
    let channels = span.end()?;

    let mut figures = Figures::default();
    figures.rate("topics", topics.wall, count);
    figures.server_cpu("CPU per topic", &topics, count);
    figures.rate("channels", channels.wall, count);
    figures.server_cpu("CPU per channel", &channels, count);
    Ok(figures)
}

fn many(bench: &Bench<'_>, count: u64, with_consumers: bool) -> Result<Figures> {
    let data = bench.data_directory()?;
    write_metadata(data.path(), count)?;
    let begun_ns = now_ns();
    let server = bench.start_in(data.path(), &[])?;
    server.admin()?.ping()?;
    let start_ns = now_ns() - begun_ns;
    let mut consumers = None;
    if with_consumers {
        let subscriptions: Vec<Subscription> = (0..count)
            .map(|index| Subscription::new(&name(index), "channel"))
            .collect();
        let mut group =
            Consumers::connect(server.addresses(), &subscriptions, Some(QUIET), bench.deadline())?;
        group.ready(1)?;
        consumers = Some(group);
    }
    server.settle()?;
    let resident_bytes = server.memory()?.resident_bytes;
    let idle = idle(bench, &server, consumers.as_mut())?;
    // Consumers that nobody drives any more would only fill their sockets.
    drop(consumers);
    let messages = bench.count(BUSY_TOPICS * MESSAGES_EACH, 400);
    let busy: Vec<String> = (0..BUSY_TOPICS).map(|index| format!("busy{index}")).collect();
    let mut admin = server.admin()?;
    for topic in &busy {
        admin.create_channel(topic, "channel")?;
    }
    let few = publish(bench, &server, busy, messages)?;
    let all = publish(bench, &server, (0..count).map(name).collect(), messages)?;

    let mut figures = Figures::default();
    figures.lower("start to /ping", "ms", milliseconds(start_ns));
    figures.lower("memory", "MiB", mebibytes(resident_bytes));
    if let Some(cpu) = idle.server_cpu {
        figures.lower(
            "idle CPU",
            "ms/s",
            cpu.as_secs_f64() * 1e3 / idle.wall.as_secs_f64(),
        );
    }
    if let Some(peak_bytes) = all.peak_bytes {
        figures.lower("peak memory, published", "MiB", mebibytes(peak_bytes));
    }
    figures.server_cpu("CPU, 32 topics", &few, messages);
    figures.server_cpu("CPU, all topics", &all, messages);
    figures.rate("32 topics", few.wall, messages);
    figures.rate("all topics", all.wall, messages);
    Ok(figures)
}

/// The longest heartbeat interval that nsqd grants by default, so that none falls into an idle phase.
const QUIET: &str = r#"{"feature_negotiation":true,"heartbeat_interval":60000}"#;

fn idle(bench: &Bench<'_>, server: &Server, consumers: Option<&mut Consumers>) -> Result<Spent> {
    let duration = bench.duration(Duration::from_secs(10));
    let span = server.span()?;
    match consumers {
        Some(consumers) => consumers.idle(duration)?,
        None => crate::clock::sleep(duration),
    }
    span.end()
}

/// Pipelined `PUB`s, a hundred at a time.
fn publish(bench: &Bench<'_>, server: &Server, topics: Vec<String>, messages: u64) -> Result<Spent> {
    let plan = PublishPlan {
        topics,
        chunk_messages: 100,
        window_chunks: 4,
        ..PublishPlan::new(Method::Pub, "", messages)
    };
    let producers = Producers::connect(server.addresses(), &plan, 0)?;
    server.settle()?;
    let mut span = server.span()?;
    producers.run(bench.deadline())?;
    span.stop_clock();
    server.settle()?;
    span.end()
}

/// Writes an `nsqd.dat` with `count` topics of one channel each, as nsqd itself writes it.
pub(super) fn write_metadata(data: &Path, count: u64) -> Result<()> {
    let mut json = r#"{"topics":["#.to_owned();
    for index in 0..count {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(
            json,
            r#"{comma}{{"channels":[{{"name":"channel","paused":false}}],"name":"{}","paused":false}}"#,
            name(index)
        );
    }
    json.push_str(r#"],"version":"1.3.0"}"#);
    let path = data.join("nsqd.dat");
    std::fs::write(&path, json).doing(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_metadata_is_json_with_every_topic() {
        let data = tempfile::tempdir().unwrap();
        write_metadata(data.path(), 3).unwrap();
        let bytes = std::fs::read(data.path().join("nsqd.dat")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(json["topics"].as_array().unwrap().len(), 3);
        assert_eq!(json["topics"][2]["channels"][0]["name"], "channel");
    }
}
