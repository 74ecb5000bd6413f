//! Daemons that hang, and peers that are none: a clear line and the right exit code, or patience, and no message lost.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use nsq_tests::process::Process;
use nsq_tests::{Nsqd, Nsqlookupd};
use rustix::process::Signal;
use serde_json::json;

use super::{Bench, Cluster, await_drained, tcp_flag};

/// Options of clients that soon miss a daemon that is silent.
const IMPATIENT: [&str; 2] = ["read_timeout,2s", "heartbeat_interval,1s"];

fn impatient(flag: &str) -> [String; 2] {
    IMPATIENT.map(|option| format!("--{flag}={option}"))
}

#[test]
fn an_nsqd_that_hangs_is_left_and_found_again() {
    let bench = Bench::new();
    let cluster = Cluster::start();
    cluster.create_channel("t", "c");
    let mut flags = cluster.flags();
    flags.extend(impatient("consumer-opt"));
    flags.extend(["--topic=t", "--channel=c"].map(str::to_owned));
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let tail = bench.start("nsq_tail", &flags);
    let [hangs, other] = &*cluster.nsqds else {
        panic!("a cluster has two nsqds");
    };
    for nsqd in [hangs, other] {
        nsqd.await_channel("t", "c", &json!({"client_count": 1}));
    }
    hangs.process().signal(Signal::STOP);
    other.publish("t", "one");
    tail.output().await_line("one");
    // Tried again and again, but not all the time.
    tail.log().await_lines("i/o timeout", 2);
    let lines = tail.log().lines();
    let tries = lines.iter().filter(|line| line.ends_with(") connecting to nsqd"));
    assert!(tries.count() < 10, "{lines:?}");
    hangs.process().signal(Signal::CONT);
    hangs.publish("t", "two");
    tail.output().await_line("two");
    await_drained(&cluster.nsqds, "t", "c");
    tail.signal(Signal::TERM);
    assert!(tail.wait().status.success());
}

#[test]
fn an_nsqlookupd_that_hangs_keeps_nobody_from_what_another_knows() {
    let bench = Bench::new();
    let cluster = Cluster::start();
    cluster.create_channel("t", "c");
    let hangs = Nsqlookupd::start();
    hangs.process().signal(Signal::STOP);
    let tail = bench.start(
        "nsq_tail",
        &[
            "--topic=t",
            "--channel=c",
            "-n=1",
            &format!("--lookupd-http-address={}", hangs.http_address()),
            &cluster.flags()[0],
        ],
    );
    cluster.nsqds[0].publish("t", "found");
    let exit = tail.wait();
    assert_eq!((exit.status.code(), &*exit.stdout), (Some(0), "found\n"));
}

#[test]
fn publishing_to_an_nsqd_that_hangs_fails_in_time() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.process().signal(Signal::STOP);
    let [read_timeout, heartbeats] = impatient("producer-opt");
    let flags = ["--topic=t", &tcp_flag(&nsqd), &read_timeout, &heartbeats];
    let exit = bench.pipe("to_nsq", &flags, b"1\n");
    assert_eq!(exit.status.code(), Some(1));
    assert!(exit.stderr.ends_with(" i/o timeout\n"), "{}", exit.stderr);
}

#[test]
fn statistics_of_an_nsqd_that_hangs_fail_in_time() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    nsqd.process().signal(Signal::STOP);
    let address = format!("--nsqd-http-address={}", nsqd.http_address());
    let flags = [
        "--topic=t",
        "--channel=c",
        "--http-client-request-timeout=200ms",
        &address,
    ];
    let exit = bench.run("nsq_stat", &flags);
    assert_eq!(exit.status.code(), Some(1));
    assert!(
        exit.stderr.contains("ERROR: failed to get topic producers - "),
        "{}",
        exit.stderr
    );
}

/// What the utility says before it ends with 1, asked to use a port for what it is not there for.
#[track_caller]
fn refused(bench: &Bench, name: &str, flags: &[&str]) -> String {
    let exit = bench.pipe(name, flags, b"1\n");
    assert_eq!(exit.status.code(), Some(1), "{}", exit.stderr);
    assert_eq!(exit.stdout, "");
    exit.stderr.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn a_port_of_http_is_told_from_one_of_nsqd() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    let address = format!("--nsqd-tcp-address={}", nsqd.http_address());
    for (name, flags) in [
        ("to_nsq", ["--topic=t", &address, "--rate=0"]),
        ("nsq_tail", ["--topic=t", &address, "--channel=c"]),
    ] {
        let line = refused(&bench, name, &flags);
        assert!(
            line.ends_with(" unexpected HTTP response, a nsqd TCP endpoint is required"),
            "{line}"
        );
    }
}

#[test]
fn an_nsqlookupd_is_told_from_an_nsqd() {
    let bench = Bench::new();
    let nsqlookupd = Nsqlookupd::start();
    let address = format!("--nsqd-tcp-address={}", nsqlookupd.tcp_address());
    let line = refused(&bench, "nsq_tail", &["--topic=t", "--channel=c", &address]);
    assert!(line.contains(" unknown frame type "), "{line}");
}

#[test]
fn a_port_of_nsqd_in_the_place_of_an_nsqlookupd_is_told_and_asked_again() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    let address = format!("--lookupd-http-address={}", nsqd.tcp_address());
    let flags = [
        "--topic=t",
        "--channel=c",
        "--consumer-opt=lookupd_poll_interval,50ms",
        &address,
    ];
    let tail = bench.start("nsq_tail", &flags);
    tail.log().await_lines("error querying nsqlookupd", 2);
    tail.signal(Signal::TERM);
    assert!(tail.wait().status.success());
}

/// A listener that takes no connections: its queue is full.
struct Full {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Full {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(listener.as_fd(), 0).unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200));
        let waiting = std::iter::from_fn(|| connect().ok()).collect();
        Self {
            address,
            _listener: listener,
            _waiting: waiting,
        }
    }
}

#[test]
fn a_server_that_takes_no_connections_is_given_up_in_time() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "nsq_to_http");
    let full = Full::new();
    nsqd.publish("t", "1");
    let forwarder = bench.start(
        "nsq_to_http",
        &[
            "--topic=t",
            "--http-client-connect-timeout=200ms",
            &format!("--post=http://{}/", full.address),
            &tcp_flag(&nsqd),
        ],
    );
    let line = forwarder.log().await_line("Handler returned error (");
    assert!(
        line.contains(&format!("dial tcp {}: i/o timeout", full.address)),
        "{line}"
    );
    nsqd.await_channel(
        "t",
        "nsq_to_http",
        &json!({"deferred_count": 1, "in_flight_count": 0}),
    );
    forwarder.signal(Signal::TERM);
    assert!(forwarder.wait().status.success());
}

/// Runs `flags` of a utility in front of `head -n 1`, and publishes until it has ended.
#[track_caller]
fn behind_head(bench: &Bench, nsqd: &Nsqd, name: &str, flags: &[&str]) -> Vec<String> {
    let script = r#"{ "$0" "$@"; echo "code $?" >&2; } | head -n 1"#;
    let program = nsq_tests::program::utility(name);
    let mut arguments = vec!["-c", script, program.to_str().unwrap()];
    arguments.extend(flags);
    let pipe = Process::start(std::path::Path::new("/bin/sh"), bench.path(), &arguments);
    while !pipe.log().contains("code ") {
        nsqd.publish("t", "a line");
    }
    let exit = pipe.wait();
    assert_eq!(exit.stdout.lines().count(), 1, "{}", exit.stdout);
    exit.stderr.lines().map(str::to_owned).collect()
}

#[test]
fn who_reads_no_more_ends_what_writes_to_him() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    let http = format!("--nsqd-http-address={}", nsqd.http_address());
    for (name, flags, reason) in [
        (
            "nsq_tail",
            ["--topic=t", "--channel=c", &tcp_flag(&nsqd), "--max-in-flight=1"],
            "ERROR: failed to write to os.Stdout - write /dev/stdout: broken pipe",
        ),
        (
            "nsq_stat",
            ["--topic=t", "--channel=c", &http, "--interval=1ms"],
            "ERROR: failed to write to os.Stdout - broken pipe",
        ),
    ] {
        let lines = behind_head(&bench, &nsqd, name, &flags);
        let [.., last, code] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        assert!(last.ends_with(reason), "{last}");
        assert_eq!(code, "code 1");
    }
    nsqd.await_channel("t", "c", &json!({"in_flight_count": 0}));
}
