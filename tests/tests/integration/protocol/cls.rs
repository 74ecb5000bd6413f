//! `CLS`: a consumer that says goodbye.

use nsq_tests::Nsqd;
use serde_json::json;

#[test]
fn cls_is_answered_and_stops_deliveries() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 10);
    // The answer to the probe shows that RDY has been applied.
    consumer.expect_nothing_before_ok("probe");

    consumer.send("CLS\n");
    consumer.expect_response("CLOSE_WAIT");
    nsqd.publish("t", "hi");
    nsqd.await_channel("t", "c", &json!({"depth": 1, "in_flight_count": 0}));
    consumer.expect_nothing_before_ok("probe");
    let channel = nsqd.await_channel("t", "c", &json!({"client_count": 1}));
    assert_eq!(channel["clients"][0]["state"], json!(4));
    assert_eq!(channel["clients"][0]["ready_count"], json!(0));
}

#[test]
fn what_is_in_flight_may_still_be_answered_and_the_connection_stays_open() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 2);
    for body in ["0", "1"] {
        nsqd.publish("t", body);
    }
    let messages = consumer.expect_messages(2);

    consumer.send("CLS\n");
    consumer.expect_response("CLOSE_WAIT");
    consumer.send(messages[0].touch());
    consumer.send(messages[0].fin());
    consumer.send(messages[1].req(0));
    consumer.send("NOP\n");
    consumer.expect_nothing_before_ok("probe");
    nsqd.await_channel(
        "t",
        "c",
        &json!({"depth": 1, "in_flight_count": 0, "requeue_count": 1, "client_count": 1}),
    );
}

#[test]
fn rdy_after_cls_is_ignored_whatever_it_says() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 0);
    nsqd.publish("t", "hi");

    consumer.send("CLS\n");
    consumer.expect_response("CLOSE_WAIT");
    consumer.send("RDY 1\nRDY x\nRDY 99999\nRDY\n");
    consumer.expect_nothing_before_ok("probe");
    nsqd.log()
        .await_lines("ignoring RDY after CLS in state ClientStateV2Closing", 4);
}

#[test]
fn a_second_cls_is_fatal() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 0);

    consumer.send("CLS\n");
    consumer.expect_response("CLOSE_WAIT");
    consumer.send("CLS\n");
    consumer.expect_fatal("E_INVALID cannot CLS in current state");
}
