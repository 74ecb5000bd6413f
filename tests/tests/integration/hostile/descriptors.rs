//! A process that runs out of descriptors: connections wait, and what is served is served as ever.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use nsq_tests::process::Process;
use nsq_tests::{Peer, Setup, deviates, program};

/// An nsqd that may have 64 files open, and its address.
fn start(setup: &Setup, flags: &str) -> (Process, SocketAddr) {
    let command = format!(
        "ulimit -n 64 && exec '{}' --tcp-address=127.0.0.1:0 --http-address=127.0.0.1:0 --data-path='{}' {flags}",
        program::nsqd().display(),
        setup.data_path().display()
    );
    let process = Process::start("/bin/sh".as_ref(), setup.data_path(), &["-c", &command]);
    let address = process.log().await_line(" TCP: listening on ");
    let (_, address) = address.split_once("listening on ").unwrap();
    let address = address.parse().unwrap();
    process.log().await_line(" HTTP: listening on ");
    (process, address)
}

fn crowd(address: SocketAddr) -> Vec<Peer> {
    let mut crowd: Vec<Peer> = (0..100).map(|_| Peer::connect_v2(address)).collect();
    for peer in &mut crowd {
        peer.send_if_open("NOP\n");
    }
    crowd
}

/// What the process has used of the processors, in hundredths of a second.
fn cpu_ticks(process: &Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    // The name of the program stands in parentheses and may contain anything; 12 and 13 behind it are the times.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields = fields.split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[test]
fn connections_beyond_the_limit_wait_and_the_others_go_on() {
    let setup = Setup::new();
    let (_process, address) = start(&setup, "");
    let mut first = Peer::connect_v2(address);
    first.publish("t", "before");
    let mut crowd = crowd(address);
    first.publish("t", "meanwhile");
    crowd.clear();
    let mut later = Peer::connect_v2(address);
    later.publish("t", "after");
}

#[test]
fn files_are_written_and_read_meanwhile() {
    deviates!(DescriptorsAreReserved);
    let setup = Setup::new();
    let (process, address) = start(&setup, "--mem-queue-size=0 --max-bytes-per-file=100");
    let mut publisher = Peer::connect_v2(address);
    let mut consumer = Peer::connect_v2(address);
    consumer.subscribe("t", "c");
    let crowd = crowd(address);
    process.log().await_line("accepts no more connections");

    for topic in ["t", "u", "v", "w"] {
        for body in ["1", "2", "3", "4", "5", "6", "7", "8"] {
            publisher.publish(topic, body);
        }
    }
    consumer.ready(1);
    for body in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        let message = consumer.expect_message_of(body, 1);
        consumer.send(message.fin());
    }
    let bad: Vec<_> = setup
        .files()
        .into_iter()
        .filter(|name| name.contains(".bad"))
        .collect();
    assert_eq!(bad, [""; 0]);
    drop(crowd);
    Peer::connect_v2(address).publish("t", "after");
}

#[test]
fn waiting_costs_neither_time_nor_log() {
    deviates!(DescriptorsAreReserved);
    let setup = Setup::new();
    let (process, address) = start(&setup, "");
    let mut crowd = crowd(address);
    process.log().await_line("accepts no more connections");
    // Clients that were accepted before may still be logged.
    let about_accepting = || {
        let lines = process.log().lines();
        lines.iter().filter(|line| line.contains("accept")).count()
    };
    let before = (cpu_ticks(&process), about_accepting());
    let waiting = crowd.last_mut().unwrap();
    waiting.expect_silence(Duration::from_secs(2));
    let ticks = cpu_ticks(&process) - before.0;
    assert!(ticks < 20, "used {ticks} hundredths of a second");
    let lines = about_accepting() - before.1;
    assert!(lines < 10, "logged {lines} lines");
}
