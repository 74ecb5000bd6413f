//! Answers that have expired.
//!
//! Heartbeats of one second are the clock here: two of them outlast an answer that was given between IDENTIFY and
//! the first.

use nsq_tests::auth_server::AuthServer;
use nsq_tests::{Nsqd, Peer, command};

use super::{auth, everything_for, guarded_by, logged_in};

/// A client with heartbeats that has been let in for a second, and that second is over.
#[track_caller]
fn expired(nsqd: &Nsqd) -> Peer {
    let mut peer = nsqd.connect();
    peer.identify(r#"{"heartbeat_interval":1000}"#);
    peer.send(auth("secret"));
    peer.read_response();
    outlast_a_second(&mut peer);
    peer
}

#[track_caller]
fn outlast_a_second(peer: &mut Peer) {
    for _ in 0..2 {
        peer.expect_heartbeat();
        peer.send("NOP\n");
    }
}

#[test]
fn an_answer_holds_for_its_time() {
    let server = AuthServer::answering(&everything_for(3600));
    let nsqd = guarded_by(&server);
    let mut peer = logged_in(&nsqd);
    for _ in 0..10 {
        peer.publish("t", "m");
    }
    assert_eq!(server.questions().len(), 1);
}

#[test]
fn the_next_command_asks_again_with_the_same_secret() {
    let server = AuthServer::answering(&everything_for(1));
    let nsqd = guarded_by(&server);
    let bodies = ["1", "2"];
    for (count, script) in [
        command::publish("t", "m"),
        command::deferred_publish("t", 1, "m"),
        command::multi_publish("t", &bodies),
        command::subscribe("t", "c").into_bytes(),
    ]
    .into_iter()
    .enumerate()
    {
        let mut peer = expired(&nsqd);
        peer.send(script);
        peer.expect_ok();
        let questions = server.questions();
        assert_eq!(questions.len(), 2 * (count + 1));
        let [.., first, again] = &questions[..] else {
            panic!("{questions:?}")
        };
        assert_eq!(first.line, again.line);
    }
}

#[test]
fn commands_that_arrive_together_are_answered_in_order_after_one_question() {
    let server = AuthServer::answering(&everything_for(1));
    let nsqd = guarded_by(&server);
    let mut peer = expired(&nsqd);
    server.answer(&everything_for(3600));
    let bodies = [vec![b'x'; 100_000], vec![b'y'; 100_000]];
    let script = [
        command::multi_publish("a", &bodies),
        command::publish("a", "3"),
        command::publish("b", "1"),
        command::deferred_publish("b", 0, "2"),
        command::subscribe("a", "c").into_bytes(),
        b"RDY 10\n".to_vec(),
    ];
    peer.send(script.concat());
    for _ in 0..5 {
        peer.expect_ok();
    }
    for body in [&bodies[0][..], &bodies[1], b"3"] {
        peer.expect_message_of(body, 1);
    }
    nsqd.await_topic("b", &serde_json::json!({"message_count": 2}));
    assert_eq!(server.questions().len(), 2);
}

#[test]
fn a_new_answer_replaces_the_old_one() {
    let server = AuthServer::answering(&everything_for(1));
    let nsqd = guarded_by(&server);
    let mut peer = expired(&nsqd);
    server
        .answer(r#"{"ttl":60,"authorizations":[{"topic":"^a$","channels":[""],"permissions":["publish"]}]}"#);
    peer.publish("a", "m");
    peer.send(command::publish("t", "m"));
    peer.expect_fatal(r#"E_UNAUTHORIZED AUTH failed for PUB on "t" """#);

    server.answer(&everything_for(1));
    let mut peer = expired(&nsqd);
    server.answer(r#"{"ttl":60,"authorizations":[]}"#);
    peer.send(command::multi_publish("t", &["m"]));
    peer.expect_fatal(r#"E_UNAUTHORIZED AUTH failed for MPUB on "t" """#);
}

#[test]
fn there_is_no_grace_when_no_server_answers() {
    let server = AuthServer::answering(&everything_for(1));
    let nsqd = guarded_by(&server);
    for script in [command::publish("t", "m"), command::multi_publish("t", &["m"])] {
        server.answer(&everything_for(1));
        let mut peer = expired(&nsqd);
        server.respond("500 Oops", "");
        peer.send(script);
        peer.expect_fatal("E_AUTH_FAILED AUTH failed");
    }
}

#[test]
fn who_consumes_goes_on_to() {
    let server = AuthServer::answering(&everything_for(1));
    let nsqd = guarded_by(&server);
    let mut peer = nsqd.connect();
    peer.identify(r#"{"heartbeat_interval":1000}"#);
    peer.send(auth("secret"));
    peer.read_response();
    peer.subscribe("t", "c");
    server.answer(r#"{"ttl":60,"authorizations":[]}"#);
    outlast_a_second(&mut peer);
    peer.ready(1);
    for body in ["1", "2"] {
        nsqd.http().post("/pub?topic=t", body).expect_text(200, "OK");
        let message = peer.expect_message_of(body, 1);
        peer.send(message.touch());
        peer.send(message.fin());
    }
    assert_eq!(server.questions().len(), 1);
}

#[test]
fn messages_are_delivered_while_a_server_thinks() {
    let server = AuthServer::answering(&everything_for(1));
    let nsqd = Nsqd::with(&[&server.flag(), "--http-client-request-timeout=30s"]);
    let mut peer = nsqd.connect();
    peer.identify(r#"{"heartbeat_interval":1000}"#);
    peer.send(auth("secret"));
    peer.read_response();
    peer.subscribe("t", "c");
    peer.ready(10);
    outlast_a_second(&mut peer);
    server.fall_silent();
    peer.send(command::publish("other", "m"));
    server.await_questions(2);
    nsqd.http().post("/pub?topic=t", "1").expect_text(200, "OK");
    peer.expect_message_of("1", 1);
    peer.expect_heartbeat();
    server.answer(&everything_for(60));
    peer.expect_ok();
}
