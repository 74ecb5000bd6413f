//! Starting and stopping, and nsqds that want TLS.

use std::time::Duration;

use nsq_tests::pki::Pki;
use nsq_tests::process::Exit;
use nsq_tests::{Cluster, Nsqadmin};
use rustix::process::Signal;
use serde_json::json;

use super::{json, row};

#[test]
fn a_signal_ends_it_cleanly_whoever_looks() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders/billing");
    let admin = cluster.nsqadmin(&["--stats-interval=1s"]);
    admin.await_ext("topics", |data| {
        data["total"] == 1 && row(data, "orders")["nodes"] == 1
    });
    let _idle = admin.http().connect();
    let session = json(&admin.change("POST", "tail", &json!({"topic": "orders"})));
    let id = session["data"]["id"].as_str().unwrap();
    let _events = admin.events(&format!("/api/ext/tail/{id}"));
    // A hung node is waited for by nobody either.
    cluster.nsqds[0].process().signal(Signal::STOP);
    let exit = admin.end(Signal::TERM);
    assert!(exit.status.success(), "{exit:?}");
    assert!(exit.took < Duration::from_secs(6), "{exit:?}");
    assert!(exit.stderr.contains(" INFO: HTTP: closing "), "{exit:?}");
}

#[track_caller]
fn expect_failure(exit: &Exit, code: i32, part: &str) {
    assert_eq!(exit.status.code(), Some(code), "{exit:?}");
    assert!(exit.stderr.contains(part), "{exit:?}");
}

#[test]
fn what_cannot_be_started_is_told_in_the_words_of_the_original() {
    let fatal = |flags: &[&str], line: &str| {
        let line = format!("FATAL: failed to instantiate nsqadmin - {line}\n");
        expect_failure(&Nsqadmin::run(flags), 1, &line);
    };
    fatal(&[], "--nsqd-http-address or --lookupd-http-address required");
    fatal(
        &["--nsqd-http-address=a:1", "--lookupd-http-address=b:1"],
        "use --nsqd-http-address or --lookupd-http-address not both",
    );
    fatal(
        &["--lookupd-http-address=nocolon"],
        "failed to resolve --lookupd-http-address (nocolon) - address nocolon: missing port in address",
    );
    fatal(
        &["--nsqd-http-address=127.0.0.1:1", "--allow-config-from-cidr=bad"],
        "failed to parse --allow-config-from-cidr (bad) - invalid CIDR address: bad",
    );
    expect_failure(
        &Nsqadmin::run(&["-nope"]),
        2,
        "flag provided but not defined: -nope\nUsage of nsqadmin:\n",
    );
    let version = Nsqadmin::run(&["--version"]);
    assert!(
        version.stdout.starts_with("nsqadmin v1.3.0 (built w/"),
        "{version:?}"
    );
}

#[test]
fn an_nsqd_that_wants_tls_is_asked_over_tls() {
    let pki = Pki::new();
    let nsqd = pki.setup().flag("--tls-required").start();
    let address = format!("--nsqd-http-address=localhost:{}", nsqd.http_address().port());
    let authority = format!(
        "--http-client-tls-root-ca-file={}",
        pki.authority_file().display()
    );
    let trusting = Nsqadmin::with(&[&address, &authority]);
    trusting
        .http()
        .get("/api/topics")
        .expect_exact_json(200, r#"{"topics":[],"message":""}"#);
    let nodes = trusting.await_ext("nodes", |data| data["nodes"][0]["last_ok"].is_i64());
    assert_eq!(nodes["data"]["nodes"][0]["ok"], true);
    let wary = Nsqadmin::with(&[&address]);
    let refused = wary.http().get("/api/topics");
    assert_eq!(refused.status(), 502, "{refused:?}");
    assert!(refused.text().contains("tls: "), "{refused:?}");
}
