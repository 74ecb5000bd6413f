//! What nsqd's figures are called in Graphite.

use crate::options::RawOptions;

/// What nsqd calls a metric of a chart, and whether it counts up.
const NAMES: [(&str, &str, bool); 9] = [
    ("publish", "message_count", true),
    ("in", "message_count", true),
    ("bytes", "message_bytes", true),
    ("requeue", "requeue_count", true),
    ("timeout", "timeout_count", true),
    ("depth", "depth", false),
    ("backlog", "depth", false),
    ("disk", "backend_depth", false),
    ("in_flight", "in_flight_count", false),
];

/// The expression for a metric of `topic:<t>` or `channel:<t>/<c>`, of all nodes together; `None` if nsqd sends no such
/// figure. Functions stand around the formatted key, never inside it.
pub(crate) fn target(options: &RawOptions, interval_s: u64, entity: &str, metric: &str) -> Option<String> {
    let (_, name, counts) = NAMES.iter().find(|(known, ..)| *known == metric)?;
    let place = match entity.split_once(':')? {
        ("topic", topic) => format!("topic.{}", safe(topic)),
        ("channel", names) => {
            let (topic, channel) = names.split_once('/')?;
            format!("topic.{}.channel.{}", safe(topic), safe(channel))
        }
        _ => return None,
    };
    let prefix = options.statsd_prefix.replacen("%s", "*", 1);
    let dot = if prefix.is_empty() || prefix.ends_with('.') {
        ""
    } else {
        "."
    };
    let key = format!("{prefix}{dot}{place}.{name}");
    let format = if *counts {
        &options.statsd_counter_format
    } else {
        &options.statsd_gauge_format
    };
    let formatted = if format.contains("%s") {
        format.replacen("%s", &key, 1)
    } else {
        key
    };
    let sum = format!("sumSeries({formatted})");
    Some(if *counts {
        format!("scale({sum},{})", per_second(interval_s))
    } else {
        sum
    })
}

/// A counter in Graphite is of an interval.
#[expect(clippy::cast_precision_loss, reason = "an interval is minutes")]
fn per_second(interval_s: u64) -> f64 {
    1.0 / interval_s.max(1) as f64
}

/// A name as statsd passes it on: without what would mean something in an expression.
fn safe(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(entity: &str, metric: &str) -> Option<String> {
        target(&RawOptions::default(), 60, entity, metric)
    }

    #[test]
    fn gauges_are_summed_over_all_nodes() {
        assert_eq!(
            of("topic:orders", "depth").as_deref(),
            Some("sumSeries(stats.gauges.nsq.*.topic.orders.depth)")
        );
    }

    #[test]
    fn counters_become_rates_around_the_formatted_key() {
        assert_eq!(
            of("channel:orders/billing#ephemeral", "in").as_deref(),
            Some(
                "scale(sumSeries(stats.counters.nsq.*.topic.orders.channel.billingephemeral.message_count.count),\
                 0.016666666666666666)"
            )
        );
    }

    #[test]
    fn an_empty_prefix_or_format_leaves_the_name_alone() {
        let options = RawOptions {
            statsd_prefix: String::new(),
            statsd_gauge_format: String::new(),
            ..RawOptions::default()
        };
        assert_eq!(
            target(&options, 10, "topic:t", "backlog").as_deref(),
            Some("sumSeries(topic.t.depth)")
        );
    }

    #[test]
    fn what_nsqd_does_not_send_has_no_expression() {
        for (entity, metric) in [
            ("topic:t", "out"),
            ("cluster", "publish"),
            ("channel:t", "depth"),
            ("", "in"),
        ] {
            assert_eq!(of(entity, metric), None, "{entity} {metric}");
        }
    }
}
