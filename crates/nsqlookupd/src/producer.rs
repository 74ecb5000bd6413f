//! One nsqd, as it described itself.

use std::fmt::Display;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use nsq_http::to_json;
use nsq_protocol::lookup::PeerInfo;
use nsq_runtime::{Clock, Moment};
use serde::Serialize;

/// One nsqd that has identified itself, for as long as its connection lasts.
///
/// Everything but the time of its last sign of life stays as it was. The session that owns the connection
/// writes that time, whoever asks about the producer reads it, and neither takes a lock.
///
/// Upstream: `nsqlookupd/registration_db.go`, `PeerInfo`.
#[derive(Debug)]
pub struct Producer {
    remote_address: String,
    info: PeerInfo,
    json: Box<[u8]>,
    /// When it identified itself or sent its last PING: by the monotonic clock, for deciding, and by the wall
    /// clock, for showing.
    last_update: AtomicU64,
    last_update_ns: AtomicI64,
}

/// A producer in the answers of HTTP.
#[derive(Serialize)]
struct Shown<'p> {
    remote_address: &'p str,
    hostname: &'p str,
    broadcast_address: &'p str,
    tcp_port: i64,
    http_port: i64,
    version: &'p str,
    topology_zone: &'p str,
    topology_region: &'p str,
}

impl Producer {
    /// The producer at the other end of the connection from `peer`, alive as of now.
    pub fn new(peer: impl Display, info: PeerInfo, clock: &Clock) -> Self {
        let remote_address = peer.to_string();
        let json = to_json(&Shown {
            remote_address: &remote_address,
            hostname: &info.hostname,
            broadcast_address: &info.broadcast_address,
            tcp_port: info.tcp_port,
            http_port: info.http_port,
            version: &info.version,
            topology_zone: &info.topology_zone,
            topology_region: &info.topology_region,
        });
        Self {
            remote_address,
            info,
            // Text and integers always have a JSON form.
            json: json.unwrap_or_default().into_boxed_slice(),
            last_update: AtomicU64::new(clock.now().as_nanos()),
            last_update_ns: AtomicI64::new(clock.wall_ns()),
        }
    }

    /// Where its connection comes from, `10.0.0.5:41568`. Unique among producers.
    pub fn remote_address(&self) -> &str {
        &self.remote_address
    }

    /// What it told about itself.
    pub fn info(&self) -> &PeerInfo {
        &self.info
    }

    /// The object that stands for it in `/lookup`: made once, for it is asked for far more often.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// Notes a sign of life, and tells how long after the one before it came.
    pub fn touch(&self, clock: &Clock) -> Duration {
        let now = clock.now();
        self.last_update_ns.store(clock.wall_ns(), Ordering::Relaxed);
        let before = self.last_update.swap(now.as_nanos(), Ordering::Relaxed);
        now - Moment::from_nanos(before)
    }

    /// When the last sign of life came, in nanoseconds since the Unix epoch.
    pub fn last_update_ns(&self) -> i64 {
        self.last_update_ns.load(Ordering::Relaxed)
    }

    /// Whether the last sign of life is no older than `timeout` at `now`.
    pub fn is_active(&self, now: Moment, timeout: Duration) -> bool {
        now - Moment::from_nanos(self.last_update.load(Ordering::Relaxed)) <= timeout
    }

    /// Whether an operator means this producer by `node`, its broadcast address and HTTP port.
    ///
    /// # Differs from upstream
    /// An IPv6 address may stand in brackets. nsqadmin sends them so, and there can never tombstone such a
    /// producer.
    pub fn is_node(&self, node: &str) -> bool {
        let Some((host, port)) = node.rsplit_once(':') else {
            return false;
        };
        let address = self.info.broadcast_address.as_str();
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .filter(|host| host.contains(':'));
        port == self.info.http_port.to_string() && (host == address || bracketed == Some(address))
    }
}

#[cfg(test)]
mod tests {
    use nsq_runtime::ManualClock;

    use super::*;

    fn producer(broadcast_address: &str, clock: &Clock) -> Producer {
        let info = PeerInfo {
            broadcast_address: broadcast_address.to_owned(),
            hostname: "node1".to_owned(),
            http_port: 4151,
            tcp_port: 4150,
            version: "1.3.0".to_owned(),
            ..PeerInfo::default()
        };
        Producer::new("127.0.0.1:46402", info, clock)
    }

    #[test]
    fn a_producer_shows_its_fields_in_upstreams_order() {
        let producer = producer("a<b", &Clock::system());
        assert_eq!(
            std::str::from_utf8(producer.json()).unwrap(),
            "{\"remote_address\":\"127.0.0.1:46402\",\"hostname\":\"node1\",\"broadcast_address\":\"a\\u003cb\",\
             \"tcp_port\":4150,\"http_port\":4151,\"version\":\"1.3.0\",\"topology_zone\":\"\",\
             \"topology_region\":\"\"}"
        );
    }

    #[test]
    fn a_producer_is_active_up_to_and_including_the_timeout() {
        let manual = ManualClock::new();
        let clock = manual.clock();
        let timeout = Duration::from_secs(5);
        let producer = producer("a", &clock);
        manual.advance(timeout);
        assert!(producer.is_active(clock.now(), timeout));
        manual.advance(Duration::from_nanos(1));
        assert!(!producer.is_active(clock.now(), timeout));
        assert_eq!(producer.touch(&clock), Duration::from_nanos(5_000_000_001));
        assert!(producer.is_active(clock.now(), timeout));
        assert_eq!(producer.last_update_ns(), clock.wall_ns());
    }

    #[test]
    fn a_node_is_broadcast_address_and_http_port() {
        let named = producer("n1.local", &Clock::system());
        assert!(named.is_node("n1.local:4151"));
        for other in [
            "n1.local:4150",
            "n1.local",
            "n1.local:04151",
            "N1.local:4151",
            "[n1.local]:4151",
            ":4151",
            "",
        ] {
            assert!(!named.is_node(other), "{other}");
        }
    }

    #[test]
    fn a_node_with_an_ipv6_address_may_have_brackets() {
        let v6 = producer("::1", &Clock::system());
        assert!(v6.is_node("::1:4151"));
        assert!(v6.is_node("[::1]:4151"));
        assert!(!v6.is_node("[::1:4151"));
        assert!(!v6.is_node("[::2]:4151"));
        let bracketed = producer("[::1]", &Clock::system());
        assert!(bracketed.is_node("[::1]:4151"));
    }
}
