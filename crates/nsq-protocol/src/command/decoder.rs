//! nsqd's side of a command.

use super::line::{TooLong, Words, find_line, parse_number};
use super::mpub::{Fault, Gap, Progress, Scan};
use super::{Admission, Admit, AdmitMpub, Command, DecodeError, Decoded, Limits, MpubBodies, Verb};
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

/// One look at the pending command.
struct Look<'l, 'b> {
    limits: &'l Limits,
    buf: &'b [u8],
    line_len: usize,
    /// The bytes that the command takes.
    consumed: usize,
    /// What the command waited for since the last look; `None` at the first.
    waited: Option<Wait>,
}

/// Why a look yields no command.
enum Pause {
    /// It is not complete.
    Wait(Wait),
    /// The session does not know yet whether it is admitted.
    Postpone,
    /// It is refused.
    Refuse(ClientError),
}

impl From<ClientError> for Pause {
    fn from(error: ClientError) -> Self {
        Self::Refuse(error)
    }
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
    /// a call that asked for more is there again, unchanged. `admission` is asked once per command, and from
    /// the beginning after it postponed one.
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
        let (line_len, waited) = match self.state {
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
            State::Body { line_len, wait } => (line_len, Some(wait)),
        };
        let mut words = Words::of_line(buf.get(..line_len).unwrap_or_default());
        let name = words.next().unwrap_or_default();
        let verb = Verb::from_bytes(name);
        if waited.is_none() && admission.admit(verb, name)? == Admit::Ignore {
            return Ok(Decoded::Ignored { consumed: line_len });
        }
        let Some(verb) = verb else {
            return Err(invalid([b"invalid command ", name].concat()).into());
        };
        let mut look = Look {
            limits: &self.limits,
            buf,
            line_len,
            consumed: line_len,
            waited,
        };
        match look.command(verb, words, admission) {
            Ok(command) => Ok(Decoded::Command {
                command,
                consumed: look.consumed,
            }),
            Err(Pause::Wait(wait)) => {
                self.state = State::Body { line_len, wait };
                Ok(Decoded::NeedMore { total: wait.total })
            }
            Err(Pause::Postpone) => Ok(Decoded::Postponed),
            Err(Pause::Refuse(error)) => Err(error.into()),
        }
    }
}

impl<'b> Look<'_, 'b> {
    #[inline]
    fn command(
        &mut self,
        verb: Verb,
        mut words: Words<'b>,
        admission: &mut impl Admission,
    ) -> Result<Command<'b>, Pause> {
        Ok(match verb {
            Verb::Pub => {
                let [topic] = params(&mut words, verb, "parameters")?;
                let topic = parse_topic(topic, verb)?;
                Command::Pub {
                    topic,
                    body: self.message(verb)?,
                }
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
                Command::Dpub {
                    topic,
                    defer_ms,
                    body: self.message(verb)?,
                }
            }
            Verb::Mpub => {
                let [topic] = params(&mut words, verb, "parameters")?;
                let topic = parse_mpub_topic(topic)?;
                if self.waited.is_none() && admission.admit_mpub(topic)? == AdmitMpub::Postpone {
                    return Err(Pause::Postpone);
                }
                Command::Mpub {
                    topic,
                    bodies: self.mpub_bodies()?,
                }
            }
            Verb::Identify => Command::Identify {
                body: self.body(verb)?,
            },
            Verb::Auth => {
                if words.next().is_some() {
                    return Err(invalid("AUTH invalid number of parameters").into());
                }
                Command::Auth {
                    secret: self.body(verb)?,
                }
            }
        })
    }

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

    /// The body of a command that is not a message.
    fn body(&mut self, verb: Verb) -> Result<&'b [u8], Pause> {
        let (size, rest) = self.split_size(verb)?;
        let len = check_body_size(size, verb, self.limits)?;
        self.take(len, rest, verb)
    }

    /// The body of a command that is a message.
    #[inline]
    fn message(&mut self, verb: Verb) -> Result<&'b [u8], Pause> {
        let (size, rest) = self.split_size(verb)?;
        let len = match usize::try_from(size) {
            Ok(len @ 1..) if i64::from(size) <= self.limits.max_msg_size => len,
            Ok(1..) => return Err(message_too_big(verb, size, self.limits).into()),
            _ => return Err(invalid_message_size(verb, size).into()),
        };
        self.take(len, rest, verb)
    }

    fn mpub_bodies(&mut self) -> Result<MpubBodies<'b>, Pause> {
        let (size, data) = self.split_size(Verb::Mpub)?;
        if size <= 0 {
            return Err(bad_body(format!("MPUB invalid body size {size}")).into());
        }
        let announced = check_body_size(size, Verb::Mpub, self.limits)?;
        let mut scan = self.waited.map(|wait| wait.scan).unwrap_or_default();
        let data_at = self.line_len + SIZE_LEN;
        match scan
            .advance(data, self.limits)
            .map_err(|fault| mpub_error(fault, self.limits))?
        {
            Progress::Complete { bodies, len } => {
                self.consumed = data_at + len;
                Ok(bodies)
            }
            Progress::Incomplete { gap, needed } => Err(Pause::Wait(Wait {
                needed: data_at + needed,
                total: data_at + needed.max(announced),
                missing: Missing::Mpub(gap),
                scan,
            })),
        }
    }

    /// The size behind the line, and what follows the size.
    #[inline]
    fn split_size(&self, verb: Verb) -> Result<(i32, &'b [u8]), Pause> {
        match self.buf.get(self.line_len..).and_then(<[u8]>::split_first_chunk) {
            Some((size, rest)) => Ok((i32::from_be_bytes(*size), rest)),
            None => Err(Pause::Wait(Wait::until(
                self.line_len + SIZE_LEN,
                Missing::Size(verb),
            ))),
        }
    }

    /// The first `len` bytes of what follows the size.
    #[inline]
    fn take(&mut self, len: usize, rest: &'b [u8], verb: Verb) -> Result<&'b [u8], Pause> {
        self.consumed = self.line_len + SIZE_LEN + len;
        rest.get(..len)
            .ok_or_else(|| Pause::Wait(Wait::until(self.consumed, Missing::Bytes(verb))))
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
        *param = words.next().ok_or_else(|| too_few_params(verb, noun))?;
    }
    Ok(params)
}

#[inline]
fn parse_topic(raw: &[u8], verb: Verb) -> Result<TopicRef<'_>, ClientError> {
    TopicRef::parse(raw).map_err(|_| invalid_topic(verb, raw))
}

/// As [`parse_topic`], but upstream names the code twice here, and clients have seen it so for years.
fn parse_mpub_topic(raw: &[u8]) -> Result<TopicRef<'_>, ClientError> {
    TopicRef::parse(raw).map_err(|_| {
        let description = format!("E_BAD_TOPIC MPUB topic name {} is not valid", quote(raw));
        ClientError::new(ErrorCode::BadTopic, description)
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
    MessageId::try_from(raw).map_err(|_| invalid_id())
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

#[cold]
fn too_few_params(verb: Verb, noun: &str) -> ClientError {
    invalid(format!("{verb} insufficient number of {noun}"))
}

#[cold]
fn invalid_topic(verb: Verb, raw: &[u8]) -> ClientError {
    ClientError::new(
        ErrorCode::BadTopic,
        format!("{verb} topic name {} is not valid", quote(raw)),
    )
}

#[cold]
fn invalid_id() -> ClientError {
    invalid("invalid message ID")
}

#[cold]
fn invalid_message_size(verb: Verb, size: i32) -> ClientError {
    bad_message(format!("{verb} invalid message body size {size}"))
}

#[cold]
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
