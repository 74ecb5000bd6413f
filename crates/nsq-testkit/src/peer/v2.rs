//! The V2 protocol as a client sees it: frames and messages.

use std::fmt;

use super::{Peer, escape};

/// Frame type of responses and heartbeats.
const RESPONSE: u32 = 0;
/// Frame type of errors.
const ERROR: u32 = 1;
/// Frame type of messages.
const MESSAGE: u32 = 2;
/// Timestamp, attempts and id, which precede the body of every message.
const MESSAGE_HEADER_SIZE: usize = 8 + 2 + 16;

/// One frame as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The four bytes after the size: 0 response, 1 error, 2 message.
    pub kind: u32,
    /// What follows the type.
    pub data: Vec<u8>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RESPONSE => "response",
            ERROR => "error",
            MESSAGE => "message",
            _ => "unknown frame",
        };
        write!(f, "{kind} {}", escape(&self.data))
    }
}

/// The parts of a message frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Nanoseconds since the Unix epoch at which the message was published.
    pub timestamp_ns: i64,
    /// How often it has been sent, this time included.
    pub attempts: u16,
    /// 16 hexadecimal digits.
    pub id: String,
    /// The bytes that were published.
    pub body: Vec<u8>,
}

impl Message {
    /// Parses the bytes of a message, on the wire or in a disk queue record.
    ///
    /// # Panics
    /// If the header is short or the id is not ASCII.
    #[track_caller]
    pub fn parse(bytes: &[u8]) -> Self {
        assert!(
            bytes.len() >= MESSAGE_HEADER_SIZE,
            "short message: {}",
            escape(bytes)
        );
        let (timestamp, rest) = bytes.split_at(8);
        let (attempts, rest) = rest.split_at(2);
        let (id, body) = rest.split_at(16);
        assert!(id.is_ascii(), "message id is not ASCII: {}", escape(id));
        Self {
            timestamp_ns: i64::from_be_bytes(timestamp.try_into().expect("8 bytes")),
            attempts: u16::from_be_bytes(attempts.try_into().expect("2 bytes")),
            id: String::from_utf8_lossy(id).into_owned(),
            body: body.to_vec(),
        }
    }

    /// The body as text, for comparisons that read well.
    ///
    /// # Panics
    /// If it is not UTF-8.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// `FIN <id>\n`.
    pub fn fin(&self) -> String {
        format!("FIN {}\n", self.id)
    }

    /// `REQ <id> <delay_ms>\n`.
    pub fn req(&self, delay_ms: u64) -> String {
        format!("REQ {} {delay_ms}\n", self.id)
    }

    /// `TOUCH <id>\n`.
    pub fn touch(&self) -> String {
        format!("TOUCH {}\n", self.id)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "message {} attempt {} {}",
            self.id,
            self.attempts,
            escape(&self.body)
        )
    }
}

/// What a V2 client expects of the server.
impl Peer {
    /// Reads one frame of any kind.
    ///
    /// # Panics
    /// If the stream ends or the size is impossible.
    #[track_caller]
    pub fn read_frame(&mut self) -> Frame {
        let prefix = self.read(4, &"a frame");
        let size = u32::from_be_bytes(prefix.try_into().expect("4 bytes"));
        assert!(
            (4..64 * 1024 * 1024).contains(&size),
            "impossible frame size {size}"
        );
        let mut kind = self.read(size as usize, &format_args!("a frame of {size} bytes"));
        let data = kind.split_off(4);
        Frame {
            kind: u32::from_be_bytes(kind.try_into().expect("4 bytes")),
            data,
        }
    }

    /// Asserts that the next frame has this type and these bytes.
    ///
    /// # Panics
    /// If it differs.
    #[track_caller]
    pub fn expect_frame(&mut self, kind: u32, data: impl AsRef<[u8]>) {
        let expected = Frame {
            kind,
            data: data.as_ref().to_vec(),
        };
        let received = self.read_frame();
        assert!(
            received == expected,
            "unexpected frame\n expected: {expected:?}\n received: {received:?}"
        );
    }

    /// Asserts that the next frame is this response.
    ///
    /// # Panics
    /// If it differs.
    #[track_caller]
    pub fn expect_response(&mut self, data: impl AsRef<[u8]>) {
        self.expect_frame(RESPONSE, data);
    }

    /// Asserts that the next frame is the response `OK`.
    ///
    /// # Panics
    /// If it differs.
    #[track_caller]
    pub fn expect_ok(&mut self) {
        self.expect_response("OK");
    }

    /// Asserts that the next frame is a heartbeat.
    ///
    /// # Panics
    /// If it differs.
    #[track_caller]
    pub fn expect_heartbeat(&mut self) {
        self.expect_response("_heartbeat_");
    }

    /// Asserts that the next frame is this error; the connection may stay open.
    ///
    /// # Panics
    /// If it differs.
    #[track_caller]
    pub fn expect_error(&mut self, text: impl AsRef<[u8]>) {
        self.expect_frame(ERROR, text);
    }

    /// Asserts that the next frame is this error and that the server closes the connection behind it.
    ///
    /// # Panics
    /// If the error differs, more arrives, or the connection stays open.
    #[track_caller]
    pub fn expect_fatal(&mut self, text: impl AsRef<[u8]>) {
        self.expect_error(text);
        self.expect_closed();
    }

    /// Reads a response frame and returns its text, for answers that a test compares in part.
    ///
    /// # Panics
    /// If the frame is not a response in UTF-8.
    #[track_caller]
    pub fn read_response(&mut self) -> String {
        let frame = self.read_frame();
        assert!(frame.kind == RESPONSE, "expected a response, received: {frame:?}");
        String::from_utf8(frame.data).expect("a response in UTF-8")
    }

    /// Reads an error frame and returns its text.
    ///
    /// # Panics
    /// If the frame is not an error in UTF-8.
    #[track_caller]
    pub fn read_error(&mut self) -> String {
        let frame = self.read_frame();
        assert!(frame.kind == ERROR, "expected an error, received: {frame:?}");
        String::from_utf8(frame.data).expect("an error in UTF-8")
    }

    /// Reads a message frame.
    ///
    /// # Panics
    /// If the next frame is anything else.
    #[track_caller]
    pub fn expect_message(&mut self) -> Message {
        let frame = self.read_frame();
        assert!(frame.kind == MESSAGE, "expected a message, received: {frame:?}");
        Message::parse(&frame.data)
    }

    /// Reads a message frame and asserts its body and attempts.
    ///
    /// # Panics
    /// If the next frame is anything else.
    #[track_caller]
    pub fn expect_message_of(&mut self, body: impl AsRef<[u8]>, attempts: u16) -> Message {
        let message = self.expect_message();
        assert!(
            message.body == body.as_ref() && message.attempts == attempts,
            "unexpected message\n expected: attempt {attempts} {}\n received: {message:?}",
            escape(body.as_ref())
        );
        message
    }

    /// Reads `count` message frames.
    ///
    /// # Panics
    /// If any other frame arrives between them.
    #[track_caller]
    pub fn expect_messages(&mut self, count: usize) -> Vec<Message> {
        // A loop, not a closure: the caller's line is lost in one.
        let mut messages = Vec::with_capacity(count);
        for _ in 0..count {
            messages.push(self.expect_message());
        }
        messages
    }

    /// Sends `IDENTIFY` and returns the answer.
    ///
    /// # Panics
    /// If the answer is not a response.
    #[track_caller]
    pub fn identify(&mut self, json: &str) -> String {
        self.send(super::command::identify(json));
        self.read_response()
    }

    /// Sends `PUB` and awaits its `OK`.
    ///
    /// # Panics
    /// If the answer is anything else.
    #[track_caller]
    pub fn publish(&mut self, topic: &str, body: impl AsRef<[u8]>) {
        self.send(super::command::publish(topic, body));
        self.expect_ok();
    }

    /// Sends `SUB` and awaits its `OK`; nothing is delivered before the first `RDY`.
    ///
    /// # Panics
    /// If the answer is anything else.
    #[track_caller]
    pub fn subscribe(&mut self, topic: &str, channel: &str) {
        self.send(super::command::subscribe(topic, channel));
        self.expect_ok();
    }

    /// Sends `RDY`, which has no answer.
    ///
    /// # Panics
    /// If it cannot be sent.
    #[track_caller]
    pub fn ready(&mut self, count: u32) {
        self.send(format!("RDY {count}\n"));
    }

    /// Asserts that the server has applied every command sent so far and had nothing else to say: publishes to
    /// `probe_topic` and expects the `OK` as the very next frame.
    ///
    /// # Panics
    /// If anything arrives before the `OK`.
    #[track_caller]
    pub fn expect_nothing_before_ok(&mut self, probe_topic: &str) {
        self.publish(probe_topic, b"probe");
    }
}
