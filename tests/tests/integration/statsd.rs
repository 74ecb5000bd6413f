//! Statistics pushed over UDP, line by line.

use std::collections::HashMap;
use std::net::UdpSocket;
use std::time::Duration;

use nsq_tests::peer::PATIENCE;
use nsq_tests::program::{self, reference_or_note};
use nsq_tests::{Nsqd, Setup, Stopwatch, command, deviates};
use serde_json::json;

/// The shortest interval that leaves time to act between two pushes.
const INTERVAL: Duration = Duration::from_secs(3);

/// A statsd that keeps what it is sent.
struct Statsd {
    socket: UdpSocket,
}

impl Statsd {
    fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket }
    }

    /// An nsqd that pushes here, with nothing of its memory.
    fn setup(&self) -> Setup {
        Setup::new()
            .flag(format!("--statsd-address={}", self.socket.local_addr().unwrap()))
            .flag(format!("--statsd-interval={}ms", INTERVAL.as_millis()))
            .flag("--statsd-mem-stats=false")
            .flag("--statsd-prefix=p")
    }

    /// One packet.
    #[track_caller]
    fn packet(&self) -> String {
        let mut packet = vec![0; 65_536];
        let size = self.socket.recv(&mut packet).unwrap();
        packet.truncate(size);
        String::from_utf8(packet).unwrap()
    }

    /// Packets up to the one with `last` in its last line.
    #[track_caller]
    fn packets_to(&self, last: &str) -> Vec<String> {
        let mut packets = Vec::new();
        loop {
            packets.push(self.packet());
            let line = packets.last().and_then(|packet| packet.lines().last());
            if line.is_some_and(|line| line.contains(last)) {
                return packets;
            }
        }
    }

    /// The lines up to one that contains `last`.
    #[track_caller]
    fn lines_to(&self, last: &str) -> Vec<String> {
        let packets = self.packets_to(last);
        packets.concat().lines().map(str::to_owned).collect()
    }

    /// The lines of the first push, ending with `last`, by which the counter `awaited` is not 0, with the sums
    /// of all counters up to then: a push that comes too early for a test has counted some of what it does.
    #[track_caller]
    fn totals_when(&self, awaited: &str, last: &str) -> Vec<String> {
        let mut totals: HashMap<String, u64> = HashMap::new();
        loop {
            let mut lines = self.lines_to(last);
            for line in &mut lines {
                let (name, value) = line.split_once(':').unwrap();
                if let Some(growth) = value.strip_suffix("|c") {
                    let total = totals.entry(name.to_owned()).or_default();
                    *total += growth.parse::<u64>().unwrap();
                    *line = format!("{name}:{total}|c");
                }
            }
            if totals.get(awaited).is_some_and(|&total| total > 0) {
                return lines;
            }
        }
    }
}

#[test]
fn a_push_names_every_counter_and_gauge_of_topics_and_channels() {
    let statsd = Statsd::start();
    let nsqd = statsd.setup().start();
    nsqd.create_channel("a", "c");
    nsqd.create_topic("b");
    nsqd.publish("b", "four");
    let mut producer = nsqd.connect();
    for body in ["1", "22", "333", "4444"] {
        producer.publish("a", body);
    }
    producer.send(command::deferred_publish("a", 60_000, "later"));
    producer.expect_ok();
    let mut consumer = nsqd.consumer("a", "c", 2);
    let first = consumer.expect_message();
    let second = consumer.expect_message();
    consumer.send(format!("REQ {} 60000\n", first.id));
    consumer.send(second.fin());
    nsqd.await_channel(
        "a",
        "c",
        &json!({"depth": 0, "in_flight_count": 2, "deferred_count": 2, "requeue_count": 1}),
    );

    assert_eq!(
        statsd.totals_when("p.topic.a.channel.c.requeue_count", "p.topic.b.backend_depth:"),
        [
            "p.topic.a.message_count:5|c",
            "p.topic.a.message_bytes:15|c",
            "p.topic.a.depth:0|g",
            "p.topic.a.backend_depth:0|g",
            "p.topic.a.channel.c.message_count:5|c",
            "p.topic.a.channel.c.depth:0|g",
            "p.topic.a.channel.c.backend_depth:0|g",
            "p.topic.a.channel.c.in_flight_count:2|g",
            "p.topic.a.channel.c.deferred_count:2|g",
            "p.topic.a.channel.c.requeue_count:1|c",
            "p.topic.a.channel.c.timeout_count:0|c",
            "p.topic.a.channel.c.clients:1|g",
            "p.topic.b.message_count:1|c",
            "p.topic.b.message_bytes:4|c",
            "p.topic.b.depth:1|g",
            "p.topic.b.backend_depth:0|g",
        ]
    );
    nsqd.log().await_line("INFO: STATSD: pushing stats to ");
}

#[test]
fn the_original_pushes_the_same_lines() {
    let Some(original) = reference_or_note("nsqd") else {
        return;
    };
    let [ours, theirs] = [program::nsqd(), &original].map(|nsqd| {
        let statsd = Statsd::start();
        let nsqd = statsd
            .setup()
            .program(nsqd)
            .flag("--e2e-processing-latency-percentile=0.99,0.5")
            .start();
        // Every push ends with it, even one that comes too early.
        nsqd.create_topic("last");
        let channels = ["one", "two.three", "four#ephemeral"];
        for topic in ["a", "b.c", "d#ephemeral"] {
            nsqd.topic_action("create", topic);
            for channel in channels {
                nsqd.channel_action("create", topic, channel);
            }
            for body in ["1", "22", "333"] {
                nsqd.publish(topic, body);
            }
            for channel in channels {
                nsqd.await_channel(topic, channel, &json!({"depth": 3}));
            }
        }
        nsqd.publish("last", "4444");
        statsd.totals_when("p.topic.last.message_count", "p.topic.last.backend_depth:")
    });
    assert_eq!(ours.len(), 3 * (6 + 3 * 10) + 4);
    assert_eq!(ours, theirs);
}

#[test]
fn the_figures_of_the_process_come_last() {
    let statsd = Statsd::start();
    let nsqd = statsd.setup().flag("--statsd-mem-stats=true").start();
    nsqd.create_topic("t");
    let lines = statsd.lines_to("mem.gc_runs:");
    let from = lines
        .iter()
        .position(|line| line.contains(".mem.") || line.starts_with("p.mem."))
        .unwrap();
    let (names, kinds): (Vec<_>, Vec<_>) = lines[from..]
        .iter()
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            let (value, kind) = value.split_once('|').unwrap();
            value.parse::<u64>().unwrap();
            (name, kind)
        })
        .unzip();
    assert_eq!(
        names,
        [
            "p.mem.heap_objects",
            "p.mem.heap_idle_bytes",
            "p.mem.heap_in_use_bytes",
            "p.mem.heap_released_bytes",
            "p.mem.gc_pause_usec_100",
            "p.mem.gc_pause_usec_99",
            "p.mem.gc_pause_usec_95",
            "p.mem.next_gc_bytes",
            "p.mem.gc_runs",
        ]
    );
    assert_eq!(kinds, ["g", "g", "g", "g", "g", "g", "g", "g", "c"]);
}

#[test]
fn the_prefix_names_this_nsqd() {
    let statsd = Statsd::start();
    let nsqd = statsd.setup().flag("--statsd-prefix=nsq.%s").start();
    nsqd.create_topic("t");
    let port = nsqd.http_address().port();
    assert_eq!(
        statsd.lines_to(".backend_depth:")[0],
        format!("nsq.127_0_0_1_{port}.topic.t.message_count:0|c")
    );
}

#[test]
fn counters_are_what_has_come_since_the_push_before() {
    let statsd = Statsd::start();
    let nsqd = statsd.setup().start();
    nsqd.publish("t", "one");
    let counted = |lines: &[String]| lines[..2].to_vec();
    assert_eq!(
        counted(&statsd.lines_to("t.backend_depth:")),
        ["p.topic.t.message_count:1|c", "p.topic.t.message_bytes:3|c"]
    );
    nsqd.publish("t", "two");
    nsqd.publish("t", "three");
    assert_eq!(
        counted(&statsd.lines_to("t.backend_depth:")),
        ["p.topic.t.message_count:2|c", "p.topic.t.message_bytes:8|c"]
    );
    assert_eq!(
        counted(&statsd.lines_to("t.backend_depth:")),
        ["p.topic.t.message_count:0|c", "p.topic.t.message_bytes:0|c"]
    );
}

#[test]
fn the_counters_of_a_topic_that_was_created_again_begin_anew() {
    deviates!(StatsdCountersNeverFall);
    let statsd = Statsd::start();
    let nsqd = statsd.setup().start();
    for _ in 0..3 {
        nsqd.publish("t", "hi");
    }
    assert_eq!(
        statsd.lines_to("t.backend_depth:")[0],
        "p.topic.t.message_count:3|c"
    );
    nsqd.topic_action("delete", "t");
    nsqd.publish("t", "hi");
    assert_eq!(
        statsd.lines_to("t.backend_depth:")[0],
        "p.topic.t.message_count:1|c"
    );
}

#[test]
fn latencies_are_named_after_their_percentiles() {
    let statsd = Statsd::start();
    let nsqd = statsd
        .setup()
        .flag("--e2e-processing-latency-percentile=0.5,0.999")
        .start();
    nsqd.create_channel("t", "c");
    let lines = statsd.lines_to("channel.c.e2e_processing_latency_50:");
    let latencies: Vec<_> = lines.iter().filter(|line| line.contains("e2e")).collect();
    assert_eq!(
        latencies,
        [
            "p.topic.t.e2e_processing_latency_100:0|g",
            "p.topic.t.e2e_processing_latency_50:0|g",
            "p.topic.t.channel.c.e2e_processing_latency_100:0|g",
            "p.topic.t.channel.c.e2e_processing_latency_50:0|g",
        ]
    );
}

#[test]
fn what_is_ephemeral_can_be_left_out() {
    let statsd = Statsd::start();
    let nsqd = statsd.setup().flag("--statsd-exclude-ephemeral").start();
    nsqd.http()
        .post("/topic/create?topic=a%23ephemeral", "")
        .expect_empty(200);
    nsqd.channel_action("create", "a#ephemeral", "durable");
    nsqd.create_topic("t");
    nsqd.channel_action("create", "t", "c%23ephemeral".replace("%23", "#").as_str());
    nsqd.channel_action("create", "t", "d");
    let lines = statsd.lines_to("channel.d.clients:");
    assert!(!lines.concat().contains("ephemeral"), "{lines:?}");
    assert!(lines.contains(&"p.topic.t.depth:0|g".to_owned()), "{lines:?}");
}

#[test]
fn what_is_ephemeral_is_there_otherwise() {
    let statsd = Statsd::start();
    let nsqd = statsd.setup().start();
    nsqd.http()
        .post("/topic/create?topic=a%23ephemeral", "")
        .expect_empty(200);
    nsqd.channel_action("create", "a#ephemeral", "c#ephemeral");
    let lines = statsd.lines_to("clients:");
    assert_eq!(lines[0], "p.topic.a#ephemeral.message_count:0|c");
    assert_eq!(
        lines[4],
        "p.topic.a#ephemeral.channel.c#ephemeral.message_count:0|c"
    );
}

#[test]
fn packets_hold_whole_lines_and_as_many_as_fit() {
    let statsd = Statsd::start();
    let nsqd = statsd.setup().flag("--statsd-udp-packet-size=100").start();
    let long = "a".repeat(64);
    nsqd.create_channel("t", &long);
    let packets = statsd.packets_to("clients:");
    let lines: Vec<&str> = packets.iter().flat_map(|packet| packet.lines()).collect();
    assert_eq!(lines.len(), 12, "{packets:?}");
    assert!(packets.iter().all(|packet| packet.ends_with('\n')), "{packets:?}");
    for pair in packets.windows(2) {
        let next = pair[1].lines().next().unwrap();
        assert!(
            pair[0].len() + next.len() + 1 > 100,
            "{next} would have fitted: {packets:?}"
        );
        assert!(
            pair[0].len() <= 100 || pair[0].lines().count() == 1,
            "{packets:?}"
        );
    }
    // The first packet: 28 + 28 + 20 bytes, and 28 more would be 104.
    assert_eq!(
        packets[0],
        "p.topic.t.message_count:0|c\np.topic.t.message_bytes:0|c\np.topic.t.depth:0|g\n"
    );
}

#[test]
fn packets_come_one_after_the_other_over_the_interval() {
    let statsd = Statsd::start();
    let nsqd = statsd.setup().flag("--statsd-udp-packet-size=1").start();
    nsqd.create_topic("t");
    statsd.packet();
    let stopwatch = Stopwatch::start();
    for _ in 1..4 {
        statsd.packet();
    }
    // Four packets over the two seconds that are not left free: three pauses of half a second.
    let took = stopwatch.elapsed();
    assert!(took >= Duration::from_millis(1300), "they came within {took:?}");
}

#[test]
fn what_is_left_at_the_end_is_sent_at_once() {
    let statsd = Statsd::start();
    let setup = statsd
        .setup()
        .flag("--statsd-udp-packet-size=1")
        .flag("--statsd-interval=5s");
    let nsqd = setup.start();
    nsqd.create_topic("t");
    statsd.packet();
    let stopped = nsqd.stop();
    assert!(
        stopped.exit.took < Duration::from_secs(2),
        "{:?}",
        stopped.exit.took
    );
    for _ in 1..4 {
        statsd.packet();
    }
    assert!(stopped.exit.stderr.contains("INFO: STATSD: closing\n"));
}

#[test]
fn an_address_that_cannot_be_resolved_is_said_and_tried_again() {
    let nsqd = Nsqd::with(&[
        "--statsd-address=nonexistent.invalid:8125",
        "--statsd-interval=1100ms",
    ]);
    nsqd.log()
        .await_line("ERROR: failed to create UDP socket to statsd(nonexistent.invalid:8125)");
    nsqd.publish("t", "hi");
}
