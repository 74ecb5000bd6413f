//! The JSON form of the report.

use nsq_app::VERSION;
use nsq_http::write_json;
use serde::Serialize;

use super::{ChannelStats, LatencyStats, Overview, Render, TopicStats};

/// Writes the report as one compact JSON object.
#[derive(Debug)]
pub struct JsonReport {
    overview: Overview,
    /// The report is about a topic that does not exist: `null` instead of an empty list.
    topic_unknown: bool,
    first_topic: bool,
    first_channel: bool,
}

impl JsonReport {
    /// A report with this overview. `topic_unknown` says that it is about a single topic, and that
    /// there is none of that name.
    pub fn new(overview: Overview, topic_unknown: bool) -> Self {
        Self {
            overview,
            topic_unknown,
            first_topic: true,
            first_channel: true,
        }
    }
}

/// What comes after the channels of a topic.
#[derive(Serialize)]
struct TopicTail<'a> {
    depth: u64,
    backend_depth: u64,
    message_count: u64,
    message_bytes: u64,
    paused: bool,
    e2e_processing_latency: &'a LatencyStats,
}

impl Render for JsonReport {
    fn start(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"version\":");
        put(out, VERSION);
        out.extend_from_slice(b",\"health\":");
        put(out, &self.overview.health);
        out.extend_from_slice(b",\"start_time\":");
        put(out, &self.overview.start_time);
        out.extend_from_slice(b",\"topics\":");
        if !self.topic_unknown {
            out.push(b'[');
        }
    }

    fn topic(&mut self, out: &mut Vec<u8>, topic: &TopicStats) {
        separate(out, &mut self.first_topic);
        out.extend_from_slice(b"{\"topic_name\":");
        put(out, &topic.topic_name);
        out.extend_from_slice(b",\"channels\":[");
        self.first_channel = true;
    }

    fn channel(&mut self, out: &mut Vec<u8>, channel: &ChannelStats) {
        separate(out, &mut self.first_channel);
        put(out, channel);
    }

    fn topic_end(&mut self, out: &mut Vec<u8>, topic: &TopicStats) {
        out.extend_from_slice(b"],");
        put_fields(
            out,
            &TopicTail {
                depth: topic.depth,
                backend_depth: topic.backend_depth,
                message_count: topic.message_count,
                message_bytes: topic.message_bytes,
                paused: topic.paused,
                e2e_processing_latency: &topic.e2e_processing_latency,
            },
        );
        out.push(b'}');
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.topic_unknown { b"null" } else { b"]" });
        if let Some(memory) = &self.overview.memory {
            out.extend_from_slice(b",\"memory\":");
            put(out, memory);
        }
        out.extend_from_slice(b",\"producers\":");
        if self.overview.producers.is_empty() {
            out.extend_from_slice(b"null");
        } else {
            put(out, &self.overview.producers);
        }
        out.push(b'}');
    }
}

fn separate(out: &mut Vec<u8>, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(b',');
    }
}

/// Appends `value`. Values here consist of what JSON has, and memory takes every byte, so that this
/// cannot fail.
fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let written = write_json(&mut *out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// Appends the fields of an object without its braces.
fn put_fields<T: Serialize>(out: &mut Vec<u8>, object: &T) {
    let start = out.len();
    put(out, object);
    out.pop();
    out.remove(start);
}
