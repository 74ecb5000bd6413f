//! nsqd's side of a command.

use super::line::{TooLong, Words, find_line, parse_number};
use super::mpub::{Fault, Gap, Progress, Scan};
use super::{Admission, Admit, Command, DecodeError, Decoded, Limits, Verb};
use crate::client_error::ClientError;
use crate::error_code::ErrorCode;
use crate::frame::SIZE_LEN;
use crate::message::MessageId;
use crate::name::{ChannelRef, TopicRef, quote};

/// Reads commands from the front of a receive buffer.
///
/// The caller keeps the bytes; the decoder keeps only how far it has looked into the command that is pending,
/// so no body is looked at twice however small the pieces are in which it arrives.
///
/// ```text
///           newline, admitted
///    Line ─────────────────────► Body ◄─┐
///    │  ▲                         │ │   │ more bytes
///    └──┘ more bytes              │ └───┘
///       ▲                         │
///       └──── command complete ───┘
/// ```
///
/// # Differs from upstream
///
/// An MPUB whose messages together exceed `max_body_size` is refused even if the size it announced did not.
/// Upstream only checks the announcement and reads whatever the messages take, without a bound.
#[derive(Debug)]
pub struct CommandDecoder {
    limits: Limits,
    state: State,
}

/// How far the pending command has been looked at.
#[derive(Debug, Clone, Copy)]
enum State {
    /// The first `scanned` bytes hold no newline.
    Line { scanned: usize },
    /// The line was complete and admitted, the body was not complete.
    Body { line_len: usize, wait: Wait },
}

/// What a command waits for.
#[derive(Debug, Clone, Copy)]
struct Wait {
    /// Looking again is pointless with fewer bytes than this.
    needed: usize,
    /// The bytes that the command announced, or `needed` if that is more.
    total: usize,
    /// What to tell the client if no more bytes come.
    missing: Missing,
    /// How far the messages of an MPUB have been checked.
    scan: Scan,
}

/// The part of a body that has not arrived.
#[derive(Debug, Clone, Copy)]
enum Missing {
    Size(Verb),
    Bytes(Verb),
    Mpub(Gap),
}

/// The bytes that belong to the pending command, and those after it.
#[derive(Debug, Clone, Copy)]
struct Input<'b> {
    buf: &'b [u8],
    line_len: usize,
}

/// How far a command got with the bytes there are.
enum Step<'b> {
    Complete { command: Command<'b>, consumed: usize },
    Wait(Wait),
}

/// A body as far as it has arrived.
enum Body<'b> {
    Complete { bytes: &'b [u8], consumed: usize },
    Wait(Wait),
}

impl CommandDecoder {
    /// A decoder for one connection.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Line { scanned: 0 },
        }
    }

    /// Decodes the command at the front of `buf`.
    ///
    /// `buf` begins at the first byte of the pending command: what was consumed is gone, and what was there at
    /// a call that asked for more is there again, unchanged. `admission` is asked once per command.
    ///
    /// # Errors
    ///
    /// [`DecodeError`]; the connection ends with it. The decoder has then forgotten the pending command.
    #[inline]
    pub fn decode<'b>(
        &mut self,
        buf: &'b [u8],
        admission: &mut impl Admission,
    ) -> Result<Decoded<'b>, DecodeError> {
        let decoded = self.advance(buf, admission);
        if !matches!(decoded, Ok(Decoded::NeedMore { .. })) {
            self.state = State::Line { scanned: 0 };
        }
        decoded
    }

    /// The error to send if the peer goes quiet or away now, because the pending command lacks its body.
    /// `None` between commands and within a line, where the connection is closed without a word.
    pub fn stalled(&self) -> Option<ClientError> {
        match self.state {
            State::Line { .. } => None,
            State::Body { wait, .. } => Some(wait.missing.into_error()),
        }
    }

    #[inline]
    fn advance<'b>(
        &mut self,
        buf: &'b [u8],
        admission: &mut impl Admission,
    ) -> Result<Decoded<'b>, DecodeError> {
        let (line_len, resumed) = match self.state {
            State::Line { scanned } => match find_line(buf, scanned) {
                Ok(Some(line_len)) => (line_len, None),
                Ok(None) => {
                    self.state = State::Line { scanned: buf.len() };
                    return Ok(Decoded::NeedMore { total: buf.len() + 1 });
                }
                Err(TooLong) => return Err(DecodeError::LineTooLong),
            },
            State::Body { wait, .. } if buf.len() < wait.needed => {
                return Ok(Decoded::NeedMore { total: wait.total });
            }
            State::Body { line_len, wait } => (line_len, Some(wait.scan)),
        };
        let mut words = Words::of_line(buf.get(..line_len).unwrap_or_default());
        let name = words.next().unwrap_or_default();
        let verb = Verb::from_bytes(name);
        if resumed.is_none() && admission.admit(verb, name)? == Admit::Ignore {
            return Ok(Decoded::Ignored { consumed: line_len });
        }
        let Some(verb) = verb else {
            return Err(invalid([b"invalid command ", name].concat()).into());
        };
        let input = Input { buf, line_len };
        match self.command(verb, words, input, resumed, admission)? {
            Step::Complete { command, consumed } => Ok(Decoded::Command { command, consumed }),
            Step::Wait(wait) => {
                self.state = State::Body { line_len, wait };
                Ok(Decoded::NeedMore { total: wait.total })
            }
        }
    }

    #[inline]
    fn command<'b>(
        &self,
        verb: Verb,
        mut words: Words<'b>,
        input: Input<'b>,
        resumed: Option<Scan>,
        admission: &mut impl Admission,
    ) -> Result<Step<'b>, ClientError> {
        let command = match verb {
            Verb::Pub => {
                let [topic] = params(&mut words, verb, "parameters")?;
                let topic = parse_topic(topic, verb)?;
                return Ok(input
                    .message(verb, &self.limits)?
                    .then(|body| Command::Pub { topic, body }));
            }
            Verb::Fin => {
                let [id] = params(&mut words, verb, "params")?;
                Command::Fin { id: parse_id(id)? }
            }
            Verb::Rdy => Command::Rdy {
                count: self.rdy_count(words.next())?,
            },
            Verb::Req => {
                let [id, timeout] = params(&mut words, verb, "params")?;
                let id = parse_id(id)?;
                Command::Req {
                    id,
                    timeout_ms: parse_timeout(timeout, verb)?,
                }
            }
            Verb::Touch => {
                let [id] = params(&mut words, verb, "params")?;
                Command::Touch { id: parse_id(id)? }
            }
            Verb::Nop => Command::Nop,
            Verb::Cls => Command::Cls,
            Verb::Sub => {
                let [topic, channel] = params(&mut words, verb, "parameters")?;
                let topic = parse_topic(topic, verb)?;
                Command::Sub {
                    topic,
                    channel: parse_channel(channel, verb)?,
                }
            }
            Verb::Dpub => {
                let [topic, defer] = params(&mut words, verb, "parameters")?;
                let topic = parse_topic(topic, verb)?;
                let defer_ms = self.defer_ms(defer)?;
                let message = input.message(verb, &self.limits)?;
                return Ok(message.then(|body| Command::Dpub {
                    topic,
                    defer_ms,
                    body,
                }));
            }
            Verb::Mpub => {
                let [topic] = params(&mut words, verb, "parameters")?;
                let topic = TopicRef::parse(topic).map_err(|_| {
                    // Upstream names the code twice here, and clients have seen it so for years.
                    let description = format!("E_BAD_TOPIC MPUB topic name {} is not valid", quote(topic));
                    ClientError::new(ErrorCode::BadTopic, description)
                })?;
                if resumed.is_none() {
                    admission.admit_mpub(topic)?;
                }
                let scan = resumed.unwrap_or_default();
                return input.mpub(topic, scan, &self.limits);
            }
            Verb::Identify => {
                return Ok(input
                    .body(verb, &self.limits)?
                    .then(|body| Command::Identify { body }));
            }
            Verb::Auth => {
                if words.next().is_some() {
                    return Err(invalid("AUTH invalid number of parameters"));
                }
                return Ok(input
                    .body(verb, &self.limits)?
                    .then(|secret| Command::Auth { secret }));
            }
        };
        Ok(Step::Complete {
            command,
            consumed: input.line_len,
        })
    }
}

impl CommandDecoder {
    fn rdy_count(&self, raw: Option<&[u8]>) -> Result<u64, ClientError> {
        let Some(raw) = raw else { return Ok(1) };
        let Some(count) = parse_number(raw) else {
            return Err(invalid([b"RDY could not parse count ", raw].concat()));
        };
        let max = self.limits.max_rdy_count;
        if i64::try_from(count).is_ok_and(|count| count <= max) {
            Ok(count)
        } else {
            Err(invalid(format!("RDY count {count} out of range 0-{max}")))
        }
    }

    fn defer_ms(&self, raw: &[u8]) -> Result<u64, ClientError> {
        let defer_ms = parse_timeout(raw, Verb::Dpub)?;
        let max = self.limits.max_req_timeout_ms;
        if defer_ms <= max {
            Ok(defer_ms)
        } else {
            Err(invalid(format!("DPUB timeout {defer_ms} out of range 0-{max}")))
        }
    }
}

impl<'b> Input<'b> {
    /// The body of a command that is not a message.
    fn body(self, verb: Verb, limits: &Limits) -> Result<Body<'b>, ClientError> {
        self.sized(verb, |size| check_body_size(size, verb, limits))
    }

    /// The body of a command that is a message.
    #[inline]
    fn message(self, verb: Verb, limits: &Limits) -> Result<Body<'b>, ClientError> {
        self.sized(verb, |size| match usize::try_from(size) {
            Ok(len @ 1..) if i64::from(size) <= limits.max_msg_size => Ok(len),
            Ok(1..) => Err(message_too_big(verb, size, limits)),
            _ => Err(bad_message(format!("{verb} invalid message body size {size}"))),
        })
    }

    #[inline]
    fn sized(
        self,
        verb: Verb,
        check: impl FnOnce(i32) -> Result<usize, ClientError>,
    ) -> Result<Body<'b>, ClientError> {
        let Some((size, rest)) = self.split_size() else {
            return Ok(Body::Wait(Wait::until(
                self.line_len + SIZE_LEN,
                Missing::Size(verb),
            )));
        };
        let len = check(i32::from_be_bytes(*size))?;
        let consumed = self.line_len + SIZE_LEN + len;
        Ok(match rest.get(..len) {
            Some(bytes) => Body::Complete { bytes, consumed },
            None => Body::Wait(Wait::until(consumed, Missing::Bytes(verb))),
        })
    }

    /// The body's size field and what follows it.
    #[inline]
    fn split_size(self) -> Option<(&'b [u8; SIZE_LEN], &'b [u8])> {
        self.buf.get(self.line_len..)?.split_first_chunk()
    }

    fn mpub(self, topic: TopicRef<'b>, mut scan: Scan, limits: &Limits) -> Result<Step<'b>, ClientError> {
        let verb = Verb::Mpub;
        let Some((size, data)) = self.split_size() else {
            return Ok(Step::Wait(Wait::until(
                self.line_len + SIZE_LEN,
                Missing::Size(verb),
            )));
        };
        let size = i32::from_be_bytes(*size);
        if size <= 0 {
            return Err(bad_body(format!("MPUB invalid body size {size}")));
        }
        let announced = check_body_size(size, verb, limits)?;
        let body_at = self.line_len + SIZE_LEN;
        match scan
            .advance(data, limits)
            .map_err(|fault| mpub_error(fault, limits))?
        {
            Progress::Complete { bodies, len } => Ok(Step::Complete {
                command: Command::Mpub { topic, bodies },
                consumed: body_at + len,
            }),
            Progress::Incomplete { gap, needed } => Ok(Step::Wait(Wait {
                needed: body_at + needed,
                total: body_at + needed.max(announced),
                missing: Missing::Mpub(gap),
                scan,
            })),
        }
    }
}

impl<'b> Body<'b> {
    #[inline]
    fn then(self, command: impl FnOnce(&'b [u8]) -> Command<'b>) -> Step<'b> {
        match self {
            Self::Complete { bytes, consumed } => Step::Complete {
                command: command(bytes),
                consumed,
            },
            Self::Wait(wait) => Step::Wait(wait),
        }
    }
}

impl Wait {
    fn until(needed: usize, missing: Missing) -> Self {
        Self {
            needed,
            total: needed,
            missing,
            scan: Scan::default(),
        }
    }
}

impl Missing {
    fn into_error(self) -> ClientError {
        match self {
            Self::Size(verb @ (Verb::Pub | Verb::Dpub)) => {
                bad_message(format!("{verb} failed to read message body size"))
            }
            Self::Bytes(verb @ (Verb::Pub | Verb::Dpub)) => {
                bad_message(format!("{verb} failed to read message body"))
            }
            Self::Size(verb) => bad_body(format!("{verb} failed to read body size")),
            Self::Bytes(verb) => bad_body(format!("{verb} failed to read body")),
            Self::Mpub(Gap::Count) => bad_body("MPUB failed to read message count"),
            Self::Mpub(Gap::Size { index }) => {
                bad_message(format!("MPUB failed to read message({index}) body size"))
            }
            Self::Mpub(Gap::Body) => bad_message("MPUB failed to read message body"),
        }
    }
}

/// The first `N` words, or the error about too few of them.
///
/// Upstream calls them "parameters" in some commands and "params" in others.
#[inline]
fn params<'b, const N: usize>(
    words: &mut Words<'b>,
    verb: Verb,
    noun: &str,
) -> Result<[&'b [u8]; N], ClientError> {
    let mut params = [b"".as_slice(); N];
    for param in &mut params {
        *param = words
            .next()
            .ok_or_else(|| invalid(format!("{verb} insufficient number of {noun}")))?;
    }
    Ok(params)
}

#[inline]
fn parse_topic(raw: &[u8], verb: Verb) -> Result<TopicRef<'_>, ClientError> {
    TopicRef::parse(raw).map_err(|_| {
        ClientError::new(
            ErrorCode::BadTopic,
            format!("{verb} topic name {} is not valid", quote(raw)),
        )
    })
}

fn parse_channel(raw: &[u8], verb: Verb) -> Result<ChannelRef<'_>, ClientError> {
    ChannelRef::parse(raw).map_err(|_| {
        ClientError::new(
            ErrorCode::BadChannel,
            format!("{verb} channel name {} is not valid", quote(raw)),
        )
    })
}

#[inline]
fn parse_id(raw: &[u8]) -> Result<MessageId, ClientError> {
    MessageId::try_from(raw).map_err(|_| invalid("invalid message ID"))
}

fn parse_timeout(raw: &[u8], verb: Verb) -> Result<u64, ClientError> {
    parse_number(raw)
        .ok_or_else(|| invalid([verb.as_str().as_bytes(), b" could not parse timeout ", raw].concat()))
}

/// IDENTIFY and AUTH report a size above the limit first, MPUB one that is not positive; no size is both.
fn check_body_size(size: i32, verb: Verb, limits: &Limits) -> Result<usize, ClientError> {
    let max = limits.max_body_size;
    match usize::try_from(size) {
        _ if i64::from(size) > max => Err(bad_body(format!("{verb} body too big {size} > {max}"))),
        Ok(len @ 1..) => Ok(len),
        _ => Err(bad_body(format!("{verb} invalid body size {size}"))),
    }
}

fn mpub_error(fault: Fault, limits: &Limits) -> ClientError {
    match fault {
        Fault::InvalidCount(count) => bad_body(format!("MPUB invalid message count {count}")),
        Fault::InvalidSize { index, size } => {
            bad_message(format!("MPUB invalid message({index}) body size {size}"))
        }
        Fault::MessageTooBig { size } => message_too_big(Verb::Mpub, size, limits),
        Fault::BodyTooBig { size } => {
            bad_body(format!("MPUB body too big {size} > {}", limits.max_body_size))
        }
    }
}

fn message_too_big(verb: Verb, size: i32, limits: &Limits) -> ClientError {
    bad_message(format!("{verb} message too big {size} > {}", limits.max_msg_size))
}

fn invalid(description: impl AsRef<[u8]>) -> ClientError {
    ClientError::new(ErrorCode::Invalid, description)
}

fn bad_body(description: impl AsRef<[u8]>) -> ClientError {
    ClientError::new(ErrorCode::BadBody, description)
}

fn bad_message(description: impl AsRef<[u8]>) -> ClientError {
    ClientError::new(ErrorCode::BadMessage, description)
}
