//! Messages gathered for one command.

use bytes::{BufMut, Bytes, BytesMut};

use super::Verb;
use super::encode::{BodyTooLong, put_line, size_of};
use crate::frame::SIZE_LEN;
use crate::name::{NAME_LEN_MAX, TopicRef};

/// Room in front of the messages for the longest line, the size and the count of an `MPUB`, so that the
/// command ends up in one piece whatever it turns out to be.
const ROOM: usize = "MPUB ".len() + NAME_LEN_MAX + "\n".len() + 2 * SIZE_LEN;

/// Messages for one topic that are encoded as they come, into what becomes a `PUB` or an `MPUB`.
///
/// ```
/// use nsq_protocol::command::Gathered;
/// use nsq_protocol::name::TopicName;
///
/// let topic = TopicName::new("orders")?;
/// let mut gathered = Gathered::default();
/// gathered.push(b"hi")?;
/// assert_eq!(gathered.clone().into_command(topic.as_name_ref())?, "PUB orders\n\0\0\0\x02hi");
/// gathered.push(b"ho")?;
/// assert_eq!(
///     gathered.into_command(topic.as_name_ref())?,
///     "MPUB orders\n\0\0\0\x10\0\0\0\x02\0\0\0\x02hi\0\0\0\x02ho"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Gathered {
    /// [`ROOM`] bytes, then each message with its size in front.
    buf: BytesMut,
    count: usize,
}

impl Default for Gathered {
    fn default() -> Self {
        Self::reusing(BytesMut::new())
    }
}

impl Gathered {
    /// No messages yet, in the memory of `buf`, whose contents are dropped.
    pub fn reusing(mut buf: BytesMut) -> Self {
        buf.clear();
        buf.put_bytes(0, ROOM);
        Self { buf, count: 0 }
    }

    /// Adds a message.
    ///
    /// # Errors
    ///
    /// [`BodyTooLong`], when it is, or the messages together are. It has not been added then.
    pub fn push(&mut self, body: &[u8]) -> Result<(), BodyTooLong> {
        let len = self.encoded_len() + SIZE_LEN + body.len();
        size_of(len + SIZE_LEN)?;
        self.buf.put_i32(size_of(body.len())?);
        self.buf.put_slice(body);
        self.count += 1;
        Ok(())
    }

    /// How many messages there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Bytes that the messages and their sizes take.
    pub fn encoded_len(&self) -> usize {
        self.buf.len() - ROOM
    }

    /// The command that publishes the messages: a `PUB` for one, otherwise an `MPUB`, which nsqd refuses
    /// when there are none.
    ///
    /// # Errors
    ///
    /// [`BodyTooLong`], which [`push`](Self::push) has ruled out.
    pub fn into_command(self, topic: TopicRef<'_>) -> Result<Bytes, BodyTooLong> {
        if self.count == 1 {
            let line = line(Verb::Pub, topic, &[]);
            Ok(self.prefixed(&line))
        } else {
            self.into_mpub(topic)
        }
    }

    /// An `MPUB` with the messages, even if there is only one.
    ///
    /// # Errors
    ///
    /// As [`into_command`](Self::into_command).
    pub fn into_mpub(self, topic: TopicRef<'_>) -> Result<Bytes, BodyTooLong> {
        let numbers = [size_of(self.encoded_len() + SIZE_LEN)?, size_of(self.count)?];
        let line = line(Verb::Mpub, topic, &numbers);
        Ok(self.prefixed(&line))
    }

    /// The messages with `line` directly in front of them. The room holds the longest one.
    fn prefixed(mut self, line: &[u8]) -> Bytes {
        let mut command = self.buf.split_off(ROOM.saturating_sub(line.len()));
        for (at, byte) in command.iter_mut().zip(line) {
            *at = *byte;
        }
        command.freeze()
    }
}

fn line(verb: Verb, topic: TopicRef<'_>, numbers: &[i32]) -> Vec<u8> {
    let mut line = Vec::with_capacity(ROOM);
    put_line(&mut line, verb, &[topic.as_str().as_bytes()]);
    for &number in numbers {
        line.put_i32(number);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{encode_mpub, encode_pub};
    use crate::name::TopicName;

    #[test]
    fn what_is_gathered_encodes_as_if_it_had_come_at_once() {
        for topic in ["t", &"n".repeat(NAME_LEN_MAX)] {
            let topic = TopicName::new(topic).unwrap();
            let bodies: [&[u8]; 3] = [b"one", b"", b"three\n"];
            for count in 0..=bodies.len() {
                let mut gathered = Gathered::reusing(BytesMut::from(&b"leftovers"[..]));
                for body in &bodies[..count] {
                    gathered.push(body).unwrap();
                }
                assert_eq!(gathered.count(), count);
                let mut mpub = Vec::new();
                encode_mpub(&mut mpub, topic.as_name_ref(), &bodies[..count]).unwrap();
                assert_eq!(gathered.clone().into_mpub(topic.as_name_ref()).unwrap(), mpub);
                let mut expected = mpub;
                if count == 1 {
                    expected.clear();
                    encode_pub(&mut expected, topic.as_name_ref(), bodies[0]).unwrap();
                }
                assert_eq!(gathered.into_command(topic.as_name_ref()).unwrap(), expected);
            }
        }
    }
}
