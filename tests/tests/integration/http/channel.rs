//! `POST /channel/*`; what the actions do to messages is in `delivery`.

use nsq_tests::Nsqd;
use serde_json::json;

use super::expect_errors;

const ACTIONS: &[&str] = &["create", "delete", "empty", "pause", "unpause"];

#[test]
fn every_action_succeeds_with_an_empty_answer_and_may_be_repeated() {
    let nsqd = Nsqd::start();
    nsqd.create_topic("t");
    for action in [
        "create", "create", "pause", "pause", "unpause", "unpause", "empty", "empty", "delete",
    ] {
        let response = nsqd
            .http()
            .post(&format!("/channel/{action}?topic=t&channel=c"), "");
        response.expect_empty(200);
        response.expect_nsq_content_type();
    }
    nsqd.await_no_channel("t", "c");
}

#[test]
fn every_action_checks_in_the_same_order() {
    let nsqd = Nsqd::start();
    nsqd.create_topic("t");
    for action in ACTIONS {
        let rows = [
            ("topic=a%zz&channel=c", 400, "INVALID_REQUEST"),
            ("", 400, "MISSING_ARG_TOPIC"),
            ("channel=c", 400, "MISSING_ARG_TOPIC"),
            ("topic=", 400, "INVALID_ARG_TOPIC"),
            ("topic=&channel=c", 400, "INVALID_ARG_TOPIC"),
            ("topic=bad%20name&channel=bad%20name", 400, "INVALID_ARG_TOPIC"),
            ("topic=t", 400, "MISSING_ARG_CHANNEL"),
            ("topic=missing", 400, "MISSING_ARG_CHANNEL"),
            ("topic=t&channel=", 400, "INVALID_ARG_CHANNEL"),
            ("topic=missing&channel=b%20", 400, "INVALID_ARG_CHANNEL"),
            ("topic=missing&channel=c", 404, "TOPIC_NOT_FOUND"),
        ];
        for (query, status, code) in rows {
            expect_errors(
                nsqd.http(),
                &[(&format!("/channel/{action}?{query}"), status, code)],
            );
        }
    }
    for action in ["delete", "empty", "pause", "unpause"] {
        let target = format!("/channel/{action}?topic=t&channel=missing");
        expect_errors(nsqd.http(), &[(&target, 404, "CHANNEL_NOT_FOUND")]);
    }
    nsqd.await_topic("t", &json!({"channels": []}));
    assert_eq!(
        nsqd.stats()["topics"].as_array().unwrap().len(),
        1,
        "no topic was created on the way"
    );
}

#[test]
fn pause_shows_in_the_statistics() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    nsqd.await_channel("t", "c", &json!({"paused": false}));
    nsqd.channel_action("pause", "t", "c");
    nsqd.await_channel("t", "c", &json!({"paused": true}));
    nsqd.channel_action("unpause", "t", "c");
    nsqd.await_channel("t", "c", &json!({"paused": false}));
}
