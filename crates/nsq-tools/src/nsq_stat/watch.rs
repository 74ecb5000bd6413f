//! A table by node that a terminal keeps up to date.

use std::fmt::Write;
use std::time::Duration;

use nsq_clusterinfo::merge::ChannelStats;

use super::ask::Look;
use super::rows::per_second;

/// Moves a terminal's cursor to the top, from where the table is written over the last one.
pub(super) const HOME: &str = "\x1b[H";
/// Removes what is left of a longer line.
const CLEAR_LINE: &str = "\x1b[K";
/// Removes what is left of a longer table.
pub(super) const CLEAR_BELOW: &str = "\x1b[J";
/// Removes everything, before the first table.
pub(super) const CLEAR_ALL: &str = "\x1b[2J";

/// Room for the name of a node, at least.
const NODE_WIDTH_MIN: usize = 20;

/// The table of `now`, with rates since `before`, which is `elapsed` ago.
pub(super) fn table(before: Option<&ChannelStats>, now: &Look, elapsed: Duration) -> String {
    let channel = &now.channel;
    let nodes = channel.nodes.as_deref().unwrap_or_default();
    let width = nodes
        .iter()
        .map(|node| node.node.chars().count())
        .fold(NODE_WIDTH_MIN, usize::max);
    let mut text = format!("topic {}, channel {}", channel.topic_name, channel.channel_name);
    text.push_str(if channel.paused { ", paused\n\n" } else { "\n\n" });
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{:width$} {:>9} {:>9} {:>10} {:>10} {:>8} {:>8} {:>8} {:>8} {:>7}",
        "node", "in/s", "out/s", "depth", "on disk", "inflight", "deferred", "req/s", "t-o/s", "clients"
    );
    for node in nodes {
        let earlier = before
            .and_then(|before| before.nodes.as_deref())
            .and_then(|nodes| nodes.iter().find(|earlier| earlier.node == node.node));
        push_row(&mut text, &node.node, width, earlier, node, elapsed);
    }
    if nodes.len() > 1 {
        push_row(&mut text, "all", width, before, channel, elapsed);
    }
    if let Some(problem) = &now.problem {
        text.push('\n');
        text.push_str(problem);
        text.push('\n');
    }
    text
}

/// The same text for a terminal on which a table stands already.
pub(super) fn over_the_last_one(table: &str) -> String {
    let lines = table.replace('\n', &format!("{CLEAR_LINE}\n"));
    format!("{HOME}{lines}{CLEAR_BELOW}")
}

fn push_row(
    text: &mut String,
    name: &str,
    width: usize,
    before: Option<&ChannelStats>,
    now: &ChannelStats,
    elapsed: Duration,
) {
    let rate = |count: fn(&ChannelStats) -> i64| match before {
        // A count that has fallen is that of an nsqd that was started again.
        Some(before) => per_second(count(now).saturating_sub(count(before)).max(0), elapsed).to_string(),
        None => "-".to_owned(),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{name:width$} {:>9} {:>9} {:>10} {:>10} {:>8} {:>8} {:>8} {:>8} {:>7}",
        rate(|channel| channel.message_count),
        rate(|channel| channel.message_count.saturating_sub(channel.depth)),
        now.depth,
        now.backend_depth,
        now.in_flight_count,
        now.deferred_count,
        rate(|channel| channel.requeue_count),
        rate(|channel| channel.timeout_count),
        now.client_count,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, message_count: i64, depth: i64) -> ChannelStats {
        ChannelStats {
            node: name.to_owned(),
            topic_name: "t".to_owned(),
            channel_name: "c".to_owned(),
            message_count,
            depth,
            ..ChannelStats::default()
        }
    }

    fn merged(nodes: [ChannelStats; 2]) -> ChannelStats {
        ChannelStats::merge(nodes.into()).unwrap()
    }

    #[test]
    fn rates_are_by_node_and_in_all() {
        let before = merged([node("a:1", 100, 50), node("b:1", 10, 0)]);
        let now = Look {
            channel: merged([node("a:1", 300, 150), node("b:1", 4, 0)]),
            problem: Some("no answer".to_owned()),
        };
        assert_eq!(
            table(Some(&before), &now, Duration::from_secs(2)),
            "topic t, channel c\n\
             \n\
             node                      in/s     out/s      depth    on disk inflight deferred    req/s    t-o/s clients\n\
             a:1                        100        50        150          0        0        0        0        0       0\n\
             b:1                          0         0          0          0        0        0        0        0       0\n\
             all                         97        47        150          0        0        0        0        0       0\n\
             \n\
             no answer\n"
        );
    }

    #[test]
    fn the_first_table_has_no_rates() {
        let now = Look {
            channel: ChannelStats::merge(vec![node("a:1", 300, 150)]).unwrap(),
            problem: None,
        };
        let table = table(None, &now, Duration::from_secs(2));
        assert_eq!(table.lines().count(), 4);
        assert!(
            table
                .lines()
                .last()
                .unwrap()
                .starts_with("a:1                          -         -        150")
        );
    }
}
