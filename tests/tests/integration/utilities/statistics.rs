//! `nsq_stat`: what it prints, beside the original where there is one.

use std::path::PathBuf;

use nsq_tests::process::Process;
use nsq_tests::{Nsqd, program};

use super::Bench;

const ROWS: &str = "\
------rate------+----------------depth----------------+--------------metadata---------------
ingress  egress |   total     mem    disk inflt   def |     req     t-o         msgs clients
      0       0 |       3       1       2     1     0 |       0       0            4       1
      0       0 |       3       1       2     1     0 |       0       0            4       1
";

#[test]
fn rows_are_those_of_the_original() {
    let bench = Bench::new();
    let nsqd = Nsqd::with(&["--mem-queue-size=1"]);
    nsqd.create_channel("t", "c");
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "0");
    consumer.expect_message_of("0", 1);
    for body in ["1", "2", "3"] {
        nsqd.publish("t", body);
    }
    let address = format!("--nsqd-http-address={}", nsqd.http_address());
    let flags = [
        "--topic=t",
        "--channel=c",
        "--interval=100ms",
        "--count=2",
        &address,
    ];
    let programs: Vec<PathBuf> = [
        Some(program::utility("nsq_stat")),
        program::reference_or_note("nsq_stat"),
    ]
    .into_iter()
    .flatten()
    .collect();
    for program in programs {
        let exit = Process::run(&program, bench.path(), &flags);
        assert_eq!(exit.status.code(), Some(0), "{}", exit.stderr);
        assert_eq!(exit.stdout, ROWS, "{}", program.display());
    }
}

#[test]
fn a_table_that_is_watched_names_every_node_and_needs_no_terminal() {
    let bench = Bench::new();
    let nsqds = [Nsqd::start(), Nsqd::start()];
    for nsqd in &nsqds {
        nsqd.create_channel("t", "c");
        nsqd.publish("t", "1");
    }
    let [first, second] = nsqds
        .each_ref()
        .map(|nsqd| format!("--nsqd-http-address={}", nsqd.http_address()));
    let flags = [
        "--topic=t",
        "--channel=c",
        "--watch",
        "--count=1",
        "--interval=50ms",
        &first,
        &second,
    ];
    let exit = bench.run("nsq_stat", &flags);
    assert_eq!(exit.status.code(), Some(0), "{}", exit.stderr);
    assert!(!exit.stdout.contains('\x1b'), "{}", exit.stdout);
    for nsqd in &nsqds {
        assert!(exit.stdout.contains(&nsqd.http_address().to_string()));
    }
    let total = exit
        .stdout
        .lines()
        .rfind(|line| line.starts_with("all "))
        .unwrap();
    let columns: Vec<&str> = total.split_whitespace().collect();
    assert_eq!(columns, ["all", "0", "0", "2", "0", "0", "0", "0", "0", "0"]);
}
