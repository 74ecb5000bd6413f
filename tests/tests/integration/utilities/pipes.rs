//! `to_nsq` and `nsq_tail`: from a pipe to a pipe.

use std::fs;

use nsq_tests::Nsqd;
use rustix::process::Signal;
use serde_json::json;

use super::{Bench, Cluster, Ledger, tcp_flag};

#[test]
fn what_goes_into_one_pipe_comes_out_of_the_other() {
    let bench = Bench::new();
    let mut cluster = Cluster::start();
    cluster.create_channel("t", "tail");
    let mut ledger = Ledger::open();
    let flags = cluster.flags();
    let mut flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    flags.extend(["--topic=t", "--channel=tail", "--max-in-flight=500"]);

    bench.publish(&cluster.nsqds[0], "t", &ledger.lines(0, 3));
    let killed = bench.start_redirected("nsq_tail", &flags, ">killed");
    bench.await_bytes("killed");
    killed.signal(Signal::KILL);
    killed.wait();
    let tail = bench.start_redirected("nsq_tail", &flags, ">out");
    bench.publish(&cluster.nsqds[1], "t", &ledger.lines(1, 3));
    cluster.restart_nsqd(0);
    cluster.restart_nsqlookupd();
    bench.publish(&cluster.nsqds[0], "t", &ledger.lines(2, 3));
    cluster.await_drained("t", "tail");
    tail.signal(Signal::TERM);
    let exit = tail.wait();
    assert!(exit.status.success(), "{}", exit.stderr);

    for file in ["killed", "out"] {
        let printed = fs::read(bench.path().join(file)).unwrap();
        // What was killed may have been killed within a line.
        let end = printed
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        for line in printed[..end].split_inclusive(|byte| *byte == b'\n') {
            ledger.enter(line.strip_suffix(b"\n").unwrap());
        }
    }
    ledger.close();
}

#[test]
fn every_destination_gets_every_record() {
    let bench = Bench::new();
    let nsqds = [Nsqd::start(), Nsqd::start()];
    let [first, second] = nsqds.each_ref().map(tcp_flag);
    let exit = bench.pipe(
        "to_nsq",
        &["--topic=t", &first, &second, "--delimiter=,"],
        b"one,,two,three\n",
    );
    assert!(exit.status.success(), "{}", exit.stderr);
    for nsqd in &nsqds {
        let mut consumer = nsqd.consumer("t", "c", 3);
        for body in ["one", "two", "three"] {
            consumer.expect_message_of(body, 1);
        }
    }
}

#[test]
fn a_record_that_is_refused_takes_no_other_with_it() {
    let bench = Bench::new();
    let nsqd = Nsqd::with(&["--max-msg-size=100"]);
    let input = format!("one\ntwo\n{}\nthree\n", "x".repeat(101));
    let exit = bench.pipe("to_nsq", &["--topic=t", &tcp_flag(&nsqd)], input.as_bytes());
    assert_eq!(exit.status.code(), Some(1));
    assert!(
        exit.stderr
            .ends_with(" E_BAD_MESSAGE PUB message too big 101 > 100\n"),
        "{}",
        exit.stderr
    );
    nsqd.await_topic("t", &json!({"message_count": 2}));
}

#[test]
fn as_many_messages_as_wanted_are_shown_and_the_others_stay() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    bench.publish(&nsqd, "t", b"1\n2\n3\n4\n5\n");
    let flags = [
        "--topic=t",
        "--channel=c",
        "--print-topic",
        "-n",
        "2",
        &tcp_flag(&nsqd),
    ];
    let exit = bench.run("nsq_tail", &flags);
    assert!(exit.status.success(), "{}", exit.stderr);
    assert_eq!(exit.stdout, "t | 1\nt | 2\n");
    nsqd.await_channel("t", "c", &json!({"depth": 3, "in_flight_count": 0}));
}

#[test]
fn a_closed_pipe_ends_the_tail_and_loses_nothing_else() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    let exit = bench.start_redirected(
        "nsq_tail",
        &["--topic=t", "--channel=c", &tcp_flag(&nsqd)],
        ">/dev/full",
    );
    nsqd.await_channel("t", "c", &json!({"client_count": 1}));
    bench.publish(&nsqd, "t", b"1\n");
    let exit = exit.wait();
    assert_eq!(exit.status.code(), Some(1));
    assert!(
        exit.stderr
            .ends_with(" ERROR: failed to write to os.Stdout - write /dev/stdout: no space left on device\n"),
        "{}",
        exit.stderr
    );
    nsqd.await_channel("t", "c", &json!({"depth": 1, "in_flight_count": 0}));
}

#[test]
fn a_tail_that_would_delete_messages_says_so() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.publish("t", "1");
    let nsqlookupd = nsq_tests::Nsqlookupd::start();
    // The HTTP port of this nsqd is not the next one, so that only nsqlookupd knows it.
    let registered = nsq_tests::Setup::new()
        .flag(format!("--lookupd-tcp-address={}", nsqlookupd.tcp_address()))
        .start();
    registered.publish("t", "1");
    registered.publish("with_channel", "1");
    registered.create_channel("with_channel", "c");
    nsqlookupd
        .log()
        .await_line("REGISTER category:channel key:with_channel subkey:c");
    let lookupd = format!("--lookupd-http-address={}", nsqlookupd.http().address());
    let warning = "WARNING: topic t has no channel and holds 1 messages: they are deleted when this nsq_tail, whose \
                   channel is ephemeral, ends";
    let exit = bench.run("nsq_tail", &["--topic=t", "-n", "1", &lookupd]);
    assert_eq!((exit.status.code(), exit.stdout.as_str()), (Some(0), "1\n"));
    assert!(exit.stderr.contains(warning), "{}", exit.stderr);

    let tail = bench.start("nsq_tail", &["--topic=with_channel", &lookupd]);
    registered.await_stats(|stats| stats.to_string().contains("#ephemeral").then_some(()));
    assert!(!tail.log().contains("WARNING"));
    tail.signal(Signal::INT);
    assert!(tail.wait().status.success());
}
