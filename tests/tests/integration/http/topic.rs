//! `POST /topic/*`; what the actions do to messages is in `delivery`.

use nsq_tests::Nsqd;
use serde_json::json;

use super::expect_errors;

const ACTIONS: &[&str] = &["create", "delete", "empty", "pause", "unpause"];

#[test]
fn every_action_succeeds_with_an_empty_answer_and_may_be_repeated() {
    let nsqd = Nsqd::start();
    for action in [
        "create", "create", "pause", "pause", "unpause", "unpause", "empty", "empty", "delete",
    ] {
        let response = nsqd.http().post(&format!("/topic/{action}?topic=t"), "");
        response.expect_empty(200);
        response.expect_nsq_content_type();
    }
    nsqd.await_no_topic("t");
}

#[test]
fn a_body_is_ignored() {
    let nsqd = Nsqd::start();
    nsqd.http()
        .post("/topic/create?topic=t", "x".repeat(100_000))
        .expect_empty(200);
}

#[test]
fn every_action_needs_a_topic() {
    let nsqd = Nsqd::start();
    for action in ACTIONS {
        expect_errors(
            nsqd.http(),
            &[
                (&format!("/topic/{action}"), 400, "MISSING_ARG_TOPIC"),
                (&format!("/topic/{action}?channel=c"), 400, "MISSING_ARG_TOPIC"),
                (&format!("/topic/{action}?topic=a%zz"), 400, "INVALID_REQUEST"),
            ],
        );
    }
}

#[test]
fn create_and_empty_validate_the_name_and_the_others_do_not_find_it() {
    let nsqd = Nsqd::start();
    for name in ["", "bad%20name", "%23ephemeral", "a%2Fb", "%FF"] {
        for action in ["create", "empty"] {
            expect_errors(
                nsqd.http(),
                &[(&format!("/topic/{action}?topic={name}"), 400, "INVALID_TOPIC")],
            );
        }
        for action in ["delete", "pause", "unpause"] {
            expect_errors(
                nsqd.http(),
                &[(&format!("/topic/{action}?topic={name}"), 404, "TOPIC_NOT_FOUND")],
            );
        }
    }
}

#[test]
fn only_create_creates() {
    let nsqd = Nsqd::start();
    for action in ["delete", "empty", "pause", "unpause"] {
        expect_errors(
            nsqd.http(),
            &[(&format!("/topic/{action}?topic=missing"), 404, "TOPIC_NOT_FOUND")],
        );
    }
    assert_eq!(nsqd.stats()["topics"], json!([]));
}

#[test]
fn pause_shows_in_the_statistics() {
    let nsqd = Nsqd::start();
    nsqd.create_topic("t");
    nsqd.await_topic("t", &json!({"paused": false}));
    nsqd.topic_action("pause", "t");
    nsqd.await_topic("t", &json!({"paused": true}));
    nsqd.topic_action("unpause", "t");
    nsqd.await_topic("t", &json!({"paused": false}));
}
