//! The client's side of a command.

use std::error::Error;
use std::fmt;

use bytes::BufMut;

use super::{Command, Verb};
use crate::frame::SIZE_LEN;
use crate::message::MessageId;
use crate::name::{ChannelRef, TopicRef};

/// A body that a signed 32-bit size cannot announce. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyTooLong {
    /// Length of the body in bytes.
    pub len: usize,
}

impl fmt::Display for BodyTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a body of {} bytes is longer than the protocol can carry",
            self.len
        )
    }
}

impl Error for BodyTooLong {}

/// Appends `IDENTIFY` with its body, which [`IdentifyRequest::to_json`] makes.
///
/// # Errors
///
/// [`BodyTooLong`].
///
/// [`IdentifyRequest::to_json`]: crate::identify::IdentifyRequest::to_json
pub fn encode_identify(buf: &mut impl BufMut, body: &[u8]) -> Result<(), BodyTooLong> {
    put_with_body(buf, Verb::Identify, &[], body)
}

/// Appends `AUTH` with its secret.
///
/// # Errors
///
/// [`BodyTooLong`].
pub fn encode_auth(buf: &mut impl BufMut, secret: &[u8]) -> Result<(), BodyTooLong> {
    put_with_body(buf, Verb::Auth, &[], secret)
}

/// Appends `SUB`.
pub fn encode_sub(buf: &mut impl BufMut, topic: TopicRef<'_>, channel: ChannelRef<'_>) {
    put_line(
        buf,
        Verb::Sub,
        &[topic.as_str().as_bytes(), channel.as_str().as_bytes()],
    );
}

/// Appends `PUB` with its message.
///
/// ```
/// use nsq_protocol::command::encode_pub;
/// use nsq_protocol::name::TopicName;
///
/// let mut buf = Vec::new();
/// encode_pub(&mut buf, TopicName::new("orders")?.as_name_ref(), b"hi")?;
/// assert_eq!(buf, b"PUB orders\n\0\0\0\x02hi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`BodyTooLong`].
pub fn encode_pub(buf: &mut impl BufMut, topic: TopicRef<'_>, body: &[u8]) -> Result<(), BodyTooLong> {
    put_with_body(buf, Verb::Pub, &[topic.as_str().as_bytes()], body)
}

/// Appends `MPUB` with its messages. nsqd refuses it when there are none.
///
/// # Errors
///
/// [`BodyTooLong`], when the messages together are too long.
pub fn encode_mpub<B: AsRef<[u8]>>(
    buf: &mut impl BufMut,
    topic: TopicRef<'_>,
    bodies: &[B],
) -> Result<(), BodyTooLong> {
    let encoded_len = |body: &B| SIZE_LEN + body.as_ref().len();
    let len = bodies
        .iter()
        .map(encoded_len)
        .fold(SIZE_LEN, usize::saturating_add);
    let size = size_of(len)?;
    // None of these can be too long any more: each is less than the whole.
    let count = size_of(bodies.len())?;
    put_line(buf, Verb::Mpub, &[topic.as_str().as_bytes()]);
    buf.put_i32(size);
    buf.put_i32(count);
    for body in bodies.iter().map(B::as_ref) {
        buf.put_i32(size_of(body.len())?);
        buf.put_slice(body);
    }
    Ok(())
}

/// Appends `DPUB` with its message, which each channel holds back for `defer_ms` milliseconds.
///
/// # Errors
///
/// [`BodyTooLong`].
pub fn encode_dpub(
    buf: &mut impl BufMut,
    topic: TopicRef<'_>,
    defer_ms: u64,
    body: &[u8],
) -> Result<(), BodyTooLong> {
    put_with_body(
        buf,
        Verb::Dpub,
        &[topic.as_str().as_bytes(), defer_ms.to_string().as_bytes()],
        body,
    )
}

/// Appends `RDY`.
pub fn encode_rdy(buf: &mut impl BufMut, count: u64) {
    put_line(buf, Verb::Rdy, &[count.to_string().as_bytes()]);
}

/// Appends `FIN`.
pub fn encode_fin(buf: &mut impl BufMut, id: MessageId) {
    put_line(buf, Verb::Fin, &[id.as_bytes()]);
}

/// Appends `REQ`, which puts the message back after `timeout_ms` milliseconds.
pub fn encode_req(buf: &mut impl BufMut, id: MessageId, timeout_ms: u64) {
    put_line(
        buf,
        Verb::Req,
        &[id.as_bytes(), timeout_ms.to_string().as_bytes()],
    );
}

/// Appends `TOUCH`.
pub fn encode_touch(buf: &mut impl BufMut, id: MessageId) {
    put_line(buf, Verb::Touch, &[id.as_bytes()]);
}

/// Appends `CLS`.
pub fn encode_cls(buf: &mut impl BufMut) {
    put_line(buf, Verb::Cls, &[]);
}

/// Appends `NOP`.
pub fn encode_nop(buf: &mut impl BufMut) {
    put_line(buf, Verb::Nop, &[]);
}

impl Command<'_> {
    /// Appends the command as a client sends it.
    ///
    /// # Errors
    ///
    /// [`BodyTooLong`], which a decoded command never is.
    pub fn encode(&self, buf: &mut impl BufMut) -> Result<(), BodyTooLong> {
        match *self {
            Self::Identify { body } => encode_identify(buf, body)?,
            Self::Auth { secret } => encode_auth(buf, secret)?,
            Self::Sub { topic, channel } => encode_sub(buf, topic, channel),
            Self::Pub { topic, body } => encode_pub(buf, topic, body)?,
            Self::Mpub { topic, bodies } => encode_mpub(buf, topic, &bodies.iter().collect::<Vec<_>>())?,
            Self::Dpub {
                topic,
                defer_ms,
                body,
            } => encode_dpub(buf, topic, defer_ms, body)?,
            Self::Rdy { count } => encode_rdy(buf, count),
            Self::Fin { id } => encode_fin(buf, id),
            Self::Req { id, timeout_ms } => encode_req(buf, id, timeout_ms),
            Self::Touch { id } => encode_touch(buf, id),
            Self::Cls => encode_cls(buf),
            Self::Nop => encode_nop(buf),
        }
        Ok(())
    }
}

fn put_with_body(
    buf: &mut impl BufMut,
    verb: Verb,
    params: &[&[u8]],
    body: &[u8],
) -> Result<(), BodyTooLong> {
    let size = size_of(body.len())?;
    put_line(buf, verb, params);
    buf.put_i32(size);
    buf.put_slice(body);
    Ok(())
}

pub(super) fn put_line(buf: &mut impl BufMut, verb: Verb, params: &[&[u8]]) {
    buf.put_slice(verb.as_str().as_bytes());
    for param in params {
        buf.put_u8(b' ');
        buf.put_slice(param);
    }
    buf.put_u8(b'\n');
}

pub(super) fn size_of(len: usize) -> Result<i32, BodyTooLong> {
    i32::try_from(len).map_err(|_| BodyTooLong { len })
}
