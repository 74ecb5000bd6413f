//! What is remembered, for how long, and in how much memory.

use std::time::Duration;

use super::entity::Entity;
use super::*;
use crate::snapshot::{ChannelRow, TopicRow, View};

const STEP: Duration = Duration::from_secs(10);
const START_MS: i64 = 1_800_000_000_000;

fn view(at_ms: i64, topics: usize, depth: impl Fn(usize) -> i64) -> View {
    let topics: Vec<_> = (0..topics)
        .map(|number| TopicRow {
            topic: format!("t{number:05}"),
            backlog: depth(number),
            publish_rate: Some(1.25),
            ..TopicRow::default()
        })
        .collect();
    View {
        at_ms,
        channels: topics
            .iter()
            .map(|topic| ChannelRow {
                topic: topic.topic.clone(),
                channel: "c".to_owned(),
                depth: topic.backlog,
                ..ChannelRow::default()
            })
            .collect(),
        topics,
        ..View::default()
    }
}

fn series(history: &History, entity: &str, metric: &str, span_ms: i64, to_ms: i64) -> Vec<Option<f64>> {
    let request = SeriesRequest {
        from_ms: to_ms - span_ms,
        to_ms,
        points_max: 10_000,
    };
    history.series(entity, metric, false, request).unwrap().values
}

#[test]
fn points_come_back_with_gaps_where_nobody_looked() {
    let mut history = History::new(STEP, 1 << 20);
    for step in [0, 1, 3] {
        history.push(&view(START_MS + step * 10_000, 1, |_| step + 5));
    }
    let values = series(&history, "topic:t00000", "backlog", 40_000, START_MS + 30_000);
    assert_eq!(values, [None, Some(5.0), Some(6.0), None, Some(8.0)]);
    let values = series(&history, "topic:t00000", "publish", 0, START_MS);
    assert_eq!(values, [Some(1.25)]);
    assert!(
        history
            .series(
                "topic:t00000",
                "nonsense",
                false,
                SeriesRequest {
                    from_ms: 0,
                    to_ms: 1,
                    points_max: 9
                }
            )
            .is_none()
    );
    assert_eq!(series(&history, "topic:unknown", "backlog", 0, START_MS), [None]);
}

#[test]
fn coarse_points_are_averages_and_largest_values() {
    let mut history = History::new(STEP, 1 << 20);
    for step in 0..=6 * 60 * 2 {
        history.push(&view(START_MS + step * 10_000, 1, |_| step % 6 * 10));
    }
    let end_ms = START_MS + 7_200_000;
    let request = SeriesRequest {
        from_ms: end_ms - 7_000_000,
        to_ms: end_ms - 60_000,
        points_max: 1000,
    };
    let averages = history
        .series("channel:t00000/c", "depth", false, request)
        .unwrap();
    assert_eq!(averages.step_ms, 60_000);
    assert!(
        averages.values.iter().all(|value| *value == Some(25.0)),
        "{averages:?}"
    );
    let maxima = history
        .series("channel:t00000/c", "depth", true, request)
        .unwrap();
    assert!(
        maxima.values.iter().all(|value| *value == Some(50.0)),
        "{maxima:?}"
    );
    let few = history
        .series(
            "channel:t00000/c",
            "depth",
            true,
            SeriesRequest {
                points_max: 10,
                ..request
            },
        )
        .unwrap();
    assert!(few.values.len() <= 10);
}

#[test]
fn a_trend_is_the_slope_of_the_last_minute() {
    let mut history = History::new(STEP, 1 << 20);
    for step in 0..3 {
        assert_eq!(history.trend("topic:t00000"), None);
        history.push(&view(START_MS + step * 10_000, 1, |_| 100 - step * 30));
    }
    assert_eq!(history.trend("topic:t00000"), Some(-3.0));
    for step in 3..20 {
        history.push(&view(START_MS + step * 10_000, 1, |_| 7));
    }
    assert_eq!(history.trend("topic:t00000"), Some(0.0));
}

#[test]
fn memory_stays_below_the_limit_whatever_happens() {
    let limit = 256 << 10;
    let mut history = History::new(STEP, limit);
    for step in 0..400_i64 {
        // Everything changes all the time.
        history.push(&view(START_MS + step * 10_000, 300, |number| {
            i64::try_from(number).unwrap() * 7919 * (step * 104_729 % 1009)
        }));
        assert!(history.bytes() <= limit, "{} at {step}", history.bytes());
    }
    assert!(history.len() > 10, "{}", history.len());
    let real: usize = history.entities.values().map(Entity::size).sum();
    assert_eq!(real, history.bytes());
    assert!(history.entities.contains_key("cluster"));
}

#[test]
fn without_memory_nothing_is_remembered() {
    let mut history = History::new(STEP, 0);
    history.push(&view(START_MS, 10, |_| 1));
    assert_eq!(history.dropped(), 21);
    assert_eq!(history.bytes(), 0);
}

#[test]
fn what_is_idle_costs_little() {
    let mut history = History::new(STEP, 64 << 20);
    for step in 0..360 {
        history.push(&view(START_MS + step * 10_000, 500, |_| 0));
    }
    let per_entity = history.bytes() / history.len();
    assert!(per_entity < 2048, "{per_entity}");
}

#[test]
fn what_has_gone_is_forgotten() {
    let mut history = History::new(STEP, 1 << 20);
    history.push(&view(START_MS, 5, |_| 1));
    assert_eq!(history.len(), 11);
    history.push(&view(START_MS + 2 * 3_600_000, 1, |_| 1));
    assert_eq!(history.len(), 3);
}
