//! What an answer permits, and at which point of a command that is looked at.

use nsq_tests::auth_server::AuthServer;
use nsq_tests::command;

use super::{guarded_by, logged_in, only};

#[test]
fn what_is_not_permitted_is_named_and_creates_nothing() {
    let server = AuthServer::answering(&only(
        r#"{"topic":"^t$","channels":["^c$",""],"permissions":["subscribe","publish"]}"#,
    ));
    let nsqd = guarded_by(&server);
    for (script, error) in [
        (
            command::subscribe("other", "c").into_bytes(),
            r#"SUB on "other" "c""#,
        ),
        (command::publish("other", "x"), r#"PUB on "other" """#),
        (
            command::deferred_publish("other", 1, "x"),
            r#"DPUB on "other" """#,
        ),
        (command::multi_publish("other", &["x"]), r#"MPUB on "other" """#),
    ] {
        let mut peer = logged_in(&nsqd);
        peer.send(script);
        peer.expect_fatal(format!("E_UNAUTHORIZED AUTH failed for {error}"));
    }
    assert!(nsqd.stats()["topics"].as_array().unwrap().is_empty());
}

#[test]
fn a_channel_is_permitted_with_its_topic() {
    let server = AuthServer::answering(&only(
        r#"{"topic":"^a$","channels":["^c1$"],"permissions":["subscribe"]},
           {"topic":"^b$","channels":["^c2$"],"permissions":["subscribe"]}"#,
    ));
    let nsqd = guarded_by(&server);
    logged_in(&nsqd).subscribe("a", "c1");
    logged_in(&nsqd).subscribe("b", "c2");
    let mut peer = logged_in(&nsqd);
    peer.send(command::subscribe("a", "c2"));
    peer.expect_fatal(r#"E_UNAUTHORIZED AUTH failed for SUB on "a" "c2""#);
}

#[test]
fn patterns_match_anywhere_in_a_name() {
    let server = AuthServer::answering(&only(
        r#"{"topic":"pub","channels":[""],"permissions":["publish"]}"#,
    ));
    let nsqd = guarded_by(&server);
    let mut peer = logged_in(&nsqd);
    peer.publish("xpubx", "m");
    peer.send(command::publish("xpbx", "m"));
    peer.expect_fatal(r#"E_UNAUTHORIZED AUTH failed for PUB on "xpbx" """#);
}

#[test]
fn to_publish_a_channel_pattern_has_to_match_no_channel() {
    let server = AuthServer::answering("");
    let nsqd = guarded_by(&server);
    for (channels, permitted) in [
        ("", false),
        (r#""^c$""#, false),
        (r#""""#, true),
        (r#""^$""#, true),
        (r#""^c$",".*""#, true),
    ] {
        server.answer(&only(&format!(
            r#"{{"topic":"t","channels":[{channels}],"permissions":["publish"]}}"#
        )));
        let mut peer = logged_in(&nsqd);
        peer.send(command::publish("t", "m"));
        if permitted {
            peer.expect_ok();
        } else {
            peer.expect_fatal(r#"E_UNAUTHORIZED AUTH failed for PUB on "t" """#);
        }
    }
}

#[test]
fn the_right_to_publish_is_not_the_right_to_subscribe() {
    let server = AuthServer::answering(&only(
        r#"{"topic":".*","channels":[".*"],"permissions":["publish"]}"#,
    ));
    let nsqd = guarded_by(&server);
    let mut peer = logged_in(&nsqd);
    peer.send(command::subscribe("t", "c"));
    peer.expect_fatal(r#"E_UNAUTHORIZED AUTH failed for SUB on "t" "c""#);
    server.answer(&only(
        r#"{"topic":".*","channels":[".*"],"permissions":["subscribe"]}"#,
    ));
    let mut peer = logged_in(&nsqd);
    peer.send(command::publish("t", "m"));
    peer.expect_fatal(r#"E_UNAUTHORIZED AUTH failed for PUB on "t" """#);
}

#[test]
fn names_are_checked_before_rights() {
    let server = AuthServer::answering(&only(r#"{"topic":"^t$","channels":[],"permissions":[]}"#));
    let nsqd = guarded_by(&server);
    for (script, error) in [
        ("SUB $ c\n", r#"E_BAD_TOPIC SUB topic name "$" is not valid"#),
        ("SUB t $\n", r#"E_BAD_CHANNEL SUB channel name "$" is not valid"#),
        ("PUB $\n", r#"E_BAD_TOPIC PUB topic name "$" is not valid"#),
        ("DPUB t x\n", "E_INVALID DPUB could not parse timeout x"),
        (
            "MPUB $\n",
            r#"E_BAD_TOPIC E_BAD_TOPIC MPUB topic name "$" is not valid"#,
        ),
        ("PUB t\n\0\0\0\0", "E_BAD_MESSAGE PUB invalid message body size 0"),
    ] {
        for mut peer in [nsqd.connect(), logged_in(&nsqd)] {
            peer.send(script);
            peer.expect_fatal(error);
        }
    }
}

#[test]
fn a_multi_publish_is_refused_before_its_body_and_a_publish_after_it() {
    let server = AuthServer::answering("");
    let nsqd = guarded_by(&server);
    let mut peer = nsqd.connect();
    peer.send("MPUB t\n");
    peer.expect_fatal("E_AUTH_FIRST AUTH required before MPUB");

    let mut peer = nsqd.connect();
    peer.send("PUB t\n\0\0\0\x02a");
    peer.finish_sending();
    peer.expect_fatal("E_BAD_MESSAGE PUB failed to read message body");
}

#[test]
fn what_was_permitted_before_a_refusal_is_done_and_answered() {
    let server = AuthServer::answering(&only(
        r#"{"topic":"^t$","channels":[""],"permissions":["publish"]}"#,
    ));
    let nsqd = guarded_by(&server);
    let mut peer = logged_in(&nsqd);
    let script = [
        command::publish("t", "1"),
        command::publish("t", "2"),
        command::publish("other", "3"),
        command::publish("t", "4"),
    ];
    peer.send(script.concat());
    peer.expect_ok();
    peer.expect_ok();
    peer.expect_fatal(r#"E_UNAUTHORIZED AUTH failed for PUB on "other" """#);
    nsqd.await_topic("t", &serde_json::json!({"message_count": 2}));
}

#[test]
fn http_asks_for_no_rights() {
    let server = AuthServer::answering("");
    let nsqd = guarded_by(&server);
    nsqd.http().post("/pub?topic=t", "m").expect_text(200, "OK");
    assert!(server.questions().is_empty());
}
