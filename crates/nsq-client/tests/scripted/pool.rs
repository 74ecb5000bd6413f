//! Publishing to whichever nsqd can be reached.

use std::net::TcpListener;

use nsq_client::{Config, ProducerPool};
use nsq_testkit::peer::{Peer, command};

use super::{Rig, address_of, config, listen, text};

#[test]
fn messages_go_to_the_nsqds_in_turn() {
    let rig = Rig::new();
    let other = listen();
    let pool = ProducerPool::new([rig.address(), address_of(&other)], &Config::default()).unwrap();
    let publishing = rig.spawn(async move {
        pool.publish("t", "one").await?;
        pool.publish("t", "two").await?;
        pool.multi_publish("t", &["three", "four"]).await
    });
    let mut first = Peer::accept_v2(&rig.listener);
    first.expect_publish("t", "one");
    first.send_response("OK");
    let mut second = Peer::accept_v2(&other);
    second.expect_publish("t", "two");
    second.send_response("OK");
    first.expect(command::multi_publish("t", &["three", "four"]));
    first.send_response("OK");
    rig.wait(publishing).unwrap();
}

#[test]
fn an_nsqd_that_cannot_be_reached_is_gone_around() {
    let rig = Rig::new();
    let gone = address_of(&listen());
    let pool = ProducerPool::new([gone, rig.address()], &Config::default()).unwrap();
    let held = pool.clone();
    let publishing = rig.spawn(async move {
        held.publish("t", "one").await?;
        held.publish("t", "two").await
    });
    let mut peer = Peer::accept_v2(&rig.listener);
    for body in ["one", "two"] {
        peer.expect_publish("t", body);
        peer.send_response("OK");
    }
    rig.wait(publishing).unwrap();
    let healthy: Vec<_> = pool.members().iter().map(|member| member.healthy).collect();
    assert_eq!(healthy, [false, true]);
}

#[test]
fn a_message_whose_nsqd_goes_away_is_given_to_another() {
    let rig = Rig::new();
    let other = listen();
    let pool = ProducerPool::new([rig.address(), address_of(&other)], &Config::default()).unwrap();
    let publishing = rig.spawn(async move { pool.publish("t", "one").await });
    let mut first = Peer::accept_v2(&rig.listener);
    first.expect_publish("t", "one");
    drop(first);
    let mut second = Peer::accept_v2(&other);
    second.expect_publish("t", "one");
    second.send_response("OK");
    rig.wait(publishing).unwrap();
}

#[test]
fn an_nsqd_that_comes_back_is_given_messages_again() {
    let rig = Rig::new();
    let pool = ProducerPool::new([rig.address()], &Config::default()).unwrap();
    let held = pool.clone();
    let publishing = rig.spawn(async move { held.publish("t", "one").await });
    let mut peer = Peer::accept_v2(&rig.listener);
    peer.expect_publish("t", "one");
    drop(peer);
    assert_eq!(text(rig.wait(publishing)), "not connected");

    let held = pool.clone();
    let publishing = rig.spawn(async move { held.publish("t", "two").await });
    let mut peer = Peer::accept_v2(&rig.listener);
    peer.expect_publish("t", "two");
    peer.send_response("OK");
    rig.wait(publishing).unwrap();
    assert!(pool.members()[0].healthy);
}

#[test]
fn a_message_that_is_refused_is_not_given_to_another() {
    let rig = Rig::new();
    let pool = ProducerPool::new([rig.address(), address_of(&listen())], &Config::default()).unwrap();
    let publishing = rig.spawn(async move { pool.publish("t", "one").await });
    let mut peer = Peer::accept_v2(&rig.listener);
    peer.expect_publish("t", "one");
    peer.send_error("E_BAD_MESSAGE PUB message too big 3 > 2");
    drop(peer);
    assert_eq!(
        text(rig.wait(publishing)),
        "E_BAD_MESSAGE PUB message too big 3 > 2"
    );
}

#[test]
fn with_nobody_to_reach_publishing_fails() {
    let rig = Rig::new();
    let pool = ProducerPool::new([address_of(&listen())], &Config::default()).unwrap();
    let first = text(rig.block_on(pool.publish("t", "x")));
    assert!(first.contains("connection refused"), "{first}");
    assert_eq!(
        text(rig.block_on(pool.publish("t", "x"))),
        "no nsqd can be reached"
    );
    rig.block_on(pool.stop());
    assert_eq!(text(rig.block_on(pool.publish("t", "x"))), "stopped");
}

/// Answers the next question of a pool with this nsqd.
#[track_caller]
fn tell(lookupd: &TcpListener, nsqd: &TcpListener) {
    let mut peer = Peer::accept(lookupd);
    peer.expect_line("GET /nodes HTTP/1.1\r");
    let port = nsqd.local_addr().unwrap().port();
    let body = format!(r#"{{"producers":[{{"broadcast_address":"127.0.0.1","tcp_port":{port}}}]}}"#);
    let length = body.len();
    peer.send(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
}

#[test]
fn the_nsqds_are_found_through_nsqlookupd() {
    let rig = Rig::new();
    let lookupd = listen();
    let address = address_of(&lookupd);
    let discovering = rig.spawn(async move { ProducerPool::discover([address], &Config::default()).await });
    tell(&lookupd, &rig.listener);
    let pool = rig.wait(discovering).unwrap();
    assert_eq!(pool.members()[0].address, rig.address());
}

#[test]
fn an_nsqlookupd_that_hangs_does_not_hold_up_the_others() {
    let rig = Rig::new();
    let (hangs, lookupd) = (listen(), listen());
    let addresses = [&hangs, &lookupd].map(address_of);
    let discovering = rig.spawn(async move { ProducerPool::discover(addresses, &Config::default()).await });
    let _unanswered = Peer::accept(&hangs);
    tell(&lookupd, &rig.listener);
    let pool = rig.wait(discovering).unwrap();
    assert_eq!(pool.members()[0].address, rig.address());
}

#[test]
fn an_nsqd_that_is_found_later_is_published_to() {
    let rig = Rig::new();
    let lookupd = listen();
    let address = address_of(&lookupd);
    let config = config(&[("lookupd_poll_interval", "50ms")]);
    let discovering = rig.spawn(async move { ProducerPool::discover([address], &config).await });
    let mut peer = Peer::accept(&lookupd);
    peer.expect_line("GET /nodes HTTP/1.1\r");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let pool = rig.wait(discovering).unwrap();
    assert_eq!(pool.members(), []);
    let publishing = rig.spawn(async move { pool.publish("t", "x").await });
    tell(&lookupd, &rig.listener);
    let mut peer = Peer::accept_v2(&rig.listener);
    peer.expect_publish("t", "x");
    peer.send_response("OK");
    rig.wait(publishing).unwrap();
}
