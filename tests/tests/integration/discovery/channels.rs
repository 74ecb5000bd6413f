//! The channels that a new topic is given because nsqlookupd knows them.

use nsq_tests::{FakeLookupd, Nsqd, Setup, await_identified, deviates, expect_command};
use serde_json::json;

use super::{answer_channels, start_registered};

/// The names of the channels of a topic.
fn channels(nsqd: &Nsqd, topic: &str, count: usize) -> Vec<String> {
    nsqd.await_stats(|stats| {
        let topics = stats["topics"].as_array()?;
        let topic = topics.iter().find(|found| found["topic_name"] == topic)?;
        let channels = topic["channels"].as_array()?;
        let mut names: Vec<String> = channels
            .iter()
            .filter_map(|channel| Some(channel["channel_name"].as_str()?.to_owned()))
            .collect();
        names.sort();
        (names.len() == count).then_some(names)
    })
}

/// Publishes to a new topic while `answer` deals with what nsqd asks because of it.
fn publish_while(nsqd: &Nsqd, topic: &str, answer: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        scope.spawn(answer);
        nsqd.publish(topic, "first");
    });
}

#[test]
fn a_new_topic_has_the_channels_that_any_nsqlookupd_knows() {
    let (one, other) = (FakeLookupd::start(), FakeLookupd::start());
    let nsqd = Setup::new().flag(one.flag()).flag(other.flag()).start();
    let _peers = (one.accept_identified(), other.accept_identified());
    await_identified(&nsqd, 2);

    publish_while(&nsqd, "t", || {
        answer_channels(one.accept_channels_query("t"), r#""a","b","gone#ephemeral""#);
        answer_channels(other.accept_channels_query("t"), r#""b","c""#);
    });
    assert_eq!(channels(&nsqd, "t", 3), ["a", "b", "c"]);
    for channel in ["a", "b", "c"] {
        nsqd.await_channel("t", channel, &json!({"message_count": 1, "depth": 1}));
    }
    nsqd.log().await_line(&format!(
        "INFO: CI: querying nsqlookupd http://{}/channels?topic=t",
        one.http_address()
    ));
}

#[test]
fn publishing_does_not_wait_for_the_answer_and_the_message_does() {
    deviates!(LookupdHoldsNobodyUp);
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);

    nsqd.publish("t", "first");
    expect_command(&mut peer, "REGISTER t");
    let query = lookupd.accept_channels_query("t");
    // Published and subscribed, and nothing is delivered: the channels to come are to have it as well.
    let mut consumer = nsqd.consumer("t", "mine", 1);
    expect_command(&mut peer, "REGISTER t mine");
    consumer.expect_nothing_before_ok("probe");
    nsqd.await_topic("t", &json!({"depth": 1, "message_count": 1}));

    answer_channels(query, r#""theirs""#);
    consumer.expect_message_of("first", 1);
    nsqd.await_channel("t", "theirs", &json!({"depth": 1}));
}

#[test]
fn an_nsqlookupd_that_fails_is_named_and_the_others_count() {
    let (broken, healthy) = (FakeLookupd::start(), FakeLookupd::start());
    let nsqd = Setup::new().flag(broken.flag()).flag(healthy.flag()).start();
    let _peers = (broken.accept_identified(), healthy.accept_identified());
    await_identified(&nsqd, 2);

    publish_while(&nsqd, "t", || {
        let mut query = broken.accept_channels_query("t");
        query.send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
        answer_channels(healthy.accept_channels_query("t"), r#""c""#);
    });
    nsqd.await_channel("t", "c", &json!({"depth": 1}));
    nsqd.log()
        .await_line("WARNING: failed to query nsqlookupd for channels to pre-create for topic t - ");
}

#[test]
fn a_topic_starts_without_an_answer() {
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);
    publish_while(&nsqd, "t", || drop(lookupd.accept_channels_query("t")));
    expect_command(&mut peer, "REGISTER t");
    nsqd.consumer("t", "c", 1).expect_message_of("first", 1);
}

#[test]
fn an_answer_that_never_comes_is_not_waited_for_longer_than_allowed() {
    let lookupd = FakeLookupd::start();
    let nsqd = Setup::new()
        .flag(lookupd.flag())
        .flag("--http-client-request-timeout=200ms")
        .start();
    let _peer = lookupd.accept_identified();
    await_identified(&nsqd, 1);
    nsqd.publish("t", "first");
    let _query = lookupd.accept_channels_query("t");
    nsqd.consumer("t", "c", 1).expect_message_of("first", 1);
}

#[test]
fn names_that_are_none_are_not_created() {
    deviates!(LookupdIsNotTrusted);
    let lookupd = FakeLookupd::start();
    let (nsqd, _peer) = start_registered(&lookupd);
    publish_while(&nsqd, "t", || {
        answer_channels(lookupd.accept_channels_query("t"), r#""","../x","good","a b""#);
    });
    assert_eq!(channels(&nsqd, "t", 1), ["good"]);
}

#[test]
fn an_ephemeral_topic_is_not_given_channels() {
    deviates!(EphemeralTopicsGetNoChannels);
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);
    let mut consumer = nsqd.consumer("t#ephemeral", "c", 1);
    let mut lines = vec![peer.read_line()];
    peer.reply("OK");
    if lines == ["REGISTER t#ephemeral"] {
        lines = vec![peer.read_line()];
    }
    assert_eq!(lines, ["REGISTER t#ephemeral c"]);
    nsqd.publish("t#ephemeral", "hi");
    consumer.expect_message_of("hi", 1);
    assert!(!nsqd.log().contains("CI: querying"), "{:?}", nsqd.log());
}

#[test]
fn without_an_nsqlookupd_that_has_answered_there_is_nobody_to_ask() {
    let lookupd = FakeLookupd::start();
    let nsqd = Setup::new().flag(lookupd.flag()).start();
    let _silent = lookupd.accept();
    nsqd.publish("t", "first");
    nsqd.log()
        .await_line("ERROR: no available nsqlookupd to query for channels to pre-create for topic t");
    nsqd.consumer("t", "c", 1).expect_message_of("first", 1);
}
