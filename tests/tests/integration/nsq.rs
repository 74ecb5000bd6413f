//! nsqlookupd, nsqd and nsqadmin in one process.

use std::fs;

use nsq_tests::process::Exit;
use nsq_tests::{Nsq, Peer, program};
use rustix::process::Signal;
use tempfile::TempDir;

#[test]
fn what_is_published_is_found_and_consumed_and_outlives_the_process() {
    let home = TempDir::new().unwrap();
    let data_path = home.path().join("share/nsq");
    let nsq = Nsq::start(&data_path);
    nsq.nsqd().post("/topic/create?topic=test", "").expect_empty(200);
    nsq.nsqd()
        .post("/channel/create?topic=test&channel=c", "")
        .expect_empty(200);
    nsq.nsqd().post("/pub?topic=test", "hello").expect_text(200, "OK");
    nsq.nsqd().post("/pub?topic=test", "again").expect_text(200, "OK");

    let port = nsq.nsqd_tcp().port();
    let found = nsq.await_told("/lookup?topic=test", &format!("\"tcp_port\":{port},"));
    assert!(
        found.text().contains("\"broadcast_address\":\"127.0.0.1\""),
        "{found:?}"
    );

    let nodes = nsq.nsqadmin().get("/api/nodes");
    assert!(
        nodes.text().contains("\"broadcast_address\":\"127.0.0.1\""),
        "{nodes:?}"
    );
    assert!(nsq.nsqadmin().get("/").text().contains("<html"), "the page");

    let mut consumer = Peer::connect_v2(nsq.nsqd_tcp());
    consumer.subscribe("test", "c");
    consumer.ready(1);
    let message = consumer.expect_message_of("hello", 1);
    consumer.ready(0);
    consumer.send(message.fin());
    // Answered behind the FIN.
    consumer.publish("other", "x");

    let exit = nsq.end(Signal::INT);
    assert!(exit.status.success(), "{exit:?}");
    assert_eq!(exit.stderr, "");
    consumer.expect_closed();

    let nsq = Nsq::start(&data_path);
    let mut consumer = Peer::connect_v2(nsq.nsqd_tcp());
    consumer.subscribe("test", "c");
    consumer.ready(1);
    consumer.expect_message_of("again", 1);
    assert!(nsq.end(Signal::TERM).status.success());
}

#[test]
fn it_says_where_everything_is_and_a_command_to_try() {
    let home = TempDir::new().unwrap();
    let nsq = Nsq::start(home.path());
    let nsqd_http = nsq.nsqd().address();
    let lines = nsq.process().output().lines();
    assert!(lines[0].starts_with("nsq v1.3.0 (built w/"), "{lines:?}");
    assert_eq!(
        lines[4..],
        [
            format!("  data        {}", home.path().display()),
            format!("Publish a message: curl -d hello 'http://{nsqd_http}/pub?topic=test'"),
            "Stop with Ctrl-C.".to_owned(),
        ]
    );
}

/// Asserts that it has not started, for a reason that it tells in one line.
#[track_caller]
fn expect_one_line(exit: &Exit, line: &str) {
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    assert_eq!(exit.stdout, "");
    assert_eq!(exit.stderr.lines().count(), 1, "{exit:?}");
    assert!(exit.stderr.starts_with("[nsq] "), "{exit:?}");
    assert!(
        exit.stderr
            .ends_with(&format!(" FATAL: failed to start - {line}\n")),
        "{exit:?}"
    );
}

#[test]
fn a_port_in_use_is_told_with_the_way_out() {
    let home = TempDir::new().unwrap();
    let nsq = Nsq::start(home.path());
    for (program, flag, address, way_out) in [
        ("nsqd", "tcp-port", nsq.nsqd_tcp(), "tcp-port or -http-port"),
        (
            "nsqd",
            "http-port",
            nsq.nsqd().address(),
            "tcp-port or -http-port",
        ),
        (
            "nsqlookupd",
            "http-port",
            nsq.nsqlookupd().address(),
            "tcp-port or -http-port",
        ),
        ("nsqadmin", "http-port", nsq.nsqadmin().address(), "http-port"),
    ] {
        let other = TempDir::new().unwrap();
        let exit = Nsq::run(other.path(), &[&format!("--{program}-{flag}={}", address.port())]);
        expect_one_line(
            &exit,
            &format!(
                "{program}: listen ({address}) failed - listen tcp {address}: bind: address already in use; end what \
                 listens there, or choose another port with --{program}-{way_out}"
            ),
        );
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_data_directory_that_cannot_be_used_is_told_with_the_way_out() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    expect_one_line(
        &Nsq::run(&file.join("nsq"), &[]),
        &format!(
            "cannot make data directory {}/nsq: not a directory; --data-path names another",
            file.display()
        ),
    );

    let data_path = home.path().join("data");
    let _nsq = Nsq::start(&data_path);
    expect_one_line(
        &Nsq::run(&data_path, &[]),
        &format!(
            "failed to lock data-path: cannot flock directory {} - resource temporarily unavailable (possibly in use \
             by another instance of nsqd); --data-path names another",
            data_path.display()
        ),
    );
}

#[test]
fn a_bad_flag_is_told_before_anything_is_made() {
    let home = TempDir::new().unwrap();
    let data_path = home.path().join("data");
    let exit = Nsq::run(&data_path, &["--nope"]);
    assert_eq!(exit.status.code(), Some(2));
    assert!(
        exit.stderr
            .starts_with("flag provided but not defined: -nope\nUsage of nsq:\n"),
        "{exit:?}"
    );
    expect_one_line(
        &Nsq::run(&data_path, &["--nsqd-tcp-port=65536"]),
        "--nsqd-tcp-port must be [0,65535]",
    );
    assert!(!data_path.exists());
}

#[test]
fn every_user_has_a_data_directory_and_where_there_is_none_the_flag_is_asked_for() {
    let home = TempDir::new().unwrap();
    let output = std::process::Command::new(program::nsq())
        .env_remove("XDG_DATA_HOME")
        .env("HOME", "")
        .output()
        .unwrap();
    let exit = Exit {
        status: output.status,
        took: std::time::Duration::ZERO,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    expect_one_line(
        &exit,
        "there is no home directory, say where data is kept with --data-path",
    );
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}
