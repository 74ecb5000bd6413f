//! Who speaks in a log line.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number for a new producer or consumer, from 1. Upstream: go-nsq consumer.go, `instCount`.
pub(crate) fn next_id() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed) + 1
}
