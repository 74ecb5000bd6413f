//! Topics, their channels, and the consumers of a channel.

use nsq_tests::{Nsqd, command};
use serde_json::json;

use super::{bodies, sorted_bodies};

#[test]
fn every_channel_gets_a_copy_of_every_message() {
    let nsqd = Nsqd::start();
    let mut consumers: Vec<_> = (0..5)
        .map(|index| nsqd.consumer("t", &format!("c{index}"), 10))
        .collect();
    let mut publisher = nsqd.connect();
    publisher.send(command::multi_publish("t", &["0", "1", "2"]));
    publisher.expect_ok();

    let received: Vec<_> = consumers
        .iter_mut()
        .map(|consumer| consumer.expect_messages(3))
        .collect();
    for messages in &received {
        assert_eq!(bodies(messages), ["0", "1", "2"]);
        assert_eq!(
            messages, &received[0],
            "the copies share id, timestamp and attempts"
        );
    }
}

#[test]
fn the_first_channel_gets_everything_that_waited_and_later_ones_only_what_follows() {
    let nsqd = Nsqd::start();
    nsqd.publish("t", "before");
    nsqd.await_topic("t", &json!({"depth": 1, "channels": []}));

    let mut first = nsqd.consumer("t", "first", 10);
    first.expect_message_of("before", 1);
    nsqd.await_topic("t", &json!({"depth": 0}));
    let mut second = nsqd.consumer("t", "second", 10);
    nsqd.publish("t", "after");
    first.expect_message_of("after", 1);
    second.expect_message_of("after", 1);
    nsqd.await_channel("t", "second", &json!({"message_count": 1, "depth": 0}));
}

#[test]
fn a_channel_created_over_http_gets_what_is_published_from_then_on() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    nsqd.publish("t", "hi");

    nsqd.await_channel("t", "c", &json!({"depth": 1, "client_count": 0}));
    nsqd.consumer("t", "c", 1).expect_message_of("hi", 1);
}

#[test]
fn the_consumers_of_a_channel_share_its_messages() {
    let nsqd = Nsqd::start();
    let mut consumers: Vec<_> = (0..4).map(|_| nsqd.consumer("t", "c", 1)).collect();
    let mut publisher = nsqd.connect();
    publisher.send(command::multi_publish("t", &["0", "1", "2", "3"]));
    publisher.expect_ok();

    // Each may hold one message only, so each must get one.
    let messages: Vec<_> = consumers
        .iter_mut()
        .map(nsq_tests::Peer::expect_message)
        .collect();
    assert_eq!(sorted_bodies(&messages), ["0", "1", "2", "3"]);
}

#[test]
fn a_topic_does_not_see_the_messages_of_another() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 10);

    nsqd.publish("other", "hi");
    consumer.expect_nothing_before_ok("probe");
    nsqd.await_topic("other", &json!({"depth": 1}));
    nsqd.await_channel("t", "c", &json!({"message_count": 0}));
}

#[test]
fn a_thousand_messages_reach_two_channels_with_two_consumers_each() {
    const COUNT: usize = 1000;
    let nsqd = Nsqd::with(&["--mem-queue-size=100"]);
    nsqd.create_channel("t", "a");
    nsqd.create_channel("t", "b");
    let mut publisher = nsqd.connect();
    let all: Vec<String> = (0..COUNT).map(|index| format!("{index:04}")).collect();
    for batch in all.chunks(100) {
        publisher.send(command::multi_publish("t", batch));
        publisher.expect_ok();
    }
    for channel in ["a", "b"] {
        // A ready count of half the messages leaves the other half to the other consumer.
        let mut consumers = [nsqd.consumer("t", channel, 500), nsqd.consumer("t", channel, 500)];
        let messages: Vec<_> = consumers
            .iter_mut()
            .flat_map(|consumer| consumer.expect_messages(COUNT / 2))
            .collect();
        assert_eq!(sorted_bodies(&messages), all);
        nsqd.await_channel(
            "t",
            channel,
            &json!({"in_flight_count": COUNT, "depth": 0, "message_count": COUNT}),
        );
    }
}
