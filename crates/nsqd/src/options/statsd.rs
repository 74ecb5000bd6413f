//! Statistics pushed over UDP.

use std::time::Duration;

/// Where and how statistics are pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsdOptions {
    /// Where the packets go, as `host:port`.
    pub address: String,
    /// What every name starts with; expanded by [`Options::listening`](super::Options::listening).
    pub prefix: String,
    /// The time between two pushes, longer than a second.
    pub interval: Duration,
    /// Whether the memory of the process is among the statistics.
    pub mem_stats: bool,
    /// Bytes of one packet, unless a single line is longer.
    pub udp_packet_size: usize,
    /// Whether topics and channels that are not kept are left out.
    pub exclude_ephemeral: bool,
}

/// `prefix` with the host's key in place of each `%s`, and a full stop at the end unless it is empty.
///
/// # Differs from upstream
/// Other percent signs stay as they are, where upstream formats them into garbage.
pub(super) fn expand_prefix(prefix: &str, broadcast_address: &str, broadcast_http_port: u16) -> String {
    let mut expanded = prefix.replace("%s", &host_key(broadcast_address, broadcast_http_port));
    if !expanded.is_empty() && !expanded.ends_with('.') {
        expanded.push('.');
    }
    expanded
}

/// The address and port with `.` and `:` turned into `_`. Upstream: internal/statsd, `HostKey`.
fn host_key(address: &str, port: u16) -> String {
    let joined = if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    };
    joined.replace(['.', ':'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_key_stands_for_each_placeholder() {
        for (prefix, address, expanded) in [
            ("nsq.%s", "127.0.0.1", "nsq.127_0_0_1_4151."),
            ("nsq.%s.", "127.0.0.1", "nsq.127_0_0_1_4151."),
            ("%s.%s", "a", "a_4151.a_4151."),
            ("nsq.%s", "::1", "nsq.[__1]_4151."),
            ("plain", "a", "plain."),
            ("a%d%%", "a", "a%d%%."),
            ("", "a", ""),
        ] {
            assert_eq!(expand_prefix(prefix, address, 4151), expanded, "{prefix}");
        }
    }
}
