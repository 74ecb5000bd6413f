//! `nsq_to_nsq` and `nsq_to_http`: a message is finished when somebody else has it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use nsq_tests::{Nsqd, Setup};
use parking_lot::Mutex;
use rustix::process::Signal;
use serde_json::json;

use super::{Bench, Cluster, Ledger, await_drained, limit, tcp_flag};

/// An HTTP server that keeps what is posted to it, and fails now and then.
struct Inbox {
    url: String,
    kept: Arc<Kept>,
}

/// What has been posted.
struct Kept {
    bodies: Mutex<Vec<Vec<u8>>>,
    requests: AtomicU64,
    /// Of so many requests one is refused.
    refused_each: u64,
}

/// How many requests are refused: each makes a consumer pause.
const REFUSALS: u64 = 5;

impl Inbox {
    /// An inbox that refuses one of `refused_each` requests.
    fn open(refused_each: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/inbox", listener.local_addr().unwrap());
        let kept = Arc::new(Kept {
            bodies: Mutex::default(),
            requests: AtomicU64::new(0),
            refused_each,
        });
        let inbox = Self {
            url,
            kept: Arc::clone(&kept),
        };
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let kept = Arc::clone(&kept);
                // Who asks may go away at any time.
                thread::spawn(move || drop(serve(stream, &kept)));
            }
        });
        inbox
    }
}

fn serve(mut stream: TcpStream, kept: &Kept) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut len = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                len = text.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; len];
        reader.read_exact(&mut body)?;
        let request = kept.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if request.is_multiple_of(kept.refused_each) {
            stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")?;
        } else {
            kept.bodies.lock().push(body);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")?;
        }
    }
}

/// Moves all messages by `utility` from a cluster in trouble to wherever `own` flags say.
fn forward(ledger: &Ledger, utility: &str, own: &[&str]) {
    let bench = Bench::new();
    let mut cluster = Cluster::start();
    cluster.create_channel("t", utility);
    let flags = cluster.flags();
    let mut flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    flags.extend(["--topic=t", "--status-every=200"]);
    flags.extend(own);
    bench.publish(&cluster.nsqds[0], "t", &ledger.lines(0, 3));
    let killed = bench.start(utility, &flags);
    killed.log().await_line("[aggregate]: finished 200 - 99th: ");
    killed.signal(Signal::KILL);
    killed.wait();
    let forwarder = bench.start(utility, &flags);
    bench.publish(&cluster.nsqds[1], "t", &ledger.lines(1, 3));
    cluster.restart_nsqd(0);
    cluster.restart_nsqlookupd();
    bench.publish(&cluster.nsqds[0], "t", &ledger.lines(2, 3));
    cluster.await_drained("t", utility);
    forwarder.signal(Signal::TERM);
    let exit = forwarder.wait();
    assert!(exit.status.success(), "{}", exit.stderr);
}

#[test]
fn http_servers_get_every_message() {
    let mut ledger = Ledger::open();
    let inbox = Inbox::open(ledger.count() / REFUSALS);
    let post = format!("--post={}", inbox.url);
    forward(&ledger, "nsq_to_http", &[&post, "-n=20"]);
    for body in inbox.kept.bodies.lock().iter() {
        ledger.enter(body);
    }
    ledger.close();
}

#[test]
fn other_nsqds_get_every_message() {
    let bench = Bench::new();
    let mut ledger = Ledger::open();
    let destinations = [(); 2].map(|()| Setup::new().time_limit(limit()).start());
    let flags = destinations
        .each_ref()
        .map(|nsqd| format!("--destination-nsqd-tcp-address={}", nsqd.tcp_address()));
    for nsqd in &destinations {
        nsqd.create_channel("copy", "c");
    }
    forward(
        &ledger,
        "nsq_to_nsq",
        &[&flags[0], &flags[1], "--destination-topic=copy"],
    );
    for (index, nsqd) in destinations.iter().enumerate() {
        let file = format!("out{index}");
        let flags = ["--topic=copy", "--channel=c", &tcp_flag(nsqd)];
        let tail = bench.start_redirected("nsq_tail", &flags, &format!(">{file}"));
        await_drained(std::slice::from_ref(nsqd), "copy", "c");
        tail.signal(Signal::TERM);
        assert!(tail.wait().status.success());
        let printed = std::fs::read(bench.path().join(file)).unwrap();
        assert!(!printed.is_empty(), "one of the destinations gets nothing");
        for line in printed.split_inclusive(|byte| *byte == b'\n') {
            ledger.enter(line.strip_suffix(b"\n").unwrap());
        }
    }
    ledger.close();
}

#[test]
fn a_server_that_redirects_for_ever_gets_no_message() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "nsq_to_http");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 4096]);
            let answer =
                "HTTP/1.1 307 Elsewhere\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    bench.publish(&nsqd, "t", b"1\n");
    let forwarder = bench.start(
        "nsq_to_http",
        &["--topic=t", &format!("--post={url}"), &tcp_flag(&nsqd)],
    );
    forwarder.log().await_line(&format!(
        "Handler returned error (Post {url:?}: stopped after 10 redirects) for msg "
    ));
    nsqd.await_channel(
        "t",
        "nsq_to_http",
        &json!({"deferred_count": 1, "in_flight_count": 0}),
    );
    forwarder.signal(Signal::TERM);
    assert!(forwarder.wait().status.success());
}

#[test]
fn a_destination_that_is_down_costs_no_message() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "nsq_to_nsq");
    let destination = Nsqd::start();
    let address = destination.tcp_address();
    destination.stop();
    bench.publish(&nsqd, "t", b"{\"a\":1}\n{\"b\":1}\n");
    let forwarder = bench.start(
        "nsq_to_nsq",
        &[
            "--topic=t",
            "--require-json-field=a",
            &format!("--destination-nsqd-tcp-address={address}"),
            &tcp_flag(&nsqd),
        ],
    );
    forwarder
        .log()
        .await_line("connect: connection refused) for msg ");
    nsqd.await_channel(
        "t",
        "nsq_to_nsq",
        &json!({"deferred_count": 1, "in_flight_count": 0, "depth": 0}),
    );
    forwarder.signal(Signal::TERM);
    assert!(forwarder.wait().status.success());
}

#[test]
fn a_server_that_hangs_is_given_up_in_time() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "nsq_to_http");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    bench.publish(&nsqd, "t", b"1\n");
    let forwarder = bench.start(
        "nsq_to_http",
        &[
            "--topic=t",
            "--http-client-request-timeout=200ms",
            &format!("--post={url}"),
            &tcp_flag(&nsqd),
        ],
    );
    forwarder.log().await_line(&format!(
        "Handler returned error (Post {url:?}: context deadline exceeded) for msg "
    ));
    nsqd.await_channel(
        "t",
        "nsq_to_http",
        &json!({"deferred_count": 1, "in_flight_count": 0}),
    );
    forwarder.signal(Signal::TERM);
    assert!(forwarder.wait().status.success());
}
