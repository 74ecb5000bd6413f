//! How nsqd ends: in time, in order, with everything it holds, whatever its peers do.

use std::time::Duration;

use nsq_tests::http::{Response, request};
use nsq_tests::{Nsqd, Peer, Stopped, command, deviates};
use rustix::process::Signal;
use serde_json::json;

/// No stop may take longer.
const LIMIT: Duration = Duration::from_secs(5);

#[track_caller]
fn expect_clean_and_in_time(stopped: &Stopped) {
    assert!(stopped.exit.status.success(), "{:?}", stopped.exit);
    assert!(
        stopped.exit.took < LIMIT,
        "took {:?}\n{}",
        stopped.exit.took,
        stopped.exit.stderr
    );
    assert!(
        stopped.exit.stderr.ends_with(" INFO: NSQ: bye\n"),
        "{}",
        stopped.exit.stderr
    );
}

#[test]
fn sigterm_and_sigint_end_it_cleanly() {
    for signal in [Signal::TERM, Signal::INT] {
        expect_clean_and_in_time(&Nsqd::start().end(signal));
    }
}

#[test]
fn further_signals_meanwhile_change_nothing() {
    let nsqd = Nsqd::start();
    nsqd.publish("t", "hi");
    for _ in 0..3 {
        nsqd.process().signal(Signal::TERM);
    }
    expect_clean_and_in_time(&nsqd.end(Signal::INT));
}

#[test]
fn a_user_signal_is_ignored() {
    let nsqd = Nsqd::start();
    nsqd.process().signal(Signal::USR1);
    nsqd.publish("t", "hi");
    expect_clean_and_in_time(&nsqd.stop());
}

#[test]
fn the_steps_are_logged_in_their_order() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    for body in ["0", "1", "2"] {
        nsqd.publish("t", body);
    }
    consumer.expect_message();
    let mut publisher = nsqd.connect();
    publisher.send(command::deferred_publish("t", 3_600_000, "late"));
    publisher.expect_ok();
    nsqd.await_channel(
        "t",
        "c",
        &json!({"depth": 2, "in_flight_count": 1, "deferred_count": 1}),
    );
    let (tcp, http) = (nsqd.tcp_address(), nsqd.http_address());
    let metadata = nsqd.setup().data_path().join("nsqd.dat").display().to_string();

    let stopped = nsqd.stop();
    let log = &stopped.exit.stderr;
    let mut rest = log.as_str();
    for step in [
        &format!("INFO: TCP: closing {tcp}\n"),
        &format!("INFO: HTTP: closing {http}\n"),
        &format!("INFO: NSQ: persisting topic/channel metadata to {metadata}\n"),
        "INFO: NSQ: closing topics\n",
        "INFO: TOPIC(t): closing\n",
        "INFO: CHANNEL(c): closing\n",
        "INFO: CHANNEL(c): flushing 2 memory 1 in-flight 1 deferred messages to backend\n",
        "INFO: NSQ: stopping subsystems\n",
        "INFO: NSQ: bye\n",
    ] {
        let Some((_, behind)) = rest.split_once(step) else {
            panic!("{step:?} is not next in:\n{log}")
        };
        rest = behind;
    }
    assert_eq!(rest, "");
}

#[test]
fn clients_see_the_end_of_the_stream_and_no_farewell() {
    let nsqd = Nsqd::start();
    let mut idle = nsqd.connect();
    idle.identify("{}");
    let mut consumer = nsqd.consumer("t", "c", 1);
    consumer.expect_nothing_before_ok("probe");
    let mut http = nsqd.http().connect();
    http.send(request("GET", "/ping", ""));
    Response::read(&mut http).expect_text(200, "OK");
    let address = nsqd.tcp_address();

    expect_clean_and_in_time(&nsqd.stop());
    for peer in [&mut idle, &mut consumer, &mut http] {
        peer.expect_closed();
    }
    std::net::TcpStream::connect(address).unwrap_err();
}

#[test]
fn a_hundred_thousand_messages_are_kept_in_time() {
    const BATCHES: usize = 100;
    let nsqd = Nsqd::with(&["--mem-queue-size=1000000"]);
    nsqd.create_channel("t", "a");
    nsqd.create_channel("t", "b");
    let mut publisher = nsqd.connect();
    let batch = command::multi_publish("t", &vec![[b'x'; 100]; 500]);
    for _ in 0..BATCHES {
        publisher.send(&batch);
        publisher.expect_ok();
    }
    for channel in ["a", "b"] {
        nsqd.await_channel("t", channel, &json!({"depth": BATCHES * 500, "backend_depth": 0}));
    }

    let stopped = nsqd.stop();
    expect_clean_and_in_time(&stopped);
    let nsqd = stopped.restart();
    for channel in ["a", "b"] {
        nsqd.await_channel("t", channel, &json!({"depth": BATCHES * 500}));
    }
}

#[test]
fn peers_that_never_spoke_hold_nothing_up() {
    deviates!(SilentPeersDoNotHoldShutdown);
    let nsqd = Nsqd::start();
    let mut silent: Vec<Peer> = (0..20).map(|_| Peer::connect(nsqd.tcp_address())).collect();
    silent[0].send(b"  ");
    // A later connection that works shows that the silent ones have been accepted.
    nsqd.publish("t", "hi");

    expect_clean_and_in_time(&nsqd.stop());
    for peer in &mut silent {
        peer.expect_closed();
    }
}

#[test]
fn peers_in_the_middle_of_something_hold_nothing_up() {
    let nsqd = Nsqd::start();
    let scripts: [&[u8]; 6] = [
        b"SUB t",
        b"PUB t\n\0\0",
        b"PUB t\n\0\0\x10\0abc",
        b"MPUB t\n\0\0\x10\0\0\0\0\x02\0\0\0\x01x",
        b"IDENTIFY\n\0\0\0\x10{",
        b"",
    ];
    let mut peers: Vec<Peer> = scripts
        .iter()
        .map(|script| {
            let mut peer = nsqd.connect();
            // The answer shows that the connection is known.
            peer.publish("t", "hi");
            peer.send(script);
            peer
        })
        .collect();
    let mut requests: Vec<Peer> = [
        "",
        "GET /pi",
        "GET /ping HTTP/1.1\r\nHost",
        "POST /pub?topic=t HTTP/1.1\r\nHost: nsqd\r\nContent-Length: 5\r\n\r\nhi",
    ]
    .iter()
    .map(|request| {
        let mut peer = nsqd.http().connect();
        peer.send(request);
        peer
    })
    .collect();
    nsqd.publish("t", "hi");

    expect_clean_and_in_time(&nsqd.stop());
    for peer in peers.iter_mut().chain(&mut requests) {
        peer.read_to_close(LIMIT);
    }
}

#[test]
fn consumers_that_do_not_read_hold_nothing_up() {
    let nsqd = Nsqd::start();
    let mut publisher = nsqd.connect();
    for _ in 0..32 {
        publisher.publish("t", vec![b'x'; 1_000_000]);
    }
    let stalled: Vec<Peer> = (0..3).map(|_| nsqd.consumer("t", "c", 2500)).collect();
    nsqd.await_stats(|stats| {
        let in_flight = stats["topics"][0]["channels"][0]["in_flight_count"].as_u64()?;
        (in_flight > 0).then_some(())
    });

    let stopped = nsqd.stop();
    expect_clean_and_in_time(&stopped);
    drop(stalled);
    let nsqd = stopped.restart();
    nsqd.await_channel("t", "c", &json!({"depth": 32}));
}

#[test]
fn publishers_at_work_lose_nothing_that_was_acknowledged() {
    let nsqd = Nsqd::with(&["--mem-queue-size=50"]);
    nsqd.create_channel("t", "c");
    let address = nsqd.tcp_address();
    let publishers: Vec<_> = (0..3)
        .map(|_| {
            let mut peer = Peer::connect_v2(address);
            std::thread::spawn(move || {
                let mut acknowledged = 0_u64;
                // Ends with the connection: with an error frame, the end of the stream, or a reset.
                loop {
                    peer.send_if_open(command::publish("t", "hi"));
                    let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| peer.read_frame()));
                    match answer {
                        Ok(frame) if frame.data == b"OK" => acknowledged += 1,
                        _ => return acknowledged,
                    }
                }
            })
        })
        .collect();
    nsqd.await_stats(|stats| {
        let count = stats["topics"][0]["message_count"].as_u64()?;
        (count > 500).then_some(())
    });

    let stopped = nsqd.stop();
    expect_clean_and_in_time(&stopped);
    let acknowledged: u64 = publishers
        .into_iter()
        .map(|publisher| publisher.join().unwrap())
        .sum();
    let nsqd = stopped.restart();
    let found = nsqd.await_stats(|stats| {
        let topic = &stats["topics"][0];
        let channel = &topic["channels"][0];
        (topic["depth"] == json!(0))
            .then(|| channel["depth"].as_u64())
            .flatten()
    });
    assert!(
        found >= acknowledged,
        "{acknowledged} messages were acknowledged, {found} were kept"
    );
}
