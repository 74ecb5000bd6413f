//! The lines of one push.

use metrics::{Key, Level, Metadata, Recorder as _};
use metrics_exporter_statsd::{StatsdBuilder, StatsdError, StatsdRecorder};
use nsq_core::{ChannelSnapshot, LatencySnapshot, TopicSnapshot};

use super::counters::{ChannelCounts, Counters, TopicCounts};
use super::packets::{Packets, Sink};
use crate::stats::MemoryStats;

/// Asked for by the facade; statsd knows nothing like it.
const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

/// Records one push: each counter and gauge once, in the order of the lines, `<prefix><name>:<value>|<kind>`.
///
/// Names of topics and channels go in as they are, with their full stops and `#`.
pub(super) struct Report<'a> {
    prefix: &'a str,
    counters: &'a mut Counters,
    recorder: StatsdRecorder,
    /// Where the lines of `recorder` are.
    sink: Sink,
}

impl<'a> Report<'a> {
    /// A report of nothing yet, in packets of up to `packet_size` bytes.
    ///
    /// # Errors
    /// None so far: the recorder checks an address that is not used.
    pub(super) fn new(
        prefix: &'a str,
        packet_size: usize,
        counters: &'a mut Counters,
    ) -> Result<Self, StatsdError> {
        let sink = Sink::new(packet_size);
        // The prefix is part of each name: as one of the recorder it would lose all full stops at its end but one.
        let recorder = StatsdBuilder::default().with_sink(sink.clone()).build(None)?;
        counters.begin();
        Ok(Self {
            prefix,
            counters,
            recorder,
            sink,
        })
    }

    /// Appends a topic, without its channels.
    pub(super) fn put_topic(&mut self, topic: &TopicSnapshot) {
        let name = &topic.name;
        let grown = self.counters.topic(
            name,
            TopicCounts {
                messages: topic.message_count,
                bytes: topic.message_bytes,
            },
        );
        let of = format!("{}topic.{name}", self.prefix);
        self.count(format!("{of}.message_count"), grown.messages);
        self.count(format!("{of}.message_bytes"), grown.bytes);
        self.gauge(format!("{of}.depth"), topic.depth);
        self.gauge(format!("{of}.backend_depth"), topic.backend_depth);
        // Without a channel there is nothing to estimate from.
        if !topic.channels.is_empty() {
            self.latency(&of, &topic.latency);
        }
    }

    /// Appends a channel of `topic`.
    pub(super) fn put_channel(&mut self, topic: &TopicSnapshot, channel: &ChannelSnapshot) {
        let grown = self.counters.channel(
            &topic.name,
            &channel.name,
            ChannelCounts {
                messages: channel.message_count,
                requeues: channel.requeue_count,
                timeouts: channel.timeout_count,
            },
        );
        let of = format!("{}topic.{}.channel.{}", self.prefix, topic.name, channel.name);
        self.count(format!("{of}.message_count"), grown.messages);
        self.gauge(format!("{of}.depth"), channel.depth);
        self.gauge(format!("{of}.backend_depth"), channel.backend_depth);
        self.gauge(format!("{of}.in_flight_count"), channel.in_flight_count);
        self.gauge(format!("{of}.deferred_count"), channel.deferred_count);
        self.count(format!("{of}.requeue_count"), grown.requeues);
        self.count(format!("{of}.timeout_count"), grown.timeouts);
        self.gauge(format!("{of}.clients"), channel.consumer_count as u64);
        self.latency(&of, &channel.latency);
    }

    /// Percentiles are named after their whole part, rounded: those of 0.999 and 1 have one name, as upstream.
    fn latency(&self, of: &str, latency: &LatencySnapshot) {
        for (quantile, nanos) in &latency.quantiles {
            let percentile = quantile * 100.0;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a latency is not negative, and 64 bits of nanoseconds are centuries"
            )]
            let nanos = *nanos as u64;
            self.gauge(format!("{of}.e2e_processing_latency_{percentile:.0}"), nanos);
        }
    }

    /// Appends the figures of the process.
    pub(super) fn put_memory(&mut self, memory: &MemoryStats) {
        let gc_runs = self.counters.gc_runs(memory.gc_total_runs);
        for (name, value) in [
            ("heap_objects", memory.heap_objects),
            ("heap_idle_bytes", memory.heap_idle_bytes),
            ("heap_in_use_bytes", memory.heap_in_use_bytes),
            ("heap_released_bytes", memory.heap_released_bytes),
            ("gc_pause_usec_100", memory.gc_pause_usec_100),
            ("gc_pause_usec_99", memory.gc_pause_usec_99),
            ("gc_pause_usec_95", memory.gc_pause_usec_95),
            ("next_gc_bytes", memory.next_gc_bytes),
        ] {
            self.gauge(format!("{}mem.{name}", self.prefix), value);
        }
        self.count(format!("{}mem.gc_runs", self.prefix), gc_runs);
    }

    /// The lines, packed.
    pub(super) fn finish(self) -> Packets {
        self.sink.take()
    }

    fn count(&self, name: String, growth: u64) {
        let counter = self.recorder.register_counter(&Key::from_name(name), &METADATA);
        counter.increment(growth);
    }

    /// Values are shown without a fraction, and exactly up to 2^53.
    fn gauge(&self, name: String, value: u64) {
        let gauge = self.recorder.register_gauge(&Key::from_name(name), &METADATA);
        #[expect(
            clippy::cast_precision_loss,
            reason = "gauges of the facade are floating point numbers, and no queue has 2^53 messages"
        )]
        gauge.set(value as f64);
    }
}

#[cfg(test)]
mod tests {
    use nsq_protocol::name::{ChannelName, TopicName};

    use super::*;

    fn channel() -> ChannelSnapshot {
        ChannelSnapshot {
            name: ChannelName::new("c#ephemeral").unwrap(),
            depth: 1,
            backend_depth: 2,
            oldest_ns: None,
            in_flight_count: 3,
            deferred_count: 4,
            message_count: 5,
            zone_local_msg_count: 0,
            region_local_msg_count: 0,
            global_msg_count: 0,
            requeue_count: 6,
            timeout_count: 7,
            late_fin_count: 0,
            consumers: Vec::new(),
            consumer_count: 8,
            paused: false,
            latency: latency(),
        }
    }

    fn latency() -> LatencySnapshot {
        LatencySnapshot {
            count: 1,
            quantiles: vec![(1.0, 1_525_239.7), (0.999, 5.0), (0.5, 0.0)],
        }
    }

    fn lines(topic: &TopicSnapshot) -> String {
        let mut counters = Counters::default();
        let mut report = Report::new("nsq.", 100, &mut counters).unwrap();
        report.put_topic(topic);
        for channel in &topic.channels {
            report.put_channel(topic, channel);
        }
        let packets = report.finish();
        String::from_utf8(packets.iter().collect::<Vec<_>>().concat()).unwrap()
    }

    #[test]
    fn a_topic_is_written_line_by_line() {
        let mut topic = TopicSnapshot {
            name: TopicName::new("a.b").unwrap(),
            depth: 10,
            backend_depth: 11,
            oldest_ns: None,
            message_count: 12,
            message_bytes: 13,
            paused: false,
            channels: vec![channel()],
            latency: latency(),
        };
        assert_eq!(
            lines(&topic),
            "nsq.topic.a.b.message_count:12|c\n\
             nsq.topic.a.b.message_bytes:13|c\n\
             nsq.topic.a.b.depth:10|g\n\
             nsq.topic.a.b.backend_depth:11|g\n\
             nsq.topic.a.b.e2e_processing_latency_100:1525239|g\n\
             nsq.topic.a.b.e2e_processing_latency_100:5|g\n\
             nsq.topic.a.b.e2e_processing_latency_50:0|g\n\
             nsq.topic.a.b.channel.c#ephemeral.message_count:5|c\n\
             nsq.topic.a.b.channel.c#ephemeral.depth:1|g\n\
             nsq.topic.a.b.channel.c#ephemeral.backend_depth:2|g\n\
             nsq.topic.a.b.channel.c#ephemeral.in_flight_count:3|g\n\
             nsq.topic.a.b.channel.c#ephemeral.deferred_count:4|g\n\
             nsq.topic.a.b.channel.c#ephemeral.requeue_count:6|c\n\
             nsq.topic.a.b.channel.c#ephemeral.timeout_count:7|c\n\
             nsq.topic.a.b.channel.c#ephemeral.clients:8|g\n\
             nsq.topic.a.b.channel.c#ephemeral.e2e_processing_latency_100:1525239|g\n\
             nsq.topic.a.b.channel.c#ephemeral.e2e_processing_latency_100:5|g\n\
             nsq.topic.a.b.channel.c#ephemeral.e2e_processing_latency_50:0|g\n"
        );
        topic.channels.clear();
        assert!(!lines(&topic).contains("latency"), "{}", lines(&topic));
    }
}
