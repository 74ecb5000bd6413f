//! What nsqd tells nsqlookupd, and when.

use std::time::Duration;

use nsq_tests::{FakeLookupd, Nsqd, Setup, await_identified, deviates, expect_command, program};

use super::{create_topic, start, start_registered};

#[test]
fn a_connection_begins_with_the_magic_and_identify() {
    let lookupd = FakeLookupd::start();
    let nsqd = Setup::new()
        .flag(lookupd.flag())
        .flag("--topology-region=r1")
        .flag("--topology-zone=z1")
        .start();
    let mut peer = lookupd.accept();
    peer.expect_magic_v1();
    peer.expect_line("IDENTIFY");
    let info = nsqd.http().get("/info").expect_json(200);
    let hostname = info["hostname"].as_str().unwrap();
    let (http, tcp) = (nsqd.http_address().port(), nsqd.tcp_address().port());
    let version = program::version();
    assert_eq!(
        String::from_utf8(peer.read_body()).unwrap(),
        format!(
            r#"{{"broadcast_address":"127.0.0.1","hostname":"{hostname}","http_port":{http},"tcp_port":{tcp},"topology_region":"r1","topology_zone":"z1","version":"{version}"}}"#
        )
    );
    peer.reply(lookupd.info());
    nsqd.log().await_line(&format!(
        "INFO: LOOKUPD({}): peer info {{TCPPort:{} HTTPPort:{} Version:1.3.0 BroadcastAddress:127.0.0.1}}",
        lookupd.tcp_address(),
        lookupd.tcp_address().port(),
        lookupd.http_address().port()
    ));
}

#[test]
fn the_broadcast_options_are_what_is_announced() {
    let lookupd = FakeLookupd::start();
    let _nsqd = Setup::new()
        .flag(lookupd.flag())
        .flag("--broadcast-address=node.example")
        .flag("--broadcast-tcp-port=1")
        .flag("--broadcast-http-port=2")
        .start();
    let mut peer = lookupd.accept();
    peer.expect_magic_v1();
    peer.expect_line("IDENTIFY");
    let body: serde_json::Value = serde_json::from_slice(&peer.read_body()).unwrap();
    assert_eq!(body["broadcast_address"], "node.example");
    assert_eq!(body["tcp_port"], 1);
    assert_eq!(body["http_port"], 2);
    assert_eq!(body["topology_region"], "");
}

#[test]
fn everything_there_is_is_registered_on_connecting() {
    let setup = Setup::new();
    setup.write(
        "nsqd.dat",
        r#"{"topics":[{"name":"alone","paused":false,"channels":[]},{"name":"both","paused":false,"channels":[{"name":"a","paused":false},{"name":"b","paused":true}]}],"version":"1.3.0"}"#,
    );
    let lookupd = FakeLookupd::start();
    let _nsqd = setup.flag(lookupd.flag()).start();
    let mut peer = lookupd.accept_identified();
    let mut lines = Vec::new();
    for _ in 0..3 {
        lines.push(peer.read_line());
        peer.reply("OK");
    }
    // The original's order is arbitrary.
    lines.sort();
    assert_eq!(lines, ["REGISTER alone", "REGISTER both a", "REGISTER both b"]);
}

#[test]
fn what_changes_is_told() {
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);

    create_topic(&nsqd, &lookupd, &mut peer, "t");
    peer.reply("OK");
    for channel in ["c", "d", "e#ephemeral"] {
        nsqd.channel_action("create", "t", channel);
        expect_command(&mut peer, &format!("REGISTER t {channel}"));
    }
    nsqd.channel_action("delete", "t", "c");
    expect_command(&mut peer, "UNREGISTER t c");
    nsqd.channel_action("delete", "t", "e#ephemeral");
    expect_command(&mut peer, "UNREGISTER t e#ephemeral");
    // The last one leaves the topic registered, and pausing changes nothing.
    nsqd.topic_action("pause", "t");
    nsqd.topic_action("empty", "t");
    nsqd.channel_action("delete", "t", "d");
    expect_command(&mut peer, "UNREGISTER t d");
    nsqd.channel_action("create", "t", "f");
    expect_command(&mut peer, "REGISTER t f");
    nsqd.topic_action("delete", "t");
    let mut lines = [(); 2].map(|()| {
        let line = peer.read_line();
        peer.reply("OK");
        line
    });
    lines.sort();
    assert_eq!(lines, ["UNREGISTER t", "UNREGISTER t f"]);
    nsqd.log().await_line(&format!(
        "INFO: LOOKUPD({}): topic UNREGISTER t",
        lookupd.tcp_address()
    ));
}

#[test]
fn an_ephemeral_channel_is_unregistered_when_its_last_consumer_leaves() {
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);
    create_topic(&nsqd, &lookupd, &mut peer, "t");
    peer.reply("OK");

    let consumer = nsqd.consumer("t", "c#ephemeral", 1);
    expect_command(&mut peer, "REGISTER t c#ephemeral");
    drop(consumer);
    expect_command(&mut peer, "UNREGISTER t c#ephemeral");
}

#[test]
fn a_topic_that_was_deleted_and_created_again_is_a_new_one() {
    deviates!(RecreatedTopicsAreNew);
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);
    create_topic(&nsqd, &lookupd, &mut peer, "other");
    peer.reply("OK");

    // While an answer is missing nsqd tells nothing: what happens meanwhile is told as one change.
    nsqd.create_topic("t");
    peer.expect_line("REGISTER t");
    nsqd.topic_action("delete", "t");
    nsqd.create_topic("t");
    peer.reply("OK");
    expect_command(&mut peer, "UNREGISTER t");
    expect_command(&mut peer, "REGISTER t");
}

#[test]
fn an_idle_connection_is_pinged_every_fifteen_seconds() {
    let lookupd = FakeLookupd::start();
    let nsqd = start(&lookupd);
    let mut peer = lookupd.accept_identified().patience(Duration::from_secs(20));
    expect_command(&mut peer, "PING");
    expect_command(&mut peer, "PING");
    drop(nsqd);
}

#[test]
fn everything_is_registered_again_after_nsqlookupd_was_gone() {
    deviates!(LookupdIsTriedAgain);
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);
    create_topic(&nsqd, &lookupd, &mut peer, "t");
    peer.reply("OK");
    nsqd.channel_action("create", "t", "c");
    expect_command(&mut peer, "REGISTER t c");

    for _ in 0..3 {
        drop(peer);
        nsqd.log().await_line("connection lost");
        peer = lookupd.accept_identified();
        expect_command(&mut peer, "REGISTER t c");
    }
    // What changes while nobody listens is part of the next registration.
    drop(peer);
    nsqd.channel_action("delete", "t", "c");
    peer = lookupd.accept_identified();
    expect_command(&mut peer, "REGISTER t");
}

#[test]
fn an_nsqlookupd_that_comes_later_is_found() {
    deviates!(LookupdIsTriedAgain);
    // A port that nobody listens on for a while.
    let placeholder = FakeLookupd::start();
    let address = placeholder.tcp_address();
    drop(placeholder);
    let nsqd = Nsqd::with(&[&format!("--lookupd-tcp-address={address}")]);
    nsqd.log().await_lines(
        &format!("ERROR: LOOKUPD({address}): connect - dial tcp {address}: connect: connection refused"),
        3,
    );
    let lookupd = FakeLookupd::at(address);
    nsqd.create_topic("t");
    let mut peer = lookupd.accept_identified();
    expect_command(&mut peer, "REGISTER t");
}

#[test]
fn a_missed_unregister_is_made_up_for() {
    deviates!(LookupdIsTriedAgain);
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);
    create_topic(&nsqd, &lookupd, &mut peer, "t");
    peer.reply("OK");
    nsqd.channel_action("create", "t", "c");
    expect_command(&mut peer, "REGISTER t c");

    nsqd.channel_action("delete", "t", "c");
    peer.expect_line("UNREGISTER t c");
    // There is no answer: nsqd closes the connection, with which nsqlookupd forgets everything.
    peer.expect_closed();
    nsqd.log().await_line("REGISTER - i/o timeout");
    let mut peer = lookupd.accept_identified();
    expect_command(&mut peer, "REGISTER t");
}

#[test]
fn the_end_of_nsqd_is_the_end_of_the_connection_and_nothing_more() {
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);
    create_topic(&nsqd, &lookupd, &mut peer, "t");
    peer.reply("OK");
    nsqd.channel_action("create", "t", "c");
    expect_command(&mut peer, "REGISTER t c");

    let stopped = nsqd.stop();
    peer.expect_closed();
    assert!(stopped.exit.stderr.contains("INFO: LOOKUP: closing\n"));
}

#[test]
fn each_nsqlookupd_is_told_by_itself() {
    deviates!(LookupdHoldsNobodyUp);
    let (hung, healthy) = (FakeLookupd::start(), FakeLookupd::start());
    let nsqd = Setup::new().flag(hung.flag()).flag(healthy.flag()).start();
    let _silent = hung.accept();
    let mut peer = healthy.accept_identified();
    await_identified(&nsqd, 1);
    // Topics whose names are not seen in the order of creation would have waited for the silent one.
    for topic in ["a", "b", "c", "d", "e"] {
        create_topic(&nsqd, &healthy, &mut peer, topic);
        peer.reply("OK");
    }
}

#[test]
fn many_topics_are_registered_in_their_order() {
    deviates!(LookupdIsTriedAgain);
    let setup = Setup::new();
    let topics: Vec<String> = (0..2_000).map(|number| format!("t{number:04}")).collect();
    let listed: Vec<String> = topics
        .iter()
        .map(|topic| format!(r#"{{"name":"{topic}","paused":false,"channels":null}}"#))
        .collect();
    setup.write(
        "nsqd.dat",
        format!(r#"{{"topics":[{}],"version":"1.3.0"}}"#, listed.join(",")),
    );
    let lookupd = FakeLookupd::start();
    let _nsqd = setup.flag(lookupd.flag()).start();
    let mut peer = lookupd.accept_identified();
    for topic in &topics {
        expect_command(&mut peer, &format!("REGISTER {topic}"));
    }
}
