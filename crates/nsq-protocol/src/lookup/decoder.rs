//! nsqlookupd's side of a command.

use super::PeerInfo;
use crate::client_error::ClientError;
use crate::command::DecodeError;
use crate::command::line::{TooLong, Words, find_line};
use crate::error_code::ErrorCode;
use crate::frame::SIZE_LEN;
use crate::name::{ChannelRef, TopicRef};

/// The longest body of IDENTIFY, in bytes. Upstream has no limit; what nsqd sends is a few hundred bytes.
pub const IDENTIFY_BODY_LEN_MAX: usize = 1024 * 1024;

/// A command whose bytes are valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupCommand<'b> {
    /// A sign of life.
    Ping,
    /// What nsqd tells about itself.
    Identify(PeerInfo),
    /// nsqd has the topic, and the channel if there is one.
    Register {
        /// The topic.
        topic: TopicRef<'b>,
        /// One of its channels.
        channel: Option<ChannelRef<'b>>,
    },
    /// nsqd no longer has the channel or, if there is none, the topic and all its channels.
    Unregister {
        /// The topic.
        topic: TopicRef<'b>,
        /// One of its channels.
        channel: Option<ChannelRef<'b>>,
    },
}

/// What [`LookupDecoder::decode`] found at the front of the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupDecoded<'b> {
    /// The pending command is not complete.
    NeedMore {
        /// The bytes that the pending command takes in the buffer as far as is known, always more than there
        /// are now.
        total: usize,
    },
    /// A complete command.
    Command {
        /// The command.
        command: LookupCommand<'b>,
        /// The bytes it took; the next command begins after them.
        consumed: usize,
    },
}

/// Reads V1 commands from the front of a receive buffer.
///
/// It knows whether the connection has identified itself, on which commands depend before their parameters
/// are looked at. Every error ends the connection.
///
/// # Differs from upstream
///
/// A line above [`LINE_LEN_MAX`](crate::command::LINE_LEN_MAX) and a body above [`IDENTIFY_BODY_LEN_MAX`] are
/// refused, as is a negative body size, which there ends the process.
#[derive(Debug, Default)]
pub struct LookupDecoder {
    /// An IDENTIFY was decoded.
    identified: bool,
    state: State,
}

/// How far the pending command has been looked at.
#[derive(Debug, Clone, Copy)]
enum State {
    /// The first `scanned` bytes hold no newline.
    Line { scanned: usize },
    /// The line of an IDENTIFY takes `line_len` bytes; its body is not complete.
    Body { line_len: usize, missing: Missing },
}

impl Default for State {
    fn default() -> Self {
        Self::Line { scanned: 0 }
    }
}

/// The part of a body that has not arrived.
#[derive(Debug, Clone, Copy)]
enum Missing {
    Size,
    Bytes,
}

impl LookupDecoder {
    /// A decoder for one connection, whose magic has been taken off.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes the command at the front of `buf`.
    ///
    /// `buf` begins at the first byte of the pending command: what was consumed is gone, and what was there at
    /// a call that asked for more is there again, unchanged.
    ///
    /// # Errors
    ///
    /// [`DecodeError`]; the connection ends with it.
    pub fn decode<'b>(&mut self, buf: &'b [u8]) -> Result<LookupDecoded<'b>, DecodeError> {
        let decoded = self.advance(buf);
        if !matches!(decoded, Ok(LookupDecoded::NeedMore { .. })) {
            self.state = State::default();
        }
        decoded
    }

    /// The error to send if the peer goes away now, because an IDENTIFY lacks its body. `None` between
    /// commands and within a line.
    pub fn stalled(&self) -> Option<ClientError> {
        match self.state {
            State::Line { .. } => None,
            State::Body {
                missing: Missing::Size,
                ..
            } => Some(bad_body("IDENTIFY failed to read body size")),
            State::Body {
                missing: Missing::Bytes,
                ..
            } => Some(bad_body("IDENTIFY failed to read body")),
        }
    }

    fn advance<'b>(&mut self, buf: &'b [u8]) -> Result<LookupDecoded<'b>, DecodeError> {
        let scanned = match self.state {
            State::Line { scanned } => scanned,
            State::Body { line_len, .. } => return Ok(self.identify(buf, line_len)?),
        };
        let consumed = match find_line(buf, scanned) {
            Ok(Some(line_len)) => line_len,
            Ok(None) => {
                self.state = State::Line { scanned: buf.len() };
                return Ok(LookupDecoded::NeedMore { total: buf.len() + 1 });
            }
            Err(TooLong) => return Err(DecodeError::LineTooLong),
        };
        let mut words = Words::of_text(trim(buf.get(..consumed).unwrap_or_default()));
        let verb = words.next().unwrap_or_default();
        let command = match verb {
            b"PING" => LookupCommand::Ping,
            b"IDENTIFY" if self.identified => return Err(invalid("cannot IDENTIFY again").into()),
            b"IDENTIFY" => return Ok(self.identify(buf, consumed)?),
            b"REGISTER" => {
                let (topic, channel) = self.registration("REGISTER", &mut words)?;
                LookupCommand::Register { topic, channel }
            }
            b"UNREGISTER" => {
                let (topic, channel) = self.registration("UNREGISTER", &mut words)?;
                LookupCommand::Unregister { topic, channel }
            }
            _ => return Err(invalid([b"invalid command ", verb].concat()).into()),
        };
        Ok(LookupDecoded::Command { command, consumed })
    }

    fn identify<'b>(&mut self, buf: &'b [u8], line_len: usize) -> Result<LookupDecoded<'b>, ClientError> {
        let body = buf.get(line_len..).unwrap_or_default();
        let Some((size, rest)) = body.split_first_chunk() else {
            self.state = State::Body {
                line_len,
                missing: Missing::Size,
            };
            return Ok(LookupDecoded::NeedMore {
                total: line_len + SIZE_LEN,
            });
        };
        let size = i32::from_be_bytes(*size);
        let len = usize::try_from(size).map_err(|_| bad_body("IDENTIFY invalid body size"))?;
        if len > IDENTIFY_BODY_LEN_MAX {
            return Err(bad_body(format!(
                "IDENTIFY body too big {size} > {IDENTIFY_BODY_LEN_MAX}"
            )));
        }
        let consumed = line_len + SIZE_LEN + len;
        let Some(body) = rest.get(..len) else {
            self.state = State::Body {
                line_len,
                missing: Missing::Bytes,
            };
            return Ok(LookupDecoded::NeedMore { total: consumed });
        };
        let info = PeerInfo::from_json(body)?;
        self.identified = true;
        Ok(LookupDecoded::Command {
            command: LookupCommand::Identify(info),
            consumed,
        })
    }

    fn registration<'b>(
        &self,
        verb: &str,
        words: &mut Words<'b>,
    ) -> Result<(TopicRef<'b>, Option<ChannelRef<'b>>), ClientError> {
        if !self.identified {
            return Err(invalid("client must IDENTIFY"));
        }
        let Some(topic) = words.next() else {
            return Err(invalid(format!("{verb} insufficient number of params")));
        };
        // Two spaces behind the topic name no channel, upstream and here.
        let channel = words.next().filter(|channel| !channel.is_empty());
        let topic =
            TopicRef::parse(topic).map_err(|_| invalid_name(ErrorCode::BadTopic, verb, "topic", topic))?;
        let channel = channel
            .map(|channel| {
                ChannelRef::parse(channel)
                    .map_err(|_| invalid_name(ErrorCode::BadChannel, verb, "channel", channel))
            })
            .transpose()?;
        Ok((topic, channel))
    }
}

/// Removes white space from both ends: Go's ASCII white space, which has the vertical tab that Rust's lacks.
fn trim(mut line: &[u8]) -> &[u8] {
    let is_space = |byte: u8| byte.is_ascii_whitespace() || byte == b'\x0b';
    while let [first, rest @ ..] = line
        && is_space(*first)
    {
        line = rest;
    }
    while let [rest @ .., last] = line
        && is_space(*last)
    {
        line = rest;
    }
    line
}

fn invalid_name(code: ErrorCode, verb: &str, what: &str, name: &[u8]) -> ClientError {
    let description = [
        format!("{verb} {what} name '").as_bytes(),
        name,
        b"' is not valid",
    ]
    .concat();
    ClientError::new(code, description)
}

fn invalid(description: impl AsRef<[u8]>) -> ClientError {
    ClientError::new(ErrorCode::Invalid, description)
}

fn bad_body(description: impl AsRef<[u8]>) -> ClientError {
    ClientError::new(ErrorCode::BadBody, description)
}
