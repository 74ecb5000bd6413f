//! `GET /stats` for people, to the byte.

use nsq_tests::{Nsqd, program};
use serde_json::json;

/// The text with what changes from run to run replaced: durations, dates, ports and memory figures.
fn normalised(nsqd: &Nsqd, query: &str) -> String {
    let response = nsqd.http().get(&format!("/stats{query}"));
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(
        response.header("Content-Type"),
        Some("text/plain; charset=utf-8"),
        "{response:?}"
    );
    response.expect_nsq_content_type();
    let lines = response.text().split('\n').map(|line| {
        if let Some(start) = line.strip_prefix("start_time ") {
            assert_rfc_3339(start);
            return "start_time <date>".to_owned();
        }
        if let Some(uptime) = line.strip_prefix("uptime ") {
            assert_duration(uptime);
            return "uptime <duration>".to_owned();
        }
        if let Some((head, figure)) = line.split_once('\t') {
            assert!(figure.bytes().all(|byte| byte.is_ascii_digit()), "{line}");
            return format!("{head}\t<n>");
        }
        if let Some((head, connected)) = line.split_once(" connected: ") {
            assert_duration(connected);
            return format!("{head} connected: <duration>");
        }
        line.to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn assert_rfc_3339(text: &str) {
    let digits: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let zone = digits
        .strip_prefix("0000-00-00T00:00:00")
        .unwrap_or_else(|| panic!("no RFC 3339 date: {text}"));
    assert!(
        ["Z", "+00:00", "-00:00"].contains(&zone),
        "no RFC 3339 date: {text}"
    );
}

#[track_caller]
fn assert_duration(text: &str) {
    let units = ["h", "m", "s", "ms", "µs", "ns"];
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    assert!(
        text.starts_with(|c: char| c.is_ascii_digit()) && !unit.is_empty(),
        "no duration: {text}"
    );
    assert!(
        text.split(|c: char| c.is_ascii_digit() || c == '.')
            .all(|part| part.is_empty() || units.contains(&part)),
        "no duration: {text}"
    );
}

const HEAD: &str = "start_time <date>\nuptime <duration>\n\nHealth: OK\n";
const MEMORY: &str = "
Memory:
   heap_objects             \t<n>
   heap_idle_bytes          \t<n>
   heap_in_use_bytes        \t<n>
   heap_released_bytes      \t<n>
   gc_pause_usec_100        \t<n>
   gc_pause_usec_99         \t<n>
   gc_pause_usec_95         \t<n>
   next_gc_bytes            \t<n>
   gc_total_runs            \t<n>
";

#[test]
fn an_empty_server() {
    let nsqd = Nsqd::start();
    let banner = program::banner();

    assert_eq!(
        normalised(&nsqd, ""),
        format!("{banner}\n{HEAD}{MEMORY}\nTopics: None\n\nProducers: None\n")
    );
    let short = format!("{banner}\n{HEAD}\nTopics: None\n\nProducers: None\n");
    assert_eq!(normalised(&nsqd, "?include_mem=false"), short);
    assert_eq!(normalised(&nsqd, "?include_mem=0&format=JSON"), short);
    assert_eq!(normalised(&nsqd, "?include_mem=0&topic=missing"), short);
}

#[test]
fn topics_channels_consumers_and_producers() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.connect();
    consumer.identify(r#"{"client_id":"worker","hostname":"worker.example","user_agent":"test/1.0"}"#);
    consumer.subscribe("orders", "billing");
    consumer.ready(2);
    let mut producer = nsqd.connect();
    producer.identify(r#"{"client_id":"prod","hostname":"p","user_agent":""}"#);
    for _ in 0..4 {
        producer.publish("orders", "hello");
    }
    let messages = consumer.expect_messages(2);
    consumer.send(messages[0].fin());
    let third = consumer.expect_message();
    consumer.send(third.req(3_600_000));
    consumer.expect_message();
    nsqd.create_topic("other");
    nsqd.await_channel(
        "orders",
        "billing",
        &json!({"in_flight_count": 2, "deferred_count": 1, "depth": 0}),
    );
    let consumer_port = consumer.local_address().unwrap().port();
    let producer_id = format!("p:{} ", producer.local_address().unwrap().port());

    let topics = "
Topics:
   [orders         ] depth: 0     be-depth: 0     msgs: 4        e2e%: 
      [billing                  ] depth: 0     be-depth: 0     inflt: 2    def: 1    re-q: 1     timeout: 0     msgs: 4        e2e%: 
";
    let client = format!(
        "        [V2 worker.example:{consumer_port} test/1.0] state: 3 inflt: 2    rdy: 2    fin: 1        re-q: 1        msgs: 4        connected: <duration>\n"
    );
    let other = "
   [other          ] depth: 0     be-depth: 0     msgs: 0        e2e%: 
";
    let producers = format!(
        "\nProducers:\n   [V2 {producer_id:<21}] msgs: 4        topics: orders=4 connected: <duration>\n"
    );
    let banner = program::banner();
    assert_eq!(
        normalised(&nsqd, ""),
        format!("{banner}\n{HEAD}{MEMORY}{topics}{client}{other}{producers}")
    );
    assert_eq!(
        normalised(&nsqd, "?include_mem=false&topic=orders"),
        format!("{banner}\n{HEAD}{topics}{client}{producers}")
    );
    assert_eq!(
        normalised(&nsqd, "?include_mem=false&include_clients=false"),
        format!("{banner}\n{HEAD}{topics}{other}\nProducers: None\n")
    );
}

#[test]
fn paused_topics_and_channels_are_marked() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("f", "c");
    nsqd.publish("f", "hi");
    nsqd.await_channel("f", "c", &json!({"depth": 1}));
    nsqd.topic_action("pause", "f");
    nsqd.channel_action("pause", "f", "c");
    nsqd.publish("f", "hi");

    let text = normalised(&nsqd, "?include_mem=false&include_clients=false");
    let expected = "
Topics:
*P [f              ] depth: 1     be-depth: 0     msgs: 2        e2e%: 
   *P [c                        ] depth: 1     be-depth: 0     inflt: 0    def: 0    re-q: 0     timeout: 0     msgs: 1        e2e%: 
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_consumer_that_publishes_is_shown_like_a_producer_in_both_places() {
    let nsqd = Nsqd::start();
    let mut both = nsqd.connect();
    both.identify(r#"{"hostname":"both"}"#);
    both.subscribe("t", "c");
    both.publish("t", "hi");
    nsqd.await_channel("t", "c", &json!({"depth": 1}));

    let text = normalised(&nsqd, "?include_mem=false");
    let id = format!("both:{} ", both.local_address().unwrap().port());
    let line = format!("[V2 {id:<21}] msgs: 1        topics: t=1 connected: <duration>\n");
    let expected = format!("        {line}\nProducers:\n   {line}");
    assert!(text.ends_with(&expected), "{text}");
}

#[test]
fn latencies_are_shown_with_a_unit_that_suits_them() {
    let nsqd = Nsqd::with(&["--e2e-processing-latency-percentile=1.0,0.5"]);
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.create_channel("empty", "c");
    nsqd.publish("t", "hi");
    let message = consumer.expect_message();
    consumer.send(message.fin());
    consumer.expect_nothing_before_ok("probe");

    let text = normalised(&nsqd, "?include_mem=false");
    assert!(text.contains("msgs: 0        e2e%: 0.0ns, 0.0ns\n"), "{text}");
    let line = text.lines().find(|line| line.starts_with("   [t ")).unwrap();
    let (_, latencies) = line.split_once("e2e%: ").unwrap();
    for latency in latencies.split(", ") {
        let unit = latency.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let (_, decimals) = latency.trim_end_matches(unit).split_once('.').unwrap();
        assert!(
            ["s", "ms", "us", "ns"].contains(&unit) && decimals.len() == 1,
            "{line}"
        );
    }
}

#[test]
fn names_longer_than_their_column_push_it() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("a_topic_name_of_more_than_15", "a_channel_name_of_more_than_25");

    let text = normalised(&nsqd, "");
    assert!(
        text.contains("\n   [a_topic_name_of_more_than_15] depth: 0     be-depth"),
        "{text}"
    );
    assert!(
        text.contains("\n      [a_channel_name_of_more_than_25] depth: 0     be-depth"),
        "{text}"
    );
}
