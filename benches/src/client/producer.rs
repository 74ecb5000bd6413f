//! Closed-loop publishing: every connection keeps a fixed number of requests under way.

use std::mem;

use super::Addresses;
use crate::clock::{Deadline, now_ns};
use crate::error::{Error, Result};
use crate::histogram::Histogram;
use crate::layer::Layers;
use crate::link::{Filled, Link, Poller, Pool};
use crate::wire::answers;
use crate::wire::body::Tally;
use crate::wire::chunk::{Chunk, Method};
use crate::wire::command::{self, MAGIC};

/// What to publish and how.
#[derive(Debug, Clone)]
pub(crate) struct PublishPlan {
    /// Where to; single publishes take them in turn, each batch goes to one of them.
    pub(crate) topics: Vec<String>,
    /// By which request.
    pub(crate) method: Method,
    /// Body sizes, taken in turn.
    pub(crate) body_bytes: Vec<usize>,
    /// Messages written as one piece: the batch of an `MPUB`, the depth of pipelining of `PUB`.
    pub(crate) chunk_messages: usize,
    /// Pieces that may be under way on one connection.
    pub(crate) window_chunks: u32,
    /// Connections.
    pub(crate) connections: usize,
    /// Messages in all; rounded up to whole pieces on each connection.
    pub(crate) messages: u64,
    /// What lies between the connections and their sockets; V2 only.
    pub(crate) layers: Layers,
}

impl PublishPlan {
    /// 200-byte bodies to one topic, one connection, one piece at a time.
    pub(crate) fn new(method: Method, topic: &str, messages: u64) -> Self {
        Self {
            topics: vec![topic.to_owned()],
            method,
            body_bytes: vec![200],
            chunk_messages: 1,
            window_chunks: 1,
            connections: 1,
            messages,
            layers: Layers::default(),
        }
    }

    /// `MPUB` of 200 messages of 200 bytes with enough under way to keep the server busy.
    pub(crate) fn batches(topic: &str, messages: u64) -> Self {
        Self {
            chunk_messages: 200,
            window_chunks: 4,
            ..Self::new(Method::Mpub, topic, messages)
        }
    }

    /// The pieces of one connection; as many as it takes to visit every topic and size.
    fn chunks(&self) -> Vec<Chunk> {
        let per_chunk = self.chunk_messages.max(1);
        let batched = matches!(self.method, Method::Mpub | Method::HttpMpub);
        let visits = if batched {
            self.topics.len()
        } else {
            self.topics.len().div_ceil(per_chunk)
        };
        let variants = visits.max(self.body_bytes.len().div_ceil(per_chunk)).max(1);
        let mut sizes = self.body_bytes.iter().copied().cycle();
        let step = if batched { 1 } else { per_chunk };
        (0..variants)
            .map(|variant| {
                let topics: Vec<String> = self
                    .topics
                    .iter()
                    .cycle()
                    .skip(variant * step % self.topics.len().max(1))
                    .take(step)
                    .cloned()
                    .collect();
                let bodies: Vec<usize> = sizes.by_ref().take(per_chunk).collect();
                Chunk::render(self.method, &topics, &bodies)
            })
            .collect()
    }
}

/// What was published.
#[derive(Debug, Default, Clone)]
pub(crate) struct Published {
    /// The messages, all acknowledged.
    pub(crate) tally: Tally,
    /// From writing a piece to its last answer; filled when one piece at a time is under way.
    pub(crate) latency: Histogram,
}

/// Connected producers.
#[derive(Debug)]
pub(crate) struct Producers {
    connections: Vec<Producer>,
    poller: Poller,
    pool: Pool,
    published: Published,
    next_sequence: u64,
}

impl Producers {
    /// Connects; messages are numbered from `first_sequence`.
    pub(crate) fn connect(addresses: &Addresses, plan: &PublishPlan, first_sequence: u64) -> Result<Self> {
        let mut poller = Poller::new()?;
        let chunks = plan.chunks();
        let per_chunk = plan.chunk_messages.max(1) as u64;
        let connection_count = plan.connections.max(1);
        let chunks_each = plan
            .messages
            .div_ceil(per_chunk)
            .div_ceil(connection_count as u64);
        let mut connections = Vec::with_capacity(connection_count);
        for key in 0..connection_count {
            let http = plan.method.is_http();
            let mut link = if http {
                Link::connect(addresses.http)?
            } else {
                Link::connect_through(addresses.tcp, &plan.layers)?
            };
            if !http && plan.layers.is_none() {
                link.outbox().extend_from_slice(MAGIC);
                link.flush()?;
            }
            poller.add(&mut link, key)?;
            connections.push(Producer {
                link,
                chunks: chunks.clone(),
                current: 0,
                written: usize::MAX,
                chunks_left: chunks_each,
                window_answers: plan
                    .window_chunks
                    .max(1)
                    .saturating_mul(chunks.first().map_or(1, Chunk::answers)),
                awaited: 0,
                sent_ns: 0,
                timed: plan.window_chunks <= 1,
                owes_nop: false,
                http,
            });
        }
        Ok(Self {
            connections,
            poller,
            pool: Pool::default(),
            published: Published::default(),
            next_sequence: first_sequence,
        })
    }

    /// Publishes everything and waits for every answer.
    pub(crate) fn run(self, deadline: Deadline) -> Result<Published> {
        self.run_until(|| false, deadline)
    }

    /// Publishes until `stop` says so or the plan is fulfilled, and waits for every answer.
    pub(crate) fn run_until(mut self, stop: impl Fn() -> bool, deadline: Deadline) -> Result<Published> {
        let mut ready = Vec::new();
        let mut unfinished = self.connections.len();
        let mut state = Shared {
            published: &mut self.published,
            next_sequence: &mut self.next_sequence,
        };
        for producer in &mut self.connections {
            producer.advance(&mut state)?;
        }
        while unfinished > 0 {
            deadline.check(|| format!("publishing ({} messages written)", state.published.tally.count))?;
            self.poller.wait(Some(deadline.remaining()), &mut ready)?;
            let is_over = stop();
            for event in &ready {
                let Some(producer) = self.connections.get_mut(event.key) else {
                    continue;
                };
                if producer.is_finished() {
                    continue;
                }
                if is_over {
                    producer.chunks_left = 0;
                }
                if event.readable {
                    producer.receive(&mut self.pool, &mut state)?;
                }
                producer.advance(&mut state)?;
                unfinished -= usize::from(producer.is_finished());
            }
        }
        Ok(mem::take(&mut self.published))
    }
}

/// What the connections of one thread have in common.
struct Shared<'a> {
    published: &'a mut Published,
    next_sequence: &'a mut u64,
}

/// One connection.
#[derive(Debug)]
struct Producer {
    link: Link,
    chunks: Vec<Chunk>,
    /// The piece being written, if `written` is within it.
    current: usize,
    written: usize,
    chunks_left: u64,
    window_answers: u32,
    awaited: u32,
    sent_ns: u64,
    timed: bool,
    /// A heartbeat arrived; it is answered between two pieces.
    owes_nop: bool,
    http: bool,
}

impl Producer {
    fn is_finished(&self) -> bool {
        self.chunks_left == 0 && self.awaited == 0 && self.is_between_chunks()
    }

    fn is_between_chunks(&self) -> bool {
        self.chunks
            .get(self.current)
            .is_none_or(|chunk| self.written >= chunk.bytes().len())
    }

    /// Writes as much as the window and the socket allow.
    fn advance(&mut self, shared: &mut Shared<'_>) -> Result<()> {
        loop {
            if let Some(rest) = self
                .chunks
                .get(self.current)
                .and_then(|chunk| chunk.bytes().get(self.written..))
                && !rest.is_empty()
            {
                let count = self.link.send(rest)?;
                if count == 0 {
                    return Ok(());
                }
                self.written += count;
                continue;
            }
            if mem::take(&mut self.owes_nop) {
                self.link.outbox().extend_from_slice(command::NOP);
            }
            if !self.link.flush()? || !self.start_next(shared) {
                return Ok(());
            }
        }
    }

    /// Stamps the next piece if the window has room for it.
    fn start_next(&mut self, shared: &mut Shared<'_>) -> bool {
        let next = (self.current + 1) % self.chunks.len().max(1);
        let Some(chunk) = self.chunks.get_mut(next) else {
            return false;
        };
        if self.chunks_left == 0 || self.awaited + chunk.answers() > self.window_answers {
            return false;
        }
        self.sent_ns = now_ns();
        chunk.stamp(*shared.next_sequence, self.sent_ns, &mut shared.published.tally);
        *shared.next_sequence += chunk.messages();
        self.awaited += chunk.answers();
        self.chunks_left -= 1;
        (self.current, self.written) = (next, 0);
        true
    }

    /// Reads and counts answers.
    fn receive(&mut self, pool: &mut Pool, shared: &mut Shared<'_>) -> Result<()> {
        loop {
            let filled = self.link.fill(pool)?;
            let (bytes, _) = self.link.exchange();
            let answers = if self.http {
                answers::http(bytes)?
            } else {
                answers::v2(bytes)?
            };
            self.link.consume(answers.consumed);
            self.owes_nop |= answers.heartbeat;
            self.awaited = self
                .awaited
                .checked_sub(answers.count)
                .ok_or_else(|| Error::Protocol("more answers arrived than requests were sent".to_owned()))?;
            if self.timed && answers.count > 0 && self.awaited == 0 {
                shared
                    .published
                    .latency
                    .record(now_ns().saturating_sub(self.sent_ns));
            }
            match filled {
                Filled::More => {}
                Filled::Drained => break,
                Filled::Closed => {
                    return Err(Error::Server(
                        "the server closed a producer's connection".to_owned(),
                    ));
                }
            }
        }
        self.link.release(pool);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_visits_every_topic_and_every_size() {
        let plan = PublishPlan {
            topics: ["a", "b", "c"].map(str::to_owned).to_vec(),
            body_bytes: vec![16, 17],
            chunk_messages: 2,
            ..PublishPlan::new(Method::Pub, "", 0)
        };
        let text: String = plan
            .chunks()
            .iter()
            .map(|chunk| String::from_utf8_lossy(chunk.bytes()).into_owned())
            .collect();
        for topic in ["PUB a\n", "PUB b\n", "PUB c\n"] {
            assert!(text.contains(topic), "{topic:?} is missing");
        }
    }
}
