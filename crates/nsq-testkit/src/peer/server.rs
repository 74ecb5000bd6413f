//! The V2 protocol as nsqd sees it: a client library is the other end, the test answers.

use std::net::TcpListener;

use super::{Peer, command};

/// An answer to IDENTIFY that grants nothing but the usual limits.
pub const IDENTIFIED: &str = r#"{"max_rdy_count":2500,"version":"1.3.0","max_msg_timeout":900000,"msg_timeout":60000,"tls_v1":false,"deflate":false,"deflate_level":6,"max_deflate_level":6,"snappy":false,"sample_rate":0,"auth_required":false,"output_buffer_size":16384,"output_buffer_timeout":250,"topology_region":"","topology_zone":""}"#;

/// What a scripted nsqd expects of a client, and how it answers.
impl Peer {
    /// Waits for a client, and answers its IDENTIFY with [`IDENTIFIED`].
    ///
    /// # Panics
    /// If it does not begin as a client of nsqd does.
    #[track_caller]
    pub fn accept_v2(listener: &TcpListener) -> Self {
        let mut peer = Self::accept(listener);
        peer.expect_identify();
        peer.send_response(IDENTIFIED);
        peer
    }

    /// Waits for a consumer, and takes it in: up to and with the answer to its SUB.
    ///
    /// # Panics
    /// If it subscribes to anything else.
    #[track_caller]
    pub fn accept_consumer(listener: &TcpListener, topic: &str, channel: &str) -> Self {
        let mut peer = Self::accept_v2(listener);
        peer.expect_line(&format!("SUB {topic} {channel}"));
        peer.send_response("OK");
        peer
    }

    /// Asserts that the client opens the connection with its magic and IDENTIFY, whose body is returned.
    ///
    /// # Panics
    /// If anything else arrives.
    #[track_caller]
    pub fn expect_identify(&mut self) -> String {
        self.expect(command::MAGIC_V2);
        self.expect_line("IDENTIFY");
        String::from_utf8(self.read_body()).expect("a body in UTF-8")
    }

    /// Sends a response frame.
    ///
    /// # Panics
    /// If it cannot be sent.
    #[track_caller]
    pub fn send_response(&mut self, data: impl AsRef<[u8]>) {
        self.send_frame(0, data);
    }

    /// Sends an error frame.
    ///
    /// # Panics
    /// If it cannot be sent.
    #[track_caller]
    pub fn send_error(&mut self, text: impl AsRef<[u8]>) {
        self.send_frame(1, text);
    }

    /// Sends a message whose id is `number` in sixteen hexadecimal digits; returns the id.
    ///
    /// # Panics
    /// If it cannot be sent.
    #[track_caller]
    pub fn send_message(&mut self, number: u64, attempts: u16, body: impl AsRef<[u8]>) -> String {
        let id = format!("{number:016x}");
        let timestamp_ns: i64 = 1_735_689_600_000_000_000;
        let data = [
            &timestamp_ns.to_be_bytes()[..],
            &attempts.to_be_bytes(),
            id.as_bytes(),
            body.as_ref(),
        ];
        self.send_frame(2, data.concat());
        id
    }

    /// Sends a frame of any kind.
    ///
    /// # Panics
    /// If it cannot be sent.
    #[track_caller]
    pub fn send_frame(&mut self, kind: u32, data: impl AsRef<[u8]>) {
        let data = data.as_ref();
        self.send([&command::size(data.len() + 4)[..], &kind.to_be_bytes(), data].concat());
    }

    /// Asserts that the next command is `PUB` of this message.
    ///
    /// # Panics
    /// If it differs.
    #[track_caller]
    pub fn expect_publish(&mut self, topic: &str, body: impl AsRef<[u8]>) {
        self.expect(command::publish(topic, body));
    }
}
