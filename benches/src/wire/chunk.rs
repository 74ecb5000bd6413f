//! Requests rendered once and sent many times.

use super::body::{Tally, mix};
use super::command::{self, DELAY_DIGITS};
use crate::clock::MILLISECOND_NS;

/// How messages are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// `PUB`, one request per message.
    Pub,
    /// `DPUB`, one request per message, each deferred by a time between the two, in milliseconds.
    Dpub {
        /// Shortest delay.
        from_ms: u32,
        /// Longest delay, below 1,000,000.
        to_ms: u32,
    },
    /// `MPUB`, one request per chunk.
    Mpub,
    /// `POST /pub`, one request per message.
    HttpPub,
    /// `POST /mpub?binary=true`, one request per chunk.
    HttpMpub,
}

impl Method {
    /// Whether requests travel over HTTP instead of V2.
    pub(crate) fn is_http(self) -> bool {
        matches!(self, Self::HttpPub | Self::HttpMpub)
    }

    /// Whether all messages of a chunk are one request with one answer.
    fn is_batch(self) -> bool {
        matches!(self, Self::Mpub | Self::HttpMpub)
    }
}

/// A run of requests that is written as one piece, with the places that change from one sending to the next.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    answers: u32,
}

/// Where one message of a chunk keeps what changes.
#[derive(Debug, Clone, Copy)]
struct Slot {
    body_at: usize,
    delay: Option<Delay>,
}

/// The delay of a `DPUB`.
#[derive(Debug, Clone, Copy)]
struct Delay {
    digits_at: usize,
    from_ms: u32,
    to_ms: u32,
}

impl Chunk {
    /// Renders one message per entry of `bodies` (their sizes), the topics taken in turn; a batch goes to the first
    /// topic alone.
    pub(crate) fn render(method: Method, topics: &[String], bodies: &[usize]) -> Self {
        let mut bytes = Vec::new();
        let first = topics.first().map_or("", String::as_str);
        let plain = |body_at| Slot { body_at, delay: None };
        let each = bodies.iter().zip(topics.iter().cycle());
        let slots = match method {
            Method::Mpub => command::publish_many(&mut bytes, first, bodies)
                .into_iter()
                .map(plain)
                .collect(),
            Method::HttpMpub => command::http_publish_many(&mut bytes, first, bodies)
                .into_iter()
                .map(plain)
                .collect(),
            Method::Pub => each
                .map(|(size, topic)| plain(command::publish(&mut bytes, topic, *size)))
                .collect(),
            Method::HttpPub => each
                .map(|(size, topic)| plain(command::http_publish(&mut bytes, topic, *size)))
                .collect(),
            Method::Dpub { from_ms, to_ms } => each
                .map(|(size, topic)| {
                    let (digits_at, body_at) = command::publish_deferred(&mut bytes, topic, *size);
                    Slot {
                        body_at,
                        delay: Some(Delay {
                            digits_at,
                            from_ms,
                            to_ms,
                        }),
                    }
                })
                .collect(),
        };
        let requests = if method.is_batch() { 1 } else { bodies.len() };
        Self {
            bytes,
            slots,
            answers: u32::try_from(requests).unwrap_or(u32::MAX),
        }
    }

    /// What to write.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Answers that the server owes for it.
    pub(crate) fn answers(&self) -> u32 {
        self.answers
    }

    /// Messages in it.
    pub(crate) fn messages(&self) -> u64 {
        self.slots.len() as u64
    }

    /// Numbers the messages from `sequence` on and adds them to `tally`. The stamp of a message is `now_ns`, plus its
    /// delay if it has one: the moment from which a consumer may see it.
    pub(crate) fn stamp(&mut self, sequence: u64, now_ns: u64, tally: &mut Tally) {
        for (sequence, slot) in (sequence..).zip(&self.slots) {
            tally.add(sequence);
            let mut stamp_ns = now_ns;
            if let Some(delay) = slot.delay {
                let delay_ms = delay.of(sequence);
                stamp_ns += u64::from(delay_ms) * MILLISECOND_NS;
                put(&mut self.bytes, delay.digits_at, digits(delay_ms));
            }
            put(&mut self.bytes, slot.body_at, sequence.to_be_bytes());
            put(&mut self.bytes, slot.body_at + 8, stamp_ns.to_be_bytes());
        }
    }
}

impl Delay {
    /// Spread evenly, and the same in every run.
    fn of(self, sequence: u64) -> u32 {
        let span = u64::from(self.to_ms.saturating_sub(self.from_ms)) + 1;
        self.from_ms + u32::try_from(mix(sequence) % span).unwrap_or(0)
    }
}

fn digits(mut value: u32) -> [u8; DELAY_DIGITS] {
    let mut digits = [b'0'; DELAY_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
    digits
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(place) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::super::body;
    use super::*;

    fn topics(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_batch_is_one_request_and_its_bodies_carry_consecutive_numbers() {
        let mut chunk = Chunk::render(Method::Mpub, &topics(&["t"]), &[20, 30]);
        let mut tally = Tally::default();
        chunk.stamp(7, 99, &mut tally);
        assert_eq!((chunk.answers(), chunk.messages(), tally.count), (1, 2, 2));
        let first = chunk.slots[0].body_at;
        let second = chunk.slots[1].body_at;
        assert_eq!(
            body::check(&chunk.bytes()[first..first + 20]).unwrap().sequence,
            7
        );
        assert_eq!(
            body::check(&chunk.bytes()[second..]).unwrap(),
            body::Stamped {
                sequence: 8,
                stamp_ns: 99
            }
        );
    }

    #[test]
    fn single_publishes_go_to_the_topics_in_turn() {
        let chunk = Chunk::render(Method::Pub, &topics(&["a", "b"]), &[16; 3]);
        let text = String::from_utf8_lossy(chunk.bytes()).into_owned();
        assert_eq!(chunk.answers(), 3);
        assert_eq!(
            (text.matches("PUB a\n").count(), text.matches("PUB b\n").count()),
            (2, 1)
        );
    }

    #[test]
    fn a_deferred_publish_is_stamped_with_the_moment_it_is_due() {
        let method = Method::Dpub {
            from_ms: 1_000,
            to_ms: 2_000,
        };
        let mut chunk = Chunk::render(method, &topics(&["t"]), &[16]);
        chunk.stamp(3, 5, &mut Tally::default());
        let text = String::from_utf8_lossy(&chunk.bytes()[7..13]).into_owned();
        let delay_ms: u64 = text.parse().unwrap();
        assert!((1_000..=2_000).contains(&delay_ms), "{delay_ms}");
        let stamped = body::check(&chunk.bytes()[chunk.slots[0].body_at..]).unwrap();
        assert_eq!(stamped.stamp_ns, 5 + delay_ms * MILLISECOND_NS);
    }
}
