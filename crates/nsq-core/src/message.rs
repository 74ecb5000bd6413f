//! A message while it is inside nsqd.

use bytes::{Buf, Bytes};
use nsq_protocol::message::{MESSAGE_HEADER_LEN, MessageHeader};

use crate::guid::Guid;

/// Bodies up to this size are copied out of a shared buffer when their message is about to wait long:
/// see [`Message::detach`].
const DETACH_LEN_MAX: usize = 4096;

/// A message and what is known of it. Cloning shares the body.
#[derive(Clone, Debug)]
pub struct Message {
    /// The body; never copied per channel. A slice of the buffer it arrived in.
    pub body: Bytes,
    /// When nsqd accepted the message, nanoseconds since the Unix epoch; kept on requeue and restart.
    pub timestamp_ns: i64,
    /// Unique within the topic of this nsqd.
    pub id: Guid,
    /// With `tag`: the ticket of its record, or how long it is to wait. See [`Message::ticket`] and
    /// [`Message::defer_ms`]; it never has both.
    low: u32,
    tag: u16,
    /// How often it was sent to a consumer; saturates at 65,535, where upstream wraps.
    pub attempts: u16,
}

/// Set in `tag` if there is a record. The other bits continue `low`: 47 bits of tickets last for years.
const HAS_RECORD: u16 = 1 << 15;

// The aim is at most 64 bytes beyond the body per queued message.
const _: () = assert!(size_of::<Message>() <= 56);

impl Message {
    /// A message that was never sent.
    pub fn new(id: Guid, timestamp_ns: i64, body: Bytes) -> Self {
        Self {
            body,
            timestamp_ns,
            id,
            low: 0,
            tag: 0,
            attempts: 0,
        }
    }

    /// By what its record in the disk queue is consumed, once the message is finished or safe elsewhere. `None` if
    /// it is in memory only.
    #[inline]
    pub(crate) fn ticket(&self) -> Option<u64> {
        let high = u64::from(self.tag & !HAS_RECORD) << 32;
        (self.tag & HAS_RECORD != 0).then_some(high | u64::from(self.low))
    }

    pub(crate) fn set_ticket(&mut self, ticket: u64) {
        let [_, _, high @ .., a, b, c, d] = ticket.to_be_bytes();
        self.low = u32::from_be_bytes([a, b, c, d]);
        self.tag = u16::from_be_bytes(high) | HAS_RECORD;
    }

    /// How long the message waits once it has reached a channel, in milliseconds. Lost when the topic
    /// spills the message to disk, as upstream.
    #[inline]
    pub(crate) fn defer_ms(&self) -> u32 {
        if self.tag & HAS_RECORD == 0 { self.low } else { 0 }
    }

    pub(crate) fn set_defer_ms(&mut self, defer_ms: u32) {
        self.low = defer_ms;
        self.tag = 0;
    }

    /// Forgets record and delay: the message is on its way to a place of its own.
    #[inline]
    pub(crate) fn clear_aside(&mut self) {
        self.set_defer_ms(0);
    }

    /// The fields that precede the body on the wire and on disk.
    pub fn header(&self) -> MessageHeader {
        MessageHeader {
            timestamp_ns: self.timestamp_ns,
            attempts: self.attempts,
            id: self.id.message_id(),
        }
    }

    /// The message that a disk queue record holds; `None` if it is shorter than a header.
    ///
    /// An id that is not hexadecimal can only come from damage inside the id itself. The body may well
    /// be whole, so the message is delivered, under an id made from the damaged bytes.
    pub(crate) fn from_record(mut record: Bytes) -> Option<Self> {
        let header = MessageHeader::decode(&record)?;
        let id = Guid::from_message_id(&header.id).unwrap_or_else(|| hash_of(header.id.as_bytes()));
        record.advance(MESSAGE_HEADER_LEN);
        let mut message = Self::new(id, header.timestamp_ns, record);
        message.attempts = header.attempts;
        Some(message)
    }

    /// Gives a small body a buffer of its own.
    ///
    /// A body is a slice of the buffer it was read in, and keeps all of it alive. That is right for the
    /// many that leave together; one that stays behind (requeued, deferred, timed out) must not hold a
    /// buffer hundreds of times its size.
    pub(crate) fn detach(&mut self) {
        if self.body.len() <= DETACH_LEN_MAX {
            self.body = Bytes::copy_from_slice(&self.body);
        }
    }
}

/// FNV-1a, with the sign bit clear.
fn hash_of(bytes: &[u8]) -> Guid {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Guid::from_u64(hash >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gives_back_the_message_it_was_made_of() {
        let mut message = Message::new(
            Guid::from_u64(0x18a2_0c92_f3c0_7000),
            1_735,
            Bytes::from_static(b"body"),
        );
        message.attempts = 7;
        let mut record = message.header().encode().to_vec();
        record.extend_from_slice(&message.body);
        let read = Message::from_record(record.into()).unwrap();
        assert_eq!(
            (read.id, read.timestamp_ns, read.attempts),
            (message.id, 1_735, 7)
        );
        assert_eq!(read.body, message.body);
    }

    #[test]
    fn a_damaged_id_does_not_cost_the_body() {
        let mut record = Message::new(Guid::from_u64(1), 5, Bytes::new())
            .header()
            .encode()
            .to_vec();
        record[12] = b'Z';
        record.extend_from_slice(b"kept");
        let read = Message::from_record(record.into()).unwrap();
        assert_eq!(&read.body[..], b"kept");
        assert!(read.id.as_u64() <= u64::MAX >> 1);
    }

    #[test]
    fn a_message_has_a_ticket_or_a_delay() {
        let mut message = Message::new(Guid::from_u64(1), 0, Bytes::new());
        assert_eq!((message.ticket(), message.defer_ms()), (None, 0));
        for ticket in [0, 1, u64::from(u32::MAX), (1 << 47) - 1] {
            message.set_defer_ms(u32::MAX);
            assert_eq!((message.ticket(), message.defer_ms()), (None, u32::MAX));
            message.set_ticket(ticket);
            assert_eq!((message.ticket(), message.defer_ms()), (Some(ticket), 0));
        }
        message.clear_aside();
        assert_eq!((message.ticket(), message.defer_ms()), (None, 0));
    }

    #[test]
    fn a_record_shorter_than_a_header_is_no_message() {
        assert!(Message::from_record(Bytes::from_static(&[0; 25])).is_none());
    }
}
