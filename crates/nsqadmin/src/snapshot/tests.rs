//! Views of small clusters.

use std::time::Duration;

use nsq_clusterinfo::merge;
use nsq_clusterinfo::wire::{NodeEntry, NodeStats};
use nsq_runtime::Moment;

use super::*;

fn node(name: &str, port: u16) -> Node {
    Node {
        info: merge::Node {
            hostname: name.to_owned(),
            broadcast_address: name.to_owned(),
            http_port: port,
            version: "1.3.0".to_owned(),
            ..merge::Node::default()
        },
        ..Node::default()
    }
}

fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

/// A topic `t` with a channel `c`.
fn stats(messages: i64, depth: i64) -> NodeStats {
    let json = format!(
        r#"{{"start_time":5,"topics":[{{"topic_name":"t","depth":1,"message_count":{messages},"message_bytes":{},
        "channels":[{{"channel_name":"c","depth":{depth},"message_count":{messages},"client_count":2,"paused":true,
        "e2e_processing_latency":{{"count":1,"percentiles":[{{"quantile":0.99,"value":{depth}}},
        {{"quantile":0.5,"value":1}}]}}}},{{"channel_name":"nsqadmin-tail-1#ephemeral","depth":9}}]}}]}}"#,
        messages * 10
    );
    serde_json::from_str(&json).unwrap()
}

fn take(node: &mut Node, seconds: u64, stats: NodeStats) {
    node.status.ask(at(seconds));
    node.status
        .answered(at(seconds), i64::try_from(seconds).unwrap() * 1000);
    node.take(stats, at(seconds), i64::try_from(seconds).unwrap() * 1000, false);
}

fn view(seconds: u64, nodes: &[&Node], nsqlookupds: &[&Nsqlookupd], previous: &View) -> View {
    View::build(ViewInput {
        seq: previous.seq + 1,
        now: at(seconds),
        now_ms: i64::try_from(seconds).unwrap() * 1000,
        fresh_for: Duration::from_secs(30),
        nodes: nodes.iter().map(|node| (*node).clone()).collect(),
        nsqlookupds: nsqlookupds.iter().map(|it| (*it).clone()).collect(),
        previous,
        trend: &|_| None,
        problem: &|_| None,
    })
}

#[test]
fn rows_add_up_what_nodes_have() {
    let (mut a, mut b) = (node("a", 1), node("b", 1));
    for seconds in [0, 10] {
        let count = i64::try_from(seconds).unwrap();
        take(&mut a, seconds, stats(100 + count * 2, 5));
        take(&mut b, seconds, stats(200 + count, 7));
    }
    let view = view(10, &[&a, &b], &[], &View::default());
    let topic = view.topic("t").unwrap();
    assert_eq!((topic.depth, topic.backlog, topic.consumers), (2, 14, 4));
    assert_eq!((topic.publish_rate, topic.bytes_rate), (Some(3.0), Some(30.0)));
    assert_eq!((topic.worst_channel.as_str(), topic.worst_depth), ("c", 12));
    assert_eq!(
        (topic.channels, topic.nodes),
        (1, 2),
        "the channel of a tail does not count"
    );
    let channel = view.channel("t", "c").unwrap();
    assert_eq!((channel.in_rate, channel.out_rate), (Some(3.0), Some(3.0)));
    assert_eq!(channel.paused, Paused::All);
    assert_eq!(view.quantiles, [0.5, 0.99]);
    assert_eq!(channel.e2e_ns, [Some(1.0), Some(7.0)], "of the slowest node");
    assert_eq!(view.totals.backlog, 14);
    assert!(!view.partial && !channel.partial);
}

#[test]
fn a_node_that_hangs_keeps_its_numbers_and_is_named() {
    let (mut a, mut b) = (node("a", 1), node("b", 1));
    take(&mut a, 0, stats(1, 5));
    take(&mut b, 0, stats(1, 7));
    b.status.ask(at(10));
    take(&mut a, 12, stats(1, 5));
    let view = view(13, &[&a, &b], &[], &View::default());
    assert!(view.partial);
    assert_eq!(view.nodes_ok, Counts { ok: 1, of: 2 });
    assert_eq!(view.sources.len(), 1);
    let source = &view.sources[0];
    assert_eq!(
        (source.id.as_str(), source.since_ms, source.last_ok_ms),
        ("b:1", Some(10_000), Some(0))
    );
    let channel = view.channel("t", "c").unwrap();
    assert_eq!(
        (channel.depth, channel.partial),
        (12, true),
        "never hidden in a total"
    );
}

#[test]
fn a_restart_is_a_gap_and_not_a_negative_rate() {
    let mut a = node("a", 1);
    take(&mut a, 0, stats(100, 0));
    take(&mut a, 10, stats(200, 0));
    assert_eq!(
        view(10, &[&a], &[], &View::default()).totals.publish_rate,
        Some(10.0)
    );
    let mut restarted = stats(5, 0);
    restarted.start_time = 9;
    take(&mut a, 20, restarted);
    assert_eq!(view(20, &[&a], &[], &View::default()).totals.publish_rate, None);
}

#[test]
fn rates_are_over_seconds_however_often_nodes_are_asked() {
    let mut a = node("a", 1);
    for seconds in 0..30 {
        take(&mut a, seconds, stats(i64::try_from(seconds).unwrap() * 7, 0));
        let window = a.base.as_ref().map(|base| at(seconds) - base.at);
        if seconds >= 10 {
            assert!((5..=12).contains(&window.unwrap().as_secs()), "{window:?}");
            assert_eq!(
                view(seconds, &[&a], &[], &View::default()).totals.publish_rate,
                Some(7.0)
            );
        }
    }
}

#[test]
fn only_rows_that_change_are_new_and_what_goes_is_told() {
    let (mut a, mut b) = (node("a", 1), node("b", 1));
    take(&mut a, 0, stats(1, 5));
    let mut other = stats(1, 5);
    other.topics[0].topic_name = "u".to_owned();
    take(&mut b, 0, other);
    let first = view(1, &[&a, &b], &[], &View::default());
    let second = view(2, &[&a, &b], &[], &first);
    assert!(
        second.topics.iter().all(|row| row.changed == 1),
        "{:?}",
        second.topics
    );
    take(&mut b, 3, NodeStats::default());
    take(&mut a, 3, stats(1, 6));
    let third = view(3, &[&a, &b], &[], &second);
    assert_eq!(third.topic("t").unwrap().changed, 3);
    assert_eq!(third.topics.len(), 1);
    assert!(third.removed.contains(&(3, Removed::Topic("u".to_owned()))));
    assert!(third.removed.contains(&(3, Removed::Channel("u/c".to_owned()))));
    assert!(third.remembers(1) && !third.remembers(9));
}

#[test]
fn topics_that_nobody_has_are_inactive() {
    let entry = NodeEntry {
        broadcast_address: "a".to_owned(),
        http_port: 1,
        topics: vec!["t".to_owned(), "hidden".to_owned()],
        tombstones: vec![false, true],
        ..NodeEntry::default()
    };
    let first = Nsqlookupd {
        address: "l1".to_owned(),
        topics: ["t", "hidden", "orphan"].map(str::to_owned).to_vec(),
        nodes: vec![entry],
        inactive: [("orphan".to_owned(), vec!["old".to_owned()])].into(),
        ..Nsqlookupd::default()
    };
    let mut second = Nsqlookupd {
        address: "l2".to_owned(),
        ..Nsqlookupd::default()
    };
    second.status.failed("refused".to_owned(), at(1), 1);
    let view = view(2, &[], &[&first, &second], &View::default());
    let inactive: Vec<_> = view.inactive.iter().map(|it| it.topic.as_str()).collect();
    assert_eq!(inactive, ["hidden", "orphan"]);
    assert_eq!(view.inactive[1].channels, ["old"]);
    assert_eq!(view.inactive[1].known_to, [Some(true), None]);
    assert!(view.topic("orphan").unwrap().inactive);
    assert_eq!(view.tombstones.len(), 1);
    assert_eq!(view.nsqlookupds_ok, Counts { ok: 1, of: 2 });
}
