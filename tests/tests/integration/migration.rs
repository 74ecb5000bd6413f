//! A cluster that changes hands daemon by daemon while messages flow: from the original to this one, and back again.
//!
//! What `docs/migrating.md` says, done.

use std::path::Path;

use nsq_tests::load::{Books, Load, READY_COUNT};
use nsq_tests::program::{self, reference_or_note};
use nsq_tests::{Nsqd, Nsqlookupd, Setup};
use serde_json::{Value, json};

/// The channel that nobody consumes before the end, so that its messages cross every change of hands.
const HELD: &str = "held";

/// One nsqlookupd and two nsqds with a topic in common.
struct Cluster {
    lookupd: Nsqlookupd,
    nsqds: [Nsqd; 2],
}

impl Cluster {
    fn start(nsqlookupd: &Path, nsqd: &Path) -> Self {
        let lookupd = Nsqlookupd::of(nsqlookupd, &[]);
        let nsqds = [(); 2].map(|()| {
            Setup::new()
                .flag(format!("--lookupd-tcp-address={}", lookupd.tcp_address()))
                // Most of what is held waits on disk.
                .flag("--mem-queue-size=50")
                .flag("--max-bytes-per-file=20000")
                .program(nsqd)
                .start()
        });
        for nsqd in &nsqds {
            nsqd.create_channel("t", "live");
            nsqd.create_channel("t", HELD);
        }
        Self { lookupd, nsqds }
    }

    /// Waits until consumers are told of both nsqds.
    #[track_caller]
    fn await_found(&self) {
        let mut ports = self.nsqds.each_ref().map(|nsqd| nsqd.tcp_address().port());
        ports.sort_unstable();
        self.nsqds[0].await_stats(|_| {
            let response = self.lookupd.http().get("/lookup?topic=t");
            let found: Value = serde_json::from_slice(&response.body).ok()?;
            let mut told: Vec<u64> = found["producers"]
                .as_array()?
                .iter()
                .filter_map(|producer| producer["tcp_port"].as_u64())
                .collect();
            told.sort_unstable();
            told.iter().eq(ports.map(u64::from).iter()).then_some(())
        });
    }

    /// Exchanges nsqlookupd for another program on the same ports.
    #[track_caller]
    fn exchange_lookupd(self, program: &Path, occasion: &str) -> Self {
        let flags = [
            format!("--tcp-address={}", self.lookupd.tcp_address()),
            format!("--http-address={}", self.lookupd.http_address()),
        ];
        assert!(self.lookupd.end(rustix::process::Signal::TERM).status.success());
        let lookupd = Nsqlookupd::of(program, &flags.each_ref().map(String::as_str));
        let cluster = Self { lookupd, ..self };
        for nsqd in &cluster.nsqds {
            // The original connects again when it has something to say, at the latest after 15 s.
            nsqd.create_topic(occasion);
        }
        cluster.await_found();
        cluster
    }

    /// Exchanges both nsqds for another program, one after the other, each on the same ports and data directory.
    #[track_caller]
    fn exchange_nsqds(self, program: &Path, load: &Load) -> Self {
        let Self { lookupd, nsqds } = self;
        let [first, second] = nsqds;
        let first = exchange(first, program);
        let cluster = Self {
            lookupd,
            nsqds: [first, second],
        };
        cluster.await_found();
        load.await_more(200);
        let Self { lookupd, nsqds } = cluster;
        let [first, second] = nsqds;
        let second = exchange(second, program);
        let cluster = Self {
            lookupd,
            nsqds: [first, second],
        };
        cluster.await_found();
        load.await_more(200);
        cluster
    }
}

#[track_caller]
fn exchange(nsqd: Nsqd, program: &Path) -> Nsqd {
    let ports = [
        format!("--tcp-address={}", nsqd.tcp_address()),
        format!("--http-address={}", nsqd.http_address()),
    ];
    let stopped = nsqd.stop();
    let setup = ports.into_iter().fold(stopped.setup, Setup::flag);
    setup.program(program).start()
}

/// What is published and what is received are the same, but for what was in flight when a daemon stopped.
#[track_caller]
fn expect_balanced(books: &Books, exchanges: usize) {
    for body in books.received.keys() {
        assert!(
            books.published.contains(body) || books.unanswered.contains(body),
            "{body} was never published"
        );
    }
    let repeated = books.received.values().filter(|&&times| times > 1).count();
    assert!(
        repeated <= exchanges * READY_COUNT,
        "{repeated} messages came more than once"
    );
}

#[test]
fn a_cluster_is_taken_over_and_given_back_without_losing_a_message() {
    let (Some(go_nsqd), Some(go_nsqlookupd)) = (reference_or_note("nsqd"), reference_or_note("nsqlookupd"))
    else {
        return;
    };
    // Built before the clock of any process runs.
    let (nsqlookupd, nsqd) = (program::nsqlookupd(), program::nsqd());
    let cluster = Cluster::start(&go_nsqlookupd, &go_nsqd);
    let addresses = cluster.nsqds.each_ref().map(Nsqd::tcp_address);
    let mut load = Load::start("t", "live", &addresses);
    load.await_more(200);

    let cluster = cluster.exchange_lookupd(nsqlookupd, "there");
    let cluster = cluster.exchange_nsqds(nsqd, &load);
    // And back again, in the other order.
    let cluster = cluster.exchange_nsqds(&go_nsqd, &load);
    let cluster = cluster.exchange_lookupd(&go_nsqlookupd, "back");
    load.await_more(200);

    let books = load.settle();
    expect_balanced(&books, 4);
    let held: usize = cluster.nsqds.iter().map(|nsqd| expect_held(nsqd, &books)).sum();
    assert!(
        (books.published.len()..=books.published.len() + books.unanswered.len()).contains(&held),
        "{} were published, and {held} are held",
        books.published.len()
    );
    load.end_with_daemons(|| drop(cluster));
}

/// Consumes all that is held, none of which may come twice, and gives the number.
#[track_caller]
fn expect_held(nsqd: &Nsqd, books: &Books) -> usize {
    let stats = nsqd.await_channel("t", HELD, &json!({"in_flight_count": 0}));
    let depth = usize::try_from(stats["depth"].as_u64().unwrap()).unwrap();
    let mut consumer = nsqd.connect();
    consumer.subscribe("t", HELD);
    consumer.ready(100);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..depth {
        let message = consumer.expect_message();
        consumer.send(message.fin());
        let body = message.text();
        assert!(
            books.published.contains(body) || books.unanswered.contains(body),
            "{body} was never published"
        );
        assert_eq!(message.attempts, 1, "{body}");
        assert!(seen.insert(body.to_owned()), "{body} is held twice");
    }
    consumer.expect_nothing_before_ok("probe");
    depth
}
