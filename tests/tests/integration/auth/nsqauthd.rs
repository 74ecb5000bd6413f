//! nsqauthd, alone and beside an nsqd.

use std::fs;

use nsq_tests::http::Response;
use nsq_tests::program::reference_or_note;
use nsq_tests::{Nsqauthd, Nsqd, Peer, Setup, command};
use rustix::process::Signal;
use tempfile::TempDir;

use super::auth;

const TOML: &str = r#"
[[identity]]
name = "shop"
secret = "hunter2"
networks = ["127.0.0.0/8"]

[[identity.allow]]
topic = "orders"
permissions = ["publish"]

[[identity]]
name = "billing"
url = "http://wiki/billing"
secret = "hunter3"

[[identity.allow]]
topic = "orders"
permissions = ["subscribe"]
channels = ["billing"]

[[identity]]
name = "vault"
secret = "hunter4"
tls_required = true

[[identity.allow]]
topic = ".*"
permissions = ["subscribe", "publish"]
"#;

const CSV: &str = "\
login,ip,tls_required,topic,channel,subscribe,publish
hunter2,127.0.0.1,false,^orders$,.*,subscribe,publish
";

/// A client that has presented this secret.
#[track_caller]
fn presenting(nsqd: &Nsqd, secret: &str) -> Peer {
    let mut peer = nsqd.connect();
    peer.send(auth(secret));
    peer
}

#[track_caller]
fn ask(authd: &Nsqauthd, secret: &str) -> Response {
    authd
        .http()
        .get(&format!("/auth?secret={secret}&remote_ip=127.0.0.1&tls=false"))
}

#[track_caller]
fn permission_count(authd: &Nsqauthd, secret: &str) -> usize {
    let answer = ask(authd, secret).expect_json(200);
    answer["authorizations"].as_array().unwrap().len()
}

#[test]
fn identities_of_a_file_may_do_what_it_says() {
    let authd = Nsqauthd::start("users.toml", TOML);
    let nsqd = Nsqd::with(&[&authd.flag(), "--auth-http-request-method=post"]);

    let mut shop = presenting(&nsqd, "hunter2");
    shop.expect_response(r#"{"identity":"shop","identity_url":"","permission_count":1}"#);
    shop.publish("orders", "1");
    let mut billing = presenting(&nsqd, "hunter3");
    billing.expect_response(
        r#"{"identity":"billing","identity_url":"http://wiki/billing","permission_count":1}"#,
    );
    billing.subscribe("orders", "billing");
    billing.ready(1);
    billing.expect_message_of("1", 1);

    shop.send(command::subscribe("orders", "billing"));
    shop.expect_fatal(r#"E_UNAUTHORIZED AUTH failed for SUB on "orders" "billing""#);
    billing.send(command::publish("orders", "2"));
    billing.expect_fatal(r#"E_UNAUTHORIZED AUTH failed for PUB on "orders" """#);
    for secret in ["hunter4", "hunter", "unknown"] {
        presenting(&nsqd, secret).expect_fatal("E_UNAUTHORIZED AUTH no authorizations found");
    }
}

#[test]
fn a_file_of_upstreams_server_is_read() {
    let authd = Nsqauthd::start("users.csv", CSV);
    let nsqd = Nsqd::with(&[&authd.flag()]);
    let mut peer = presenting(&nsqd, "hunter2");
    peer.expect_response(r#"{"identity":"","identity_url":"","permission_count":1}"#);
    peer.publish("orders", "1");
    peer.subscribe("orders", "billing");
}

#[test]
fn the_original_nsqd_takes_the_answers() {
    let Some(original) = reference_or_note("nsqd") else {
        return;
    };
    let authd = Nsqauthd::start("users.toml", TOML);
    for method in ["get", "post"] {
        let nsqd = Setup::new()
            .program(&original)
            .flag(authd.flag())
            .flag(format!("--auth-http-request-method={method}"))
            .start();
        let mut shop = presenting(&nsqd, "hunter2");
        shop.expect_response(r#"{"identity":"shop","identity_url":"","permission_count":1}"#);
        shop.publish("orders", "1");
        shop.send(command::publish("others", "1"));
        shop.expect_fatal(r#"E_UNAUTHORIZED AUTH failed for PUB on "others" """#);
        let mut billing = presenting(&nsqd, "hunter3");
        billing.expect_response(
            r#"{"identity":"billing","identity_url":"http://wiki/billing","permission_count":1}"#,
        );
        billing.subscribe("orders", "billing");
        billing.ready(1);
        billing.expect_message_of("1", 1);
        presenting(&nsqd, "hunter4").expect_fatal("E_UNAUTHORIZED AUTH no authorizations found");
    }
}

#[test]
fn a_file_that_changes_is_in_force_at_once() {
    let authd = Nsqauthd::start("users.csv", CSV);
    authd.log().await_line("users.csv: entries: 1");
    authd.replace(&format!("{CSV}new,,,t,c,subscribe,\n"));
    authd.log().await_line("users.csv: entries: 2");
    assert_eq!(permission_count(&authd, "new"), 1);
}

#[test]
fn a_signal_has_the_file_read_again() {
    let authd = Nsqauthd::start("users.csv", CSV);
    authd.signal(Signal::HUP);
    authd.log().await_lines("users.csv: entries: 1", 2);
    assert_eq!(permission_count(&authd, "hunter2"), 1);
}

#[test]
fn a_file_that_cannot_be_used_changes_nothing() {
    let authd = Nsqauthd::start("users.csv", CSV);
    authd.replace("nonsense\n");
    let line = authd.log().await_line("failed to read users.csv");
    assert!(
        line.ends_with("what was read before stays in force - line 1: there is no column login"),
        "{line}"
    );
    assert_eq!(permission_count(&authd, "hunter2"), 1);
}

#[test]
fn the_answers_are_those_of_the_contract() {
    let authd = Nsqauthd::start("users.toml", TOML);
    let http = authd.http();
    assert_eq!(http.get("/ping").body, b"OK");
    let expected = br#"{"ttl":3600,"identity":"billing","identity_url":"http://wiki/billing","authorizations":[{"topic":"^(?:orders)$","channels":["^(?:billing)$"],"permissions":["subscribe"]}]}"#;
    assert_eq!(ask(&authd, "hunter3").body, expected);
    for body in [
        r#"{"secret":"hunter3","remote_ip":"","tls":"true"}"#,
        r#"{"secret":["hunter3"],"remote_ip":["::1"],"tls":["false"],"common_name":[""]}"#,
    ] {
        assert_eq!(http.post("/auth", body).body, expected);
    }
    let form = "secret=hunter3&remote_ip=&tls=true";
    let request = format!(
        "POST /auth HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    assert_eq!(http.raw(request).body, expected);
}

#[test]
fn what_is_no_question_is_refused() {
    let authd = Nsqauthd::start("users.toml", TOML);
    let http = authd.http();
    for (target, status, body) in [
        ("/auth", 400, r#"{"message":"remote_ip is missing"}"#),
        (
            "/auth?secret=x&remote_ip=&tls=1",
            400,
            r#"{"message":"tls is neither true nor false"}"#,
        ),
        (
            "/auth?secret=%zz&remote_ip=&tls=true",
            400,
            r#"{"message":"the parameters are malformed"}"#,
        ),
        (
            "/auth?secret=&remote_ip=&tls=true",
            403,
            r#"{"message":"NOT_AUTHORIZED"}"#,
        ),
        ("/nope?secret=x", 404, r#"{"message":"NOT_FOUND"}"#),
    ] {
        let response = http.get(target);
        assert_eq!(response.status(), status, "{target}");
        assert_eq!(response.body, body.as_bytes(), "{target}");
    }
    assert_eq!(http.put("/auth", "").status(), 405);
    assert_eq!(http.post("/auth", vec![b'x'; 100_000]).status(), 413);
    assert_eq!(permission_count(&authd, "hunter3"), 1);
}

#[test]
fn nothing_that_is_logged_contains_a_secret() {
    let authd = Nsqauthd::start("users.toml", TOML);
    for secret in ["hunter2", "hunter5", "hunter%zz"] {
        ask(&authd, secret);
    }
    authd.http().get("/other?secret=hunter2");
    authd.http().post(
        "/auth",
        r#"{"secret":"hunter2","remote_ip":"10.0.0.1","tls":"false"}"#,
    );
    authd
        .log()
        .await_line("AUTH: 127.0.0.1 (tls: false, common name: \"\") is \"shop\" with 1 authorizations");
    authd
        .log()
        .await_line("AUTH: 10.0.0.1 (tls: false, common name: \"\") is not authorized");
    let exit = authd.stop();
    assert!(exit.status.success(), "{}", exit.status);
    assert!(!exit.stderr.contains("hunter"), "{}", exit.stderr);
}

#[test]
fn a_file_can_be_checked_without_serving() {
    let directory = TempDir::with_prefix("nsqauthd-").unwrap();
    let check = |name: &str, content: &str| {
        fs::write(directory.path().join(name), content).unwrap();
        Nsqauthd::run(directory.path(), &["--check", &format!("--data-file={name}")])
    };
    let exit = check("users.toml", TOML);
    assert_eq!(exit.status.code(), Some(0));
    assert_eq!(exit.stdout, "users.toml: entries: 3, authorizations: 3\n");
    let exit = check("users.csv", &format!("{CSV}x,,,t,c,,\n"));
    assert_eq!(exit.status.code(), Some(0));
    assert_eq!(
        exit.stdout,
        "line 3 permits neither to subscribe nor to publish\nusers.csv: entries: 1, authorizations: 1\n"
    );
    let exit = check("bad.csv", &format!("{CSV}x,host,,t,c,,\n"));
    assert_eq!((exit.status.code(), exit.stdout.as_str()), (Some(1), ""));
    assert!(
        exit.stderr
            .ends_with(" failed to read bad.csv - line 3: ip is neither an address nor a prefix\n"),
        "{}",
        exit.stderr
    );
}

#[test]
fn it_ends_as_the_other_programs_do() {
    let directory = TempDir::with_prefix("nsqauthd-").unwrap();
    let run = |flags: &[&str]| Nsqauthd::run(directory.path(), flags);
    let exit = run(&["--version"]);
    assert_eq!(exit.status.code(), Some(0));
    assert!(
        exit.stdout.starts_with("nsqauthd v1.3.0 (built w/"),
        "{}",
        exit.stdout
    );
    let exit = run(&["-h"]);
    assert_eq!(exit.status.code(), Some(0));
    assert!(exit.stderr.starts_with("Usage of nsqauthd:\n"), "{}", exit.stderr);
    let exit = run(&["--nope"]);
    assert_eq!(exit.status.code(), Some(2));
    assert!(
        exit.stderr.starts_with("flag provided but not defined: -nope\n"),
        "{}",
        exit.stderr
    );
    for (flags, line) in [
        (&[][..], "--data-file is required\n"),
        (&["--data-file=x", "--ttl=0"], "--ttl must be >0\n"),
        (
            &["--data-file=missing"],
            "FATAL: failed to read missing - No such file or directory (os error 2)\n",
        ),
    ] {
        let exit = run(flags);
        assert_eq!(exit.status.code(), Some(1));
        assert!(exit.stderr.ends_with(line), "{}", exit.stderr);
    }
}
