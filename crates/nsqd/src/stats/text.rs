//! The text form of the report.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::time::Duration;

use nsq_app::version_line;
use nsq_flags::GoDuration;

use super::{ChannelStats, ClientStats, LatencyStats, Overview, Render, TopicStats};

/// Writes the report in lines for people.
///
/// # Differs from upstream
/// Control characters in what clients say of themselves are escaped: they could forge lines.
#[derive(Debug)]
pub struct TextReport {
    overview: Overview,
    any_topic: bool,
}

impl TextReport {
    /// A report with this overview.
    pub fn new(overview: Overview) -> Self {
        Self {
            overview,
            any_topic: false,
        }
    }
}

impl Render for TextReport {
    fn start(&mut self, out: &mut Vec<u8>) {
        let overview = &self.overview;
        put(out, format_args!("{}\n", version_line("nsqd")));
        put(out, format_args!("start_time {}\n", overview.start_time_local));
        put(
            out,
            format_args!("uptime {}\n", GoDuration::from(overview.uptime)),
        );
        put(out, format_args!("\nHealth: {}\n", Plain(&overview.health)));
        if let Some(memory) = &overview.memory {
            put(out, format_args!("\nMemory:\n"));
            for (key, value) in memory.figures() {
                put(out, format_args!("   {key:<25}\t{value}\n"));
            }
        }
    }

    fn topic(&mut self, out: &mut Vec<u8>, topic: &TopicStats) {
        if !self.any_topic {
            self.any_topic = true;
            put(out, format_args!("\nTopics:"));
        }
        put(
            out,
            format_args!(
                "\n{}[{:<15}] depth: {:<5} be-depth: {:<5} msgs: {:<8} e2e%: {}\n",
                if topic.paused { "*P " } else { "   " },
                topic.topic_name,
                topic.depth,
                topic.backend_depth,
                topic.message_count,
                Latencies(&topic.e2e_processing_latency),
            ),
        );
    }

    fn channel(&mut self, out: &mut Vec<u8>, channel: &ChannelStats) {
        put(
            out,
            format_args!(
                "{}[{:<25}] depth: {:<5} be-depth: {:<5} inflt: {:<4} def: {:<4} re-q: {:<5} \
                 timeout: {:<5} msgs: {:<8} e2e%: {}\n",
                if channel.paused { "   *P " } else { "      " },
                channel.channel_name,
                channel.depth,
                channel.backend_depth,
                channel.in_flight_count,
                channel.deferred_count,
                channel.requeue_count,
                channel.timeout_count,
                channel.message_count,
                Latencies(&channel.e2e_processing_latency),
            ),
        );
        for client in channel.clients.iter().flatten() {
            put(
                out,
                format_args!("        {}\n", Client(client, self.overview.now)),
            );
        }
    }

    fn topic_end(&mut self, _out: &mut Vec<u8>, _topic: &TopicStats) {}

    fn end(&mut self, out: &mut Vec<u8>) {
        if !self.any_topic {
            put(out, format_args!("\nTopics: None\n"));
        }
        let Overview { producers, now, .. } = &self.overview;
        if producers.is_empty() {
            put(out, format_args!("\nProducers: None\n"));
        } else {
            put(out, format_args!("\nProducers:\n"));
            for client in producers {
                put(out, format_args!("   {}\n", Client(client, *now)));
            }
        }
    }
}

/// Appends to memory, which takes every byte.
fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// One line for a client at a Unix second: what it has published if it has, else what it consumes.
struct Client<'a>(&'a ClientStats, i64);

impl fmt::Display for Client<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(client, now) = self;
        let connected = Duration::from_secs(u64::try_from(now - client.connect_ts).unwrap_or(0));
        let connected = GoDuration::from(connected);
        write!(f, "[{} {:<21}] ", client.version, identity(client))?;
        if client.pub_counts.is_empty() {
            return write!(
                f,
                "state: {} inflt: {:<4} rdy: {:<4} fin: {:<8} re-q: {:<8} msgs: {:<8} connected: {connected}",
                client.state,
                client.in_flight_count,
                client.ready_count,
                client.finish_count,
                client.requeue_count,
                client.message_count,
            );
        }
        let total: u64 = client.pub_counts.iter().map(|published| published.count).sum();
        write!(f, "msgs: {total:<8} topics: ")?;
        for (at, published) in client.pub_counts.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}={}", published.topic, published.count)?;
        }
        write!(f, " connected: {connected}")
    }
}

/// `host:port library`, as far as there are such; without control characters.
fn identity(client: &ClientStats) -> String {
    let port = client.remote_address.port().map(|port| port.to_string());
    let mut identity = format!("{}:{}", Plain(&client.hostname), port.unwrap_or_default());
    if !client.user_agent.is_empty() {
        let written = write!(identity, " {}", Plain(&client.user_agent));
        debug_assert!(written.is_ok(), "{written:?}");
    }
    identity
}

/// A text from outside, with what could end a line or steer a terminal escaped.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') {
                char.escape_default().fmt(f)?;
            } else {
                f.write_char(char)?;
            }
        }
        Ok(())
    }
}

/// The latencies of a line, nothing if there are none to tell.
struct Latencies<'a>(&'a LatencyStats);

impl fmt::Display for Latencies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, percentile) in self.0.percentiles.iter().flatten().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let nanos = percentile.value;
            let (value, unit) = if nanos > 1e9 {
                (nanos / 1e9, "s")
            } else if nanos > 1e6 {
                (nanos / 1e6, "ms")
            } else if nanos > 1e3 {
                (nanos / 1e3, "us")
            } else {
                (nanos, "ns")
            };
            write!(f, "{comma}{value:.1}{unit}")?;
        }
        Ok(())
    }
}
