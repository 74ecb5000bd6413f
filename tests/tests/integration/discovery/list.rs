//! The list of nsqlookupds, and how it changes at run time.

use nsq_tests::{FakeLookupd, Nsqd, Setup, await_identified, deviates, expect_command};

use super::start_registered;

#[track_caller]
fn replace_list(nsqd: &Nsqd, lookupds: &[&FakeLookupd]) {
    let addresses: Vec<_> = lookupds
        .iter()
        .map(|lookupd| format!(r#""{}""#, lookupd.tcp_address()))
        .collect();
    let list = format!("[{}]", addresses.join(","));
    nsqd.http()
        .put("/config/nsqlookupd_tcp_addresses", &list)
        .expect_exact_json(200, &list);
}

#[test]
fn an_address_that_is_given_twice_is_contacted_once() {
    let lookupd = FakeLookupd::start();
    let nsqd = Setup::new().flag(lookupd.flag()).flag(lookupd.flag()).start();
    let _peer = lookupd.accept_identified();
    await_identified(&nsqd, 1);
    replace_list(&nsqd, &[&lookupd, &lookupd]);
    lookupd.expect_no_connection();
}

#[test]
fn an_address_that_is_added_learns_everything() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    let lookupd = FakeLookupd::start();
    replace_list(&nsqd, &[&lookupd]);
    nsqd.log()
        .await_line(&format!("INFO: LOOKUP({}): adding peer", lookupd.tcp_address()));
    expect_command(&mut lookupd.accept_identified(), "REGISTER t c");
}

#[test]
fn an_address_that_is_removed_is_left_without_a_word() {
    let (gone, stays) = (FakeLookupd::start(), FakeLookupd::start());
    let nsqd = Setup::new().flag(gone.flag()).flag(stays.flag()).start();
    let mut left = gone.accept_identified();
    let mut kept = stays.accept_identified();
    await_identified(&nsqd, 2);

    replace_list(&nsqd, &[&stays]);
    left.expect_closed();
    nsqd.log()
        .await_line(&format!("INFO: LOOKUP({}): removing peer", gone.tcp_address()));
    stays.expect_no_connection();

    // Its HTTP side is not asked for channels any more either.
    nsqd.http()
        .post("/topic/create?topic=t%23ephemeral", "")
        .expect_empty(200);
    expect_command(&mut kept, "REGISTER t#ephemeral");
}

#[test]
fn an_address_that_comes_back_is_a_new_one() {
    let lookupd = FakeLookupd::start();
    let (nsqd, mut peer) = start_registered(&lookupd);
    replace_list(&nsqd, &[]);
    peer.expect_closed();
    replace_list(&nsqd, &[&lookupd]);
    let _peer = lookupd.accept_identified();
}

#[test]
fn what_is_no_address_is_said() {
    deviates!(LookupdIsTriedAgain);
    let nsqd = Nsqd::with(&["--lookupd-tcp-address=nonsense"]);
    nsqd.log().await_line("INFO: LOOKUP connecting to nonsense");
    nsqd.log()
        .await_line("dial tcp: address nonsense: missing port in address");
}
