//! An nsqlookupd that answers nonsense, or nothing.

use nsq_tests::{FakeLookupd, Nsqd, Peer, deviates, expect_command};

use super::{create_topic, start, start_registered};

/// Answers IDENTIFY with these bytes and expects to be left.
#[track_caller]
fn expect_left_after(nsqd: &Nsqd, lookupd: &FakeLookupd, reply: impl AsRef<[u8]>, line: &str) {
    let mut peer = lookupd.accept_identify();
    peer.send(reply);
    peer.expect_closed();
    nsqd.log().await_line(line);
}

/// Connects and registers as if nothing had happened.
#[track_caller]
fn expect_recovered(nsqd: &Nsqd, lookupd: &FakeLookupd) -> Peer {
    nsqd.http()
        .post("/topic/create?topic=after%23ephemeral", "")
        .expect_empty(200);
    let mut peer = lookupd.accept_identified();
    expect_command(&mut peer, "REGISTER after#ephemeral");
    peer
}

#[test]
fn a_negative_size_ends_the_connection_and_not_the_process() {
    deviates!(LookupdIsNotTrusted);
    let lookupd = FakeLookupd::start();
    let nsqd = start(&lookupd);
    expect_left_after(
        &nsqd,
        &lookupd,
        [0xff, 0xff, 0xff, 0xff],
        "IDENTIFY - response size -1 is not within 0-5242880",
    );
    expect_recovered(&nsqd, &lookupd);
}

#[test]
fn a_size_above_the_body_limit_ends_the_connection() {
    deviates!(LookupdIsNotTrusted);
    let lookupd = FakeLookupd::start();
    let nsqd = start(&lookupd);
    expect_left_after(
        &nsqd,
        &lookupd,
        5_242_881_u32.to_be_bytes(),
        "IDENTIFY - response size 5242881 is not within 0-5242880",
    );
    expect_left_after(
        &nsqd,
        &lookupd,
        0x7fff_ffff_u32.to_be_bytes(),
        "IDENTIFY - response size 2147483647 is not within 0-5242880",
    );
    expect_recovered(&nsqd, &lookupd);
}

#[test]
fn an_answer_to_identify_that_is_no_json_ends_the_connection() {
    deviates!(LookupdIsTriedAgain);
    let lookupd = FakeLookupd::start();
    let nsqd = start(&lookupd);
    let mut peer = lookupd.accept_identify();
    peer.reply("E_BAD_BODY IDENTIFY missing fields");
    peer.expect_closed();
    nsqd.log()
        .await_line("parsing response - E_BAD_BODY IDENTIFY missing fields");
    expect_recovered(&nsqd, &lookupd);
}

#[test]
fn an_nsqlookupd_without_identify_is_left() {
    deviates!(LookupdIsTriedAgain);
    let lookupd = FakeLookupd::start();
    let nsqd = start(&lookupd);
    let mut peer = lookupd.accept_identify();
    peer.reply("E_INVALID");
    peer.expect_closed();
    nsqd.log().await_line(&format!(
        "INFO: LOOKUPD({}): lookupd returned E_INVALID",
        lookupd.tcp_address()
    ));
    expect_recovered(&nsqd, &lookupd);
}

#[test]
fn an_nsqlookupd_that_does_not_say_where_it_is_is_kept() {
    let lookupd = FakeLookupd::start();
    let nsqd = start(&lookupd);
    let mut peer = lookupd.accept_identify();
    peer.reply("{}");
    nsqd.log().await_line("ERROR: LOOKUPD");
    // It is not asked for channels: there is none to ask.
    nsqd.create_topic("t");
    nsqd.log()
        .await_line("ERROR: no available nsqlookupd to query for channels to pre-create for topic t");
    expect_command(&mut peer, "REGISTER t");
}

#[test]
fn errors_of_single_commands_are_passed_over() {
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);
    create_topic(&nsqd, &lookupd, &mut peer, "t");
    peer.reply("E_INVALID what is that");
    nsqd.channel_action("create", "t", "c");
    expect_command(&mut peer, "REGISTER t c");
}

#[test]
fn an_nsqlookupd_that_speaks_unasked_is_left() {
    deviates!(LookupdIsNotTrusted);
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);
    peer.reply("OK");
    peer.expect_closed();
    nsqd.log().await_line("connection lost - unexpected data");
    expect_recovered(&nsqd, &lookupd);
}

#[test]
fn an_nsqlookupd_that_does_not_answer_is_left_and_tried_again() {
    deviates!(LookupdIsTriedAgain);
    let lookupd = FakeLookupd::start();
    let nsqd = start(&lookupd);
    for _ in 0..2 {
        let mut peer = lookupd.accept_identify();
        // A part of an answer is none.
        peer.send([0, 0]);
        peer.expect_closed();
    }
    nsqd.log().await_lines("IDENTIFY - i/o timeout", 2);
    expect_recovered(&nsqd, &lookupd);
}

#[test]
fn a_publisher_does_not_feel_an_nsqlookupd_that_hangs() {
    deviates!(LookupdHoldsNobodyUp);
    let lookupd = FakeLookupd::start();
    let (nsqd, peer) = start_registered(&lookupd);
    let mut producer = nsqd.connect();
    let stopwatch = nsq_tests::Stopwatch::start();
    for number in 0..100 {
        producer.publish(&format!("t{number}"), "hi");
    }
    // Each of these would have waited for a second and more.
    assert!(
        stopwatch.elapsed() < std::time::Duration::from_secs(5),
        "100 new topics took {:?}",
        stopwatch.elapsed()
    );
    drop(peer);
}
