//! An nsqlookupd that a test plays, command by command.

use std::net::{SocketAddr, TcpListener};

use nsq_testkit::peer::{PATIENCE, Peer};
use rustix::net::sockopt::{Timeout, set_socket_timeout};

use crate::{Nsqd, poll, program};

/// The listeners of an nsqlookupd. What is said on their connections is the test's.
#[derive(Debug)]
pub struct FakeLookupd {
    tcp: TcpListener,
    http: TcpListener,
}

/// Asserts the next command of nsqd and answers `OK`.
///
/// # Panics
/// If another arrives.
#[track_caller]
pub fn expect_command(peer: &mut Peer, line: &str) {
    peer.expect_line(line);
    peer.reply("OK");
}

/// Waits until `nsqd` has read the answers of `count` nsqlookupds to IDENTIFY.
#[track_caller]
pub fn await_identified(nsqd: &Nsqd, count: usize) {
    nsqd.log().await_lines(" peer info {", count);
    if program::is_reference() {
        // It says so a little before it acts on it.
        poll::settle();
    }
}

impl FakeLookupd {
    /// Listens on free ports of the loopback interface.
    pub fn start() -> Self {
        Self::at(([127, 0, 0, 1], 0).into())
    }

    /// Listens for registrations at an address that was free a moment ago.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            tcp: listen(address),
            http: listen(([127, 0, 0, 1], 0).into()),
        }
    }

    /// Where nsqd registers.
    pub fn tcp_address(&self) -> SocketAddr {
        self.tcp.local_addr().expect("the address of a listener")
    }

    /// Where nsqd asks for channels, if the answer to IDENTIFY is [`info`](Self::info).
    pub fn http_address(&self) -> SocketAddr {
        self.http.local_addr().expect("the address of a listener")
    }

    /// The flag that makes nsqd register here.
    pub fn flag(&self) -> String {
        format!("--lookupd-tcp-address={}", self.tcp_address())
    }

    /// The answer to IDENTIFY.
    pub fn info(&self) -> String {
        let (tcp, http) = (self.tcp_address().port(), self.http_address().port());
        format!(
            r#"{{"broadcast_address":"127.0.0.1","hostname":"lk","http_port":{http},"tcp_port":{tcp},"version":"1.3.0"}}"#
        )
    }

    /// Waits for nsqd to connect, and has read nothing.
    #[track_caller]
    pub fn accept(&self) -> Peer {
        Peer::accept(&self.tcp)
    }

    /// Waits for nsqd to connect and to identify itself, and has not answered yet.
    #[track_caller]
    pub fn accept_identify(&self) -> Peer {
        let mut peer = self.accept();
        peer.expect_magic_v1();
        peer.expect_line("IDENTIFY");
        peer.read_body();
        peer
    }

    /// Waits for nsqd to connect and lets it identify itself.
    #[track_caller]
    pub fn accept_identified(&self) -> Peer {
        let mut peer = self.accept_identify();
        peer.reply(self.info());
        peer
    }

    /// Asserts that nsqd has not connected again so far.
    #[track_caller]
    pub fn expect_no_connection(&self) {
        self.tcp.set_nonblocking(true).expect("not to wait");
        let accepted = self.tcp.accept();
        self.tcp.set_nonblocking(false).expect("to wait");
        assert!(accepted.is_err(), "there is a connection: {accepted:?}");
    }

    /// Waits for a question about the channels of `topic`, as it is written in a query string, and has not
    /// answered yet.
    #[track_caller]
    pub fn accept_channels_query(&self, topic: &str) -> Peer {
        let mut peer = Peer::accept(&self.http);
        peer.expect_line(&format!("GET /channels?topic={topic} HTTP/1.1\r"));
        while peer.read_line() != "\r" {}
        peer
    }
}

/// A listener whose `accept` fails when nobody comes.
fn listen(address: SocketAddr) -> TcpListener {
    let listener = TcpListener::bind(address).expect("listen on a free port");
    set_socket_timeout(&listener, Timeout::Recv, Some(2 * PATIENCE)).expect("limit how long accept waits");
    listener
}
