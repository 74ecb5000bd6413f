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

/// A channel that is well, but for what `change` does to it.
fn channel(change: impl FnOnce(&mut ChannelRow)) -> ChannelRow {
    let mut row = ChannelRow {
        topic: "t".to_owned(),
        channel: "c".to_owned(),
        consumers: 2,
        out_rate: Some(5.0),
        ..ChannelRow::default()
    };
    change(&mut row);
    row
}

fn view_of(channels: impl IntoIterator<Item = ChannelRow>) -> View {
    View {
        channels: channels.into_iter().collect(),
        ..View::default()
    }
}

/// A view of a channel that has messages and no consumers.
fn forsaken() -> View {
    view_of([channel(|row| (row.depth, row.consumers) = (5, 0))])
}

type Found = (&'static str, &'static str, String);

/// Rules, severities and texts of what is found.
fn found(view: &View) -> Vec<Found> {
    found_after(view, &Deliveries::default())
}

fn found_after(view: &View, deliveries: &Deliveries) -> Vec<Found> {
    let findings = judge(view, deliveries).into_iter();
    findings
        .map(|it| (it.rule, it.severity.word(), it.text))
        .collect()
}

fn found_of(change: impl FnOnce(&mut ChannelRow)) -> Vec<Found> {
    found(&view_of([channel(change)]))
}

fn one(rule: &'static str, severity: &'static str, text: &str) -> Vec<Found> {
    vec![(rule, severity, text.to_owned())]
}

#[test]
fn a_channel_that_is_fine_is_fine() {
    assert_eq!(found_of(|_| {}), []);
    assert_eq!(found_of(|row| row.depth = 500), []);
    assert_eq!(found_of(|row| row.consumers = 0), []);
}

#[test]
fn messages_that_nobody_takes_are_critical() {
    assert_eq!(
        found_of(|row| (row.depth, row.consumers) = (6903, 0)),
        one("H-07", "crit", "t/c: 6,903 waiting, nobody connected")
    );
    assert_eq!(
        found_of(|row| (row.depth, row.out_rate) = (381, Some(0.0))),
        one("H-08", "crit", "t/c: 381 waiting, nothing leaves the queue")
    );
    assert_eq!(found_of(|row| (row.depth, row.out_rate) = (381, None)), []);
}

#[test]
fn growing_backlogs_are_warnings() {
    assert_eq!(
        found_of(|row| (row.depth, row.trend) = (5759, Some(41.0))),
        one("H-09", "warn", "t/c: 5,759 waiting, +41/s")
    );
    assert_eq!(found_of(|row| (row.depth, row.trend) = (900, Some(41.0))), []);
    assert_eq!(
        found_of(|row| (row.depth, row.trend, row.consumers) = (5759, Some(41.0), 0)),
        one("H-07", "crit", "t/c: 5,759 waiting, nobody connected")
    );
    assert_eq!(
        found_of(|row| (row.depth, row.disk_depth, row.trend) = (900, 400, Some(2.5))),
        one("H-10", "warn", "t/c: 400 on disk, +2.5/s")
    );
}

#[test]
fn consumers_at_their_limit_or_in_back_off_are_warnings() {
    assert_eq!(
        found_of(|row| (row.depth, row.in_flight, row.rdy) = (5, 30, Some(30))),
        one("H-11", "warn", "t/c: consumers saturated (30 of 30)")
    );
    assert_eq!(
        found_of(|row| (row.depth, row.rdy, row.idle_consumers) = (5, Some(10), 1)),
        one("H-16", "warn", "t/c: 1 of 2 consumers take nothing (back-off)")
    );
}

/// What is found at each look, one each ten seconds, at a channel with these rates.
fn found_over_time(looks: u64, mut change: impl FnMut(u64, &mut ChannelRow)) -> Vec<Vec<Found>> {
    let mut deliveries = Deliveries::default();
    (0..looks)
        .map(|look| {
            let view = view_of([channel(|row| change(look, row))]);
            deliveries.observe(&view, at(look * 10));
            found_after(&view, &deliveries)
        })
        .collect()
}

#[test]
fn deliveries_that_fail_are_counted_as_shares_of_five_minutes() {
    let last = |change: fn(u64, &mut ChannelRow)| found_over_time(39, change).pop().unwrap();
    assert_eq!(
        last(|_, row| (row.out_rate, row.timeout_rate) = (Some(95.0), Some(5.0))),
        one("H-12", "warn", "t/c: 5 % of deliveries time out (1500 in 5 min)")
    );
    assert_eq!(
        last(|_, row| (row.out_rate, row.timeout_rate) = (Some(0.1), Some(0.1))),
        one("H-12", "crit", "t/c: 50 % of deliveries time out (30 in 5 min)")
    );
    assert_eq!(
        last(|_, row| (row.out_rate, row.requeue_rate) = (Some(9.0), Some(1.0))),
        one(
            "H-13",
            "warn",
            "t/c: 10 % of deliveries are requeued (300 in 5 min)"
        )
    );
    assert_eq!(
        last(|_, row| (row.out_rate, row.requeue_rate) = (Some(99.0), Some(1.0))),
        []
    );
}

#[test]
fn a_few_seconds_of_failures_are_no_share_of_five_minutes() {
    // Everything fails for 20 s, which is all that is known of the channel then; and less than a hundredth of what follows.
    let looks = found_over_time(60, |look, row| {
        let is_bad = (1..3).contains(&look);
        row.timeout_rate = Some(if is_bad { 0.5 } else { 0.0 });
        row.out_rate = Some(if is_bad { 0.0 } else { 20.0 });
    });
    assert!(looks.iter().all(Vec::is_empty), "{looks:?}");
}

#[test]
fn failures_are_forgotten_five_minutes_after_the_last_one() {
    let looks = found_over_time(80, |look, row| {
        row.timeout_rate = Some(if look < 30 { 1.0 } else { 0.0 });
    });
    let is_found = |look: usize| !looks[look].is_empty();
    assert!(!is_found(5), "too soon to say");
    assert!(is_found(6) && is_found(29) && is_found(50));
    assert!(!is_found(62), "{:?}", looks[62]);
}

#[test]
fn a_node_that_joins_with_old_failures_is_no_failure_now() {
    let looks = found_over_time(40, |look, row| {
        row.timed_out = if look < 20 { 0 } else { 1_000_000 };
        row.timeout_rate = Some(0.0);
    });
    assert!(looks.iter().all(Vec::is_empty));
}

#[test]
fn what_is_paused_is_told_and_warned_of_when_it_grows() {
    assert_eq!(
        found_of(|row| (row.depth, row.consumers, row.paused) = (10, 0, Paused::All)),
        one("H-14", "info", "t/c is paused: 10 waiting")
    );
    assert_eq!(
        found_of(|row| (row.depth, row.paused, row.trend) = (10, Paused::Some, Some(1.0))),
        one("H-14", "warn", "t/c is paused on some nodes: 10 waiting, +1.0/s")
    );
}

#[test]
fn channels_that_are_not_everywhere_are_warnings() {
    let missing = |row: &mut ChannelRow| row.missing_on = vec!["h:1".to_owned()];
    assert_eq!(found_of(missing), one("H-15", "warn", "t/c is missing on h:1"));
    let ephemeral = found_of(|row| {
        missing(row);
        row.channel = "c#ephemeral".to_owned();
    });
    assert_eq!(ephemeral, []);
}

#[test]
fn consumers_that_are_not_where_messages_wait_are_a_warning() {
    let unserved = |row: &mut ChannelRow| {
        row.depth = 70;
        row.unserved = vec![("h:1".to_owned(), 50), ("h:2".to_owned(), 1)];
    };
    assert_eq!(
        found_of(unserved),
        one(
            "H-15",
            "warn",
            "t/c: 51 messages wait on h:1, h:2, no consumer is connected there"
        )
    );
    let view = view_of([channel(unserved)]);
    let findings = judge(&view, &Deliveries::default());
    assert_eq!(
        (findings[0].affected, findings[0].hold),
        (51, Duration::from_secs(60))
    );
    let both = found_of(|row| {
        unserved(row);
        row.missing_on = vec!["h:3".to_owned()];
    });
    assert_eq!(
        both,
        one(
            "H-15",
            "warn",
            "t/c is missing on h:3; t/c: 51 messages wait on h:1, h:2, no consumer is connected there"
        )
    );
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
    assert_eq!(judge(&view, &Deliveries::default())[0].affected, 1234);
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
    let (wrong, fine) = (forsaken(), View::default());
    assert!(health.look(&wrong, at(0)).is_empty());
    let problems = health.look(&wrong, at(10));
    assert_eq!((problems.len(), problems[0].since_ms), (1, 0));
    for look in 2..4 {
        assert_eq!(health.look(&fine, at(look * 10)).len(), 1, "{look}");
    }
    assert!(health.look(&fine, at(40)).is_empty());
    assert!(health.look(&wrong, at(50)).is_empty(), "it begins anew");
}

#[test]
fn a_hiccup_is_forgotten_at_once() {
    let mut health = Health::default();
    let views = [forsaken(), View::default()];
    for (look, view) in (0..6).zip(views.iter().cycle()) {
        assert!(health.look(view, at(look * 10)).is_empty());
    }
}

#[test]
fn rules_about_time_wait_for_it() {
    let mut health = Health::default();
    let stalled = view_of([channel(|row| (row.depth, row.out_rate) = (5, Some(0.0)))]);
    for look in 0..6 {
        assert!(health.look(&stalled, at(look * 10)).is_empty(), "{look}");
    }
    assert_eq!(health.look(&stalled, at(60)).len(), 1);
}

#[test]
fn the_worst_problem_is_the_first() {
    let mut health = Health::default();
    let named = |name: &str, depth: i64, paused: Paused| {
        channel(|row| {
            (row.depth, row.consumers, row.paused) = (depth, 0, paused);
            name.clone_into(&mut row.channel);
        })
    };
    let view = view_of([
        named("c", 5, Paused::No),
        named("d", 50, Paused::No),
        named("e", 500, Paused::All),
    ]);
    health.look(&view, at(0));
    let problems = health.look(&view, at(10));
    let order: Vec<_> = problems.iter().map(|problem| problem.finding.affected).collect();
    assert_eq!(order, [50, 5, 500]);
}

#[test]
fn links_lead_to_pages_whatever_names_hold() {
    let view = view_of([channel(|row| {
        (row.depth, row.consumers) = (5, 0);
        row.channel = "c#ephemeral".to_owned();
    })]);
    assert_eq!(
        judge(&view, &Deliveries::default())[0].link,
        "topics/t/c%23ephemeral"
    );
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
