//! Topics and channels of a limit server: one log per topic, one position per channel.

use std::collections::{HashMap, VecDeque};

use super::Limit;
use crate::wire::body;
use crate::wire::frame;

/// Messages are kept and delivered in pieces of about this size.
const SEGMENT_BYTES: usize = 256 * 1024;

/// Spare segments that are kept for reuse, so that the relay does not pay for fresh memory when it keeps up.
const SPARE_MAX: usize = 16;

/// A topic's place in the broker.
pub(super) type TopicIndex = usize;

/// Everything that was published.
#[derive(Debug)]
pub(super) struct Broker {
    limit: Limit,
    by_name: HashMap<Vec<u8>, TopicIndex>,
    topics: Vec<Topic>,
    /// Topics that may have something to deliver.
    dirty: Vec<TopicIndex>,
}

/// One topic.
#[derive(Debug, Default)]
struct Topic {
    log: Log,
    channels: Vec<Channel>,
    is_dirty: bool,
}

/// One channel.
#[derive(Debug)]
struct Channel {
    name: Vec<u8>,
    at: Position,
    /// Connections that subscribe, by key.
    consumers: Vec<usize>,
    /// Whose turn it is.
    turn: usize,
}

impl Broker {
    /// An empty broker.
    pub(super) fn new(limit: Limit) -> Self {
        Self {
            limit,
            by_name: HashMap::new(),
            topics: Vec::new(),
            dirty: Vec::new(),
        }
    }

    /// Finds or creates a topic.
    pub(super) fn topic(&mut self, name: &[u8]) -> TopicIndex {
        if let Some(index) = self.by_name.get(name) {
            return *index;
        }
        let index = self.topics.len();
        self.topics.push(Topic::default());
        self.by_name.insert(name.to_owned(), index);
        index
    }

    /// Finds or creates a channel; a new one starts at the oldest message that is kept.
    pub(super) fn channel(&mut self, topic: TopicIndex, name: &[u8]) -> usize {
        let Some(topic) = self.topics.get_mut(topic) else {
            return 0;
        };
        if let Some(index) = topic.channels.iter().position(|channel| channel.name == name) {
            return index;
        }
        let at = topic.log.oldest();
        topic.channels.push(Channel {
            name: name.to_owned(),
            at,
            consumers: Vec::new(),
            turn: 0,
        });
        topic.channels.len() - 1
    }

    /// Adds a consumer.
    pub(super) fn subscribe(&mut self, topic: TopicIndex, channel: usize, consumer: usize) {
        if let Some(channel) = self
            .topics
            .get_mut(topic)
            .and_then(|topic| topic.channels.get_mut(channel))
        {
            channel.consumers.push(consumer);
        }
    }

    /// Removes a consumer.
    pub(super) fn unsubscribe(&mut self, topic: TopicIndex, channel: usize, consumer: usize) {
        if let Some(channel) = self
            .topics
            .get_mut(topic)
            .and_then(|topic| topic.channels.get_mut(channel))
        {
            channel.consumers.retain(|other| *other != consumer);
        }
    }

    /// Takes one message.
    pub(super) fn publish(&mut self, topic_index: TopicIndex, body: &[u8]) {
        let Some(topic) = self.topics.get_mut(topic_index) else {
            return;
        };
        match self.limit {
            Limit::Sink => return,
            Limit::Source => topic.log.count(body.len()),
            Limit::Relay => topic.log.push(body),
        }
        self.touch(topic_index);
    }

    /// Says that a topic may have something to deliver.
    pub(super) fn touch(&mut self, topic_index: TopicIndex) {
        if let Some(topic) = self.topics.get_mut(topic_index)
            && !topic.is_dirty
        {
            topic.is_dirty = true;
            self.dirty.push(topic_index);
        }
    }

    /// Delivers what can be delivered. `credit` tells how many messages a consumer takes at the moment; `send` gives
    /// it that many frames.
    pub(super) fn deliver(
        &mut self,
        mut credit: impl FnMut(usize) -> u32,
        mut send: impl FnMut(usize, &[u8], u32),
    ) {
        while let Some(index) = self.dirty.pop() {
            let Some(topic) = self.topics.get_mut(index) else {
                continue;
            };
            topic.is_dirty = false;
            for channel in &mut topic.channels {
                let mut refused = 0;
                while refused < channel.consumers.len() && !topic.log.is_end(channel.at) {
                    channel.turn = (channel.turn + 1) % channel.consumers.len();
                    let Some(consumer) = channel.consumers.get(channel.turn).copied() else {
                        break;
                    };
                    let allowed = credit(consumer);
                    if allowed == 0 {
                        refused += 1;
                        continue;
                    }
                    refused = 0;
                    let (bytes, count, next) = topic.log.read(channel.at, allowed);
                    send(consumer, bytes, count);
                    channel.at = next;
                }
            }
            if let Some(done) = topic.channels.iter().map(|channel| channel.at).min() {
                topic.log.trim(done);
            }
        }
    }
}

/// A place between two messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    segment: u64,
    offset: usize,
}

/// Messages as ready frames, in order.
#[derive(Debug, Default)]
struct Log {
    segments: VecDeque<Vec<u8>>,
    /// The number of the first segment.
    first: u64,
    spare: Vec<Vec<u8>>,
    next_id: u64,
    /// Messages that a source still has to invent, all of one size.
    invented: u64,
    invented_body_bytes: usize,
}

impl Log {
    fn oldest(&self) -> Position {
        Position {
            segment: self.first,
            offset: 0,
        }
    }

    fn slot(&self, position: Position) -> Option<&Vec<u8>> {
        self.segments
            .get(usize::try_from(position.segment.checked_sub(self.first)?).ok()?)
    }

    fn is_end(&self, position: Position) -> bool {
        let next = Position {
            segment: position.segment + 1,
            offset: 0,
        };
        self.invented == 0
            && self
                .slot(position)
                .is_none_or(|segment| segment.len() <= position.offset)
            && self.slot(next).is_none()
    }

    fn push(&mut self, body: &[u8]) {
        self.begin(body.len());
        let Some(segment) = self.segments.back_mut() else {
            return;
        };
        segment.extend_from_slice(body);
    }

    /// Notes one more message of `body_bytes` that will be made up when it is delivered.
    fn count(&mut self, body_bytes: usize) {
        self.invented += 1;
        self.invented_body_bytes = body_bytes;
    }

    /// Makes up to `allowed` of the counted messages.
    fn invent(&mut self, allowed: u32) {
        for _ in 0..u64::from(allowed).min(self.invented) {
            let body_bytes = self.invented_body_bytes;
            let sequence = self.next_id;
            self.begin(body_bytes);
            let Some(segment) = self.segments.back_mut() else {
                return;
            };
            segment.extend_from_slice(&sequence.to_be_bytes());
            segment.extend_from_slice(&[0; 8]);
            segment.extend_from_slice(body::filler(body_bytes));
            self.invented -= 1;
        }
    }

    /// Appends the header of a frame.
    fn begin(&mut self, body_bytes: usize) {
        let frame_bytes = frame::HEADER_BYTES + frame::MESSAGE_HEADER_BYTES + body_bytes;
        if self
            .segments
            .back()
            .is_none_or(|segment| segment.len() + frame_bytes > SEGMENT_BYTES)
        {
            let spare = self.spare.pop();
            self.segments
                .push_back(spare.unwrap_or_else(|| Vec::with_capacity(SEGMENT_BYTES.max(frame_bytes))));
        }
        let Some(segment) = self.segments.back_mut() else {
            return;
        };
        segment.extend_from_slice(&u32::try_from(frame_bytes - 4).unwrap_or(0).to_be_bytes());
        segment.extend_from_slice(&frame::MESSAGE.to_be_bytes());
        segment.extend_from_slice(&[0; 8]);
        segment.extend_from_slice(&[0, 1]);
        segment.extend_from_slice(&hexadecimal(self.next_id));
        self.next_id += 1;
    }

    /// Up to `allowed` frames of one segment from `at` on, their number, and where the next read begins.
    fn read(&mut self, at: Position, allowed: u32) -> (&[u8], u32, Position) {
        if self.invented > 0 {
            self.invent(allowed);
        }
        let mut at = at;
        if self.slot(at).is_some_and(|segment| segment.len() <= at.offset) {
            at = Position {
                segment: at.segment + 1,
                offset: 0,
            };
        }
        let rest = self
            .slot(at)
            .and_then(|segment| segment.get(at.offset..))
            .unwrap_or_default();
        let (mut length, mut count) = (0, 0);
        while count < allowed
            && let Some(size) = rest.get(length..).and_then(|frame| frame.first_chunk::<4>())
        {
            length += 4 + u32::from_be_bytes(*size) as usize;
            count += 1;
        }
        (
            rest.get(..length).unwrap_or_default(),
            count,
            Position {
                offset: at.offset + length,
                ..at
            },
        )
    }

    /// Forgets what lies before `position`.
    fn trim(&mut self, position: Position) {
        while self.first < position.segment
            && let Some(mut segment) = self.segments.pop_front()
        {
            self.first += 1;
            if self.spare.len() < SPARE_MAX && segment.capacity() == SEGMENT_BYTES {
                segment.clear();
                self.spare.push(segment);
            }
        }
    }
}

/// A message id as nsqd writes it.
fn hexadecimal(value: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'0'; 16];
    for (place, shift) in text.iter_mut().zip((0..16).rev()) {
        let digit = (value >> (shift * 4)) & 15;
        *place = DIGITS
            .get(usize::try_from(digit).unwrap_or(0))
            .copied()
            .unwrap_or(b'0');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Delivers with RDY `credit` for every consumer and returns the bodies each one got.
    fn deliver(broker: &mut Broker, credit: u32) -> HashMap<usize, Vec<Vec<u8>>> {
        let left = std::cell::RefCell::new(HashMap::<usize, u32>::new());
        let mut bodies: HashMap<usize, Vec<Vec<u8>>> = HashMap::new();
        broker.deliver(
            |consumer| *left.borrow_mut().entry(consumer).or_insert(credit),
            |consumer, bytes, count| {
                *left.borrow_mut().get_mut(&consumer).unwrap() -= count;
                let mut rest = bytes;
                while let Some((frame::Frame::Message(message), length)) = frame::parse(rest).unwrap() {
                    bodies.entry(consumer).or_default().push(message.body.to_vec());
                    rest = &rest[length..];
                }
            },
        );
        bodies
    }

    #[test]
    fn a_relay_delivers_every_message_to_every_channel_once_and_in_order() {
        let mut broker = Broker::new(Limit::Relay);
        let topic = broker.topic(b"t");
        for (channel, consumer) in [(&b"a"[..], 1), (b"b", 2)] {
            let channel = broker.channel(topic, channel);
            broker.subscribe(topic, channel, consumer);
        }
        let published: Vec<Vec<u8>> = (0..5_000_u32).map(|n| n.to_be_bytes().repeat(50)).collect();
        for body in &published {
            broker.publish(topic, body);
        }
        let mut received: HashMap<usize, Vec<Vec<u8>>> = HashMap::new();
        for _ in 0..6 {
            for (consumer, bodies) in deliver(&mut broker, 1_000) {
                received.entry(consumer).or_default().extend(bodies);
            }
            broker.touch(topic);
        }
        assert_eq!(received.get(&1), Some(&published));
        assert_eq!(received.get(&2), Some(&published));
    }

    #[test]
    fn a_source_invents_as_many_messages_as_were_published() {
        let mut broker = Broker::new(Limit::Source);
        let topic = broker.topic(b"t");
        for _ in 0..300 {
            broker.publish(topic, &[7; 200]);
        }
        let channel = broker.channel(topic, b"c");
        broker.subscribe(topic, channel, 1);
        let bodies = deliver(&mut broker, 1_000).remove(&1).unwrap();
        assert_eq!(bodies.len(), 300);
        assert_eq!(body::check(&bodies[299]).unwrap().sequence, 299);
    }

    #[test]
    fn a_sink_delivers_nothing() {
        let mut broker = Broker::new(Limit::Sink);
        let topic = broker.topic(b"t");
        let channel = broker.channel(topic, b"c");
        broker.subscribe(topic, channel, 1);
        broker.publish(topic, b"x");
        assert!(deliver(&mut broker, 10).is_empty());
    }

    #[test]
    fn ids_are_sixteen_hexadecimal_digits() {
        assert_eq!(&hexadecimal(0x18a2_0c92_f3c0_7000), b"18a20c92f3c07000");
    }
}
