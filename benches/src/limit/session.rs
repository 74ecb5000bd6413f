//! V2 commands as a limit server reads them.

use super::broker::{Broker, TopicIndex};

/// The answer to everything that has one.
pub(super) const OK: &[u8] = b"\0\0\0\x06\0\0\0\0OK";

const CLOSE_WAIT: &[u8] = b"\0\0\0\x0e\0\0\0\0CLOSE_WAIT";

/// One V2 connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    has_magic: bool,
    /// Topic and channel.
    pub(super) subscription: Option<(TopicIndex, usize)>,
    ready: u32,
    in_flight: u32,
    /// The topic of the last publish, so that a run of them looks it up once.
    last_topic: Option<(Vec<u8>, TopicIndex)>,
}

/// A stream that the generator would not send.
#[derive(Debug)]
pub(super) struct Unintelligible;

impl Session {
    /// Messages that may be sent at the moment.
    pub(super) fn credit(&self) -> u32 {
        self.ready.saturating_sub(self.in_flight)
    }

    /// Notes that messages were sent.
    pub(super) fn on_sent(&mut self, count: u32) {
        self.in_flight += count;
    }

    /// Executes every complete command and returns how many bytes they took.
    pub(super) fn execute(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        broker: &mut Broker,
        key: usize,
    ) -> Result<usize, Unintelligible> {
        let mut rest = bytes;
        if !self.has_magic {
            let Some(after) = rest.get(4..) else { return Ok(0) };
            self.has_magic = true;
            rest = after;
        }
        let mut finished = 0;
        while let Some(after) = finish(rest) {
            (rest, finished) = (after, finished + 1);
        }
        while let Some(after) = self.step(rest, out, broker, key)? {
            rest = after;
            while let Some(after) = finish(rest) {
                (rest, finished) = (after, finished + 1);
            }
        }
        if finished > 0 {
            self.in_flight = self.in_flight.saturating_sub(finished);
            if let Some((topic, _)) = self.subscription {
                broker.touch(topic);
            }
        }
        Ok(bytes.len() - rest.len())
    }

    /// Executes one command other than `FIN`; what follows it, or `None` if it is incomplete.
    fn step<'a>(
        &mut self,
        bytes: &'a [u8],
        out: &mut Vec<u8>,
        broker: &mut Broker,
        key: usize,
    ) -> Result<Option<&'a [u8]>, Unintelligible> {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            return Ok(None);
        };
        let (line, rest) = bytes.split_at_checked(end).ok_or(Unintelligible)?;
        let body = rest.get(1..).unwrap_or_default();
        let mut words = line.split(|byte| *byte == b' ');
        let verb = words.next().unwrap_or_default();
        let mut word = || words.next().unwrap_or_default();
        match verb {
            b"PUB" | b"DPUB" | b"MPUB" => {
                let topic = self.topic(word(), broker);
                let Some((content, rest)) = sized(body) else {
                    return Ok(None);
                };
                if verb == b"MPUB" {
                    publish_many(content, topic, broker)?;
                } else {
                    broker.publish(topic, content);
                }
                out.extend_from_slice(OK);
                return Ok(Some(rest));
            }
            b"IDENTIFY" => {
                let Some((_, rest)) = sized(body) else {
                    return Ok(None);
                };
                out.extend_from_slice(OK);
                return Ok(Some(rest));
            }
            b"SUB" => {
                let topic = broker.topic(word());
                let channel = broker.channel(topic, word());
                broker.subscribe(topic, channel, key);
                self.subscription = Some((topic, channel));
                out.extend_from_slice(OK);
            }
            b"RDY" => {
                let count = std::str::from_utf8(word())
                    .ok()
                    .and_then(|text| text.parse().ok());
                self.ready = count.ok_or(Unintelligible)?;
                if let Some((topic, _)) = self.subscription {
                    broker.touch(topic);
                }
            }
            b"CLS" => {
                self.ready = 0;
                out.extend_from_slice(CLOSE_WAIT);
            }
            b"NOP" => {}
            // A finish that `finish` could not take is an incomplete one.
            b"FIN" => return Ok(None),
            _ => return Err(Unintelligible),
        }
        Ok(Some(body))
    }

    fn topic(&mut self, name: &[u8], broker: &mut Broker) -> TopicIndex {
        match &self.last_topic {
            Some((last, index)) if last == name => *index,
            _ => {
                let index = broker.topic(name);
                self.last_topic = Some((name.to_owned(), index));
                index
            }
        }
    }
}

/// What follows a complete `FIN` at the head of `bytes`.
fn finish(bytes: &[u8]) -> Option<&[u8]> {
    const FIN_BYTES: usize = 4 + 16 + 1;
    let (command, rest) = bytes.split_at_checked(FIN_BYTES)?;
    (command.starts_with(b"FIN ") && command.last() == Some(&b'\n')).then_some(rest)
}

/// Content after its 4-byte size, and what follows it.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*size) as usize)
}

/// Publishes the bodies of a batch: a count, then each with its size.
pub(super) fn publish_many(
    batch: &[u8],
    topic: TopicIndex,
    broker: &mut Broker,
) -> Result<(), Unintelligible> {
    let (count, mut rest) = batch.split_first_chunk::<4>().ok_or(Unintelligible)?;
    for _ in 0..u32::from_be_bytes(*count) {
        let (body, after) = sized(rest).ok_or(Unintelligible)?;
        broker.publish(topic, body);
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Limit;
    use super::*;

    #[test]
    fn commands_are_executed_as_far_as_they_are_complete() {
        let mut broker = Broker::new(Limit::Relay);
        let mut session = Session::default();
        let mut out = Vec::new();
        let bytes = b"  V2SUB t c\nRDY 5\nPUB t\n\0\0\0\x03abcPUB t\n\0\0\0\x03a";
        let taken = session.execute(bytes, &mut out, &mut broker, 0).unwrap();
        assert_eq!(taken, bytes.len() - 11);
        assert_eq!(out, OK.repeat(2));
        assert_eq!(session.credit(), 5);
    }

    #[test]
    fn finishing_gives_credit_back() {
        let mut broker = Broker::new(Limit::Relay);
        let mut session = Session {
            has_magic: true,
            ready: 2,
            in_flight: 2,
            ..Session::default()
        };
        let bytes = b"FIN 0123456789abcdef\nNOP\nFIN 0123456789abcdef\nFIN 01";
        let taken = session.execute(bytes, &mut Vec::new(), &mut broker, 0).unwrap();
        assert_eq!((taken, session.credit()), (bytes.len() - 6, 2));
    }

    #[test]
    fn what_the_generator_does_not_send_is_refused() {
        let mut broker = Broker::new(Limit::Sink);
        for bytes in [&b"HELP\n"[..], b"RDY x\n", b"MPUB t\n\0\0\0\x04\0\0\0\x01"] {
            let mut session = Session {
                has_magic: true,
                ..Session::default()
            };
            assert!(
                session.execute(bytes, &mut Vec::new(), &mut broker, 0).is_err(),
                "{bytes:?}"
            );
        }
    }
}
