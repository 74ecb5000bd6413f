//! Every rule, and when it makes a problem.

use std::time::Duration;

use nsq_clusterinfo::merge;
use nsq_clusterinfo::wire::NodeStats;
use nsq_runtime::Moment;

use super::rules::thousands;
use super::*;
use crate::snapshot::{ChannelRow, Counts, Inactive, Node, Nsqlookupd, Paused, Tombstone, TopicRow, View};

fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

fn channel() -> ChannelRow {
    ChannelRow {
        topic: "t".to_owned(),
        channel: "c".to_owned(),
        consumers: 2,
        out_rate: Some(5.0),
        ..ChannelRow::default()
    }
}

fn view_of(channel: ChannelRow) -> View {
    View {
        channels: vec![channel],
        ..View::default()
    }
}

/// Rules, severities and texts of what is found.
fn found(view: &View) -> Vec<(&'static str, &'static str, String)> {
    let findings = judge(view).into_iter();
    findings
        .map(|it| (it.rule, it.severity.word(), it.text))
        .collect()
}

fn found_of(channel: ChannelRow) -> Vec<(&'static str, &'static str, String)> {
    found(&view_of(channel))
}

fn one(rule: &'static str, severity: &'static str, text: &str) -> Vec<(&'static str, &'static str, String)> {
    vec![(rule, severity, text.to_owned())]
}

#[test]
fn a_channel_that_is_fine_is_fine() {
    assert_eq!(found_of(channel()), []);
    assert_eq!(
        found_of(ChannelRow {
            depth: 500,
            ..channel()
        }),
        []
    );
    assert_eq!(
        found_of(ChannelRow {
            depth: 0,
            consumers: 0,
            ..channel()
        }),
        []
    );
}

#[test]
fn messages_that_nobody_takes_are_critical() {
    let row = ChannelRow {
        depth: 6903,
        consumers: 0,
        ..channel()
    };
    assert_eq!(
        found_of(row),
        one("H-07", "crit", "t/c: 6,903 waiting, nobody connected")
    );
    let row = ChannelRow {
        depth: 381,
        out_rate: Some(0.0),
        ..channel()
    };
    assert_eq!(
        found_of(row),
        one("H-08", "crit", "t/c: 381 waiting, nothing leaves the queue")
    );
    let unknown = ChannelRow {
        depth: 381,
        out_rate: None,
        ..channel()
    };
    assert_eq!(found_of(unknown), []);
}

#[test]
fn growing_backlogs_are_warnings() {
    let row = ChannelRow {
        depth: 5759,
        trend: Some(41.0),
        ..channel()
    };
    assert_eq!(found_of(row), one("H-09", "warn", "t/c: 5,759 waiting, +41/s"));
    let row = ChannelRow {
        depth: 900,
        trend: Some(41.0),
        ..channel()
    };
    assert_eq!(found_of(row), []);
    let row = ChannelRow {
        depth: 900,
        disk_depth: 400,
        trend: Some(2.5),
        ..channel()
    };
    assert_eq!(found_of(row), one("H-10", "warn", "t/c: 400 on disk, +2.5/s"));
}

#[test]
fn consumers_at_their_limit_or_in_back_off_are_warnings() {
    let row = ChannelRow {
        depth: 5,
        in_flight: 30,
        rdy: Some(30),
        ..channel()
    };
    assert_eq!(
        found_of(row),
        one("H-11", "warn", "t/c: consumers saturated (30 of 30)")
    );
    let row = ChannelRow {
        depth: 5,
        rdy: Some(10),
        idle_consumers: 1,
        ..channel()
    };
    assert_eq!(
        found_of(row),
        one("H-16", "warn", "t/c: 1 of 2 consumers take nothing (back-off)")
    );
}

#[test]
fn deliveries_that_fail_are_counted_as_shares() {
    let row = ChannelRow {
        out_rate: Some(95.0),
        timeout_rate: Some(5.0),
        ..channel()
    };
    assert_eq!(
        found_of(row),
        one("H-12", "warn", "t/c: 5 % of deliveries time out")
    );
    let row = ChannelRow {
        out_rate: Some(5.0),
        timeout_rate: Some(5.0),
        ..channel()
    };
    assert_eq!(
        found_of(row),
        one("H-12", "crit", "t/c: 50 % of deliveries time out")
    );
    let row = ChannelRow {
        out_rate: Some(9.0),
        requeue_rate: Some(1.0),
        ..channel()
    };
    assert_eq!(
        found_of(row),
        one("H-13", "warn", "t/c: 10 % of deliveries are requeued")
    );
}

#[test]
fn what_is_paused_is_told_and_warned_of_when_it_grows() {
    let row = ChannelRow {
        depth: 10,
        consumers: 0,
        paused: Paused::All,
        ..channel()
    };
    assert_eq!(
        found_of(row.clone()),
        one("H-14", "info", "t/c is paused: 10 waiting")
    );
    let row = ChannelRow {
        paused: Paused::Some,
        trend: Some(1.0),
        ..row
    };
    assert_eq!(
        found_of(row),
        one("H-14", "warn", "t/c is paused on some nodes: 10 waiting, +1.0/s")
    );
}

#[test]
fn channels_that_are_not_everywhere_are_warnings() {
    let row = ChannelRow {
        missing_on: vec!["h:1".to_owned()],
        ..channel()
    };
    assert_eq!(
        found_of(row.clone()),
        one("H-15", "warn", "t/c is missing on h:1")
    );
    let ephemeral = ChannelRow {
        channel: "c#ephemeral".to_owned(),
        ..row
    };
    assert_eq!(found_of(ephemeral), []);
}

#[test]
fn messages_in_a_topic_without_a_channel_are_critical() {
    let view = View {
        topics: vec![TopicRow {
            topic: "dead.letters".to_owned(),
            stranded: vec![("b:1".to_owned(), 1234)],
            ..TopicRow::default()
        }],
        ..View::default()
    };
    let text = "dead.letters: 1,234 messages wait on b:1, no channel there";
    assert_eq!(found(&view), one("H-06", "crit", text));
    assert_eq!(judge(&view)[0].affected, 1234);
}

fn node(version: &str) -> Node {
    Node {
        info: merge::Node {
            broadcast_address: "h".to_owned(),
            http_port: 1,
            version: version.to_owned(),
            ..merge::Node::default()
        },
        ..Node::default()
    }
}

#[test]
fn processes_that_do_not_answer_are_named_with_how_long() {
    let mut silent = node("1.3.0");
    silent.status.failed("refused".to_owned(), at(0), 0);
    let mut nsqlookupd = Nsqlookupd {
        address: "l:1".to_owned(),
        ..Nsqlookupd::default()
    };
    nsqlookupd.status.ask(at(22));
    let mut view = View {
        now: at(34),
        at_ms: 34_000,
        newest: "1.3.0".to_owned(),
        nodes: vec![silent],
        nsqlookupds: vec![nsqlookupd],
        ..View::default()
    };
    assert_eq!(
        found(&view),
        [
            ("H-01", "crit", "nsqlookupd l:1: no answer for 12 s".to_owned()),
            (
                "H-02",
                "warn",
                "nsqd h:1: no answer for 34 s (refused)".to_owned()
            ),
        ]
    );
    view.nodes[0].status.failed("refused".to_owned(), at(30), 30_000);
    assert_eq!(found(&view)[1].1, "crit");
}

#[test]
fn nodes_that_are_ill_old_or_unknown_are_found() {
    let mut ill = node("1.2.1");
    let stats = NodeStats {
        health: "NOK - failed to write".to_owned(),
        ..NodeStats::default()
    };
    ill.take(stats, at(0), 0, false);
    let view = View {
        newest: "1.3.0".to_owned(),
        nodes: vec![ill],
        nsqlookupds: vec![Nsqlookupd::default()],
        nsqlookupds_ok: Counts { ok: 1, of: 1 },
        ..View::default()
    };
    assert_eq!(
        found(&view),
        [
            ("H-03", "crit", "nsqd h:1 reports: failed to write".to_owned()),
            (
                "H-04",
                "warn",
                "nsqd h:1 is known to 0 of 1 nsqlookupd".to_owned()
            ),
            (
                "H-05",
                "info",
                "1 of 1 nsqd run 1.2.1, the newest 1.3.0".to_owned()
            ),
        ]
    );
}

#[test]
fn leftovers_are_told() {
    let view = View {
        inactive: vec![Inactive {
            topic: "orphan".to_owned(),
            channels: Vec::new(),
            known_to: Vec::new(),
        }],
        tombstones: vec![Tombstone {
            topic: "t".to_owned(),
            node: "h:1".to_owned(),
            nsqlookupds: Vec::new(),
        }],
        ..View::default()
    };
    assert_eq!(
        found(&view),
        [
            ("H-17", "info", "t is tombstoned on h:1".to_owned()),
            (
                "H-18",
                "info",
                "1 topic is registered and on no nsqd: orphan".to_owned()
            ),
        ]
    );
}

#[test]
fn a_problem_is_raised_at_the_second_look_and_cleared_at_the_third_without_it() {
    let mut health = Health::default();
    let wrong = || {
        judge(&view_of(ChannelRow {
            depth: 5,
            consumers: 0,
            ..channel()
        }))
    };
    assert!(health.observe(wrong(), at(0), 0).is_empty());
    let problems = health.observe(wrong(), at(10), 10_000);
    assert_eq!((problems.len(), problems[0].since_ms), (1, 0));
    for look in 2..4 {
        assert_eq!(health.observe(Vec::new(), at(look * 10), 0).len(), 1, "{look}");
    }
    assert!(health.observe(Vec::new(), at(40), 0).is_empty());
    assert!(health.observe(wrong(), at(50), 0).is_empty(), "it begins anew");
}

#[test]
fn a_hiccup_is_forgotten_at_once() {
    let mut health = Health::default();
    let wrong = || {
        judge(&view_of(ChannelRow {
            depth: 5,
            consumers: 0,
            ..channel()
        }))
    };
    for look in 0..5 {
        let found = if look % 2 == 0 { wrong() } else { Vec::new() };
        assert!(health.observe(found, at(look * 10), 0).is_empty());
    }
}

#[test]
fn rules_about_time_wait_for_it() {
    let mut health = Health::default();
    let stalled = || {
        judge(&view_of(ChannelRow {
            depth: 5,
            out_rate: Some(0.0),
            ..channel()
        }))
    };
    for look in 0..6 {
        assert!(health.observe(stalled(), at(look * 10), 0).is_empty(), "{look}");
    }
    assert_eq!(health.observe(stalled(), at(60), 0).len(), 1);
}

#[test]
fn the_worst_problem_is_the_first() {
    let mut health = Health::default();
    let view = View {
        channels: vec![
            ChannelRow {
                depth: 5,
                consumers: 0,
                ..channel()
            },
            ChannelRow {
                channel: "d".to_owned(),
                depth: 50,
                consumers: 0,
                ..channel()
            },
            ChannelRow {
                channel: "e".to_owned(),
                depth: 500,
                paused: Paused::All,
                ..channel()
            },
        ],
        ..View::default()
    };
    health.observe(judge(&view), at(0), 0);
    let problems = health.observe(judge(&view), at(0) + Duration::from_secs(10), 0);
    let order: Vec<_> = problems.iter().map(|problem| problem.finding.affected).collect();
    assert_eq!(order, [50, 5, 500]);
}

#[test]
fn links_lead_to_pages_whatever_names_hold() {
    let row = ChannelRow {
        channel: "c#ephemeral".to_owned(),
        depth: 5,
        consumers: 0,
        ..channel()
    };
    assert_eq!(judge(&view_of(row))[0].link, "topics/t/c%23ephemeral");
}

#[test]
fn numbers_are_grouped() {
    for (number, text) in [
        (0, "0"),
        (999, "999"),
        (1000, "1,000"),
        (-1_234_567, "-1,234,567"),
    ] {
        assert_eq!(thousands(number), text);
    }
}
