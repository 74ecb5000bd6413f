//! The client library at work: a process of its own that publishes or consumes when it is told to.
//!
//! It talks to the process that measures it over its standard input and output. A client in any language can do the
//! same, and be measured in its place (`--client`):
//!
//! | | |
//! |---|---|
//! | its arguments | what to do, `host:port` of an nsqd, a topic, how many messages |
//! | it writes `ready` | it is connected; a consumer to the channel `channel`, with nothing in flight |
//! | it reads a line | it begins; for who publishes, the line is what each body ends with |
//! | it writes `done` | all is acknowledged, or received, and then behind it the sum of the sequence numbers |
//! | its input ends | it ends |
//!
//! What it can be told to do is [`Work`]. The bodies are those of [`crate::wire::body`], with a stamp of zero.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Args, ValueEnum};
use nsq_client::{Config, Consumer, Message, Producer, Receipt};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::error::{Doing, Result};
use crate::wire::body::HEADER_BYTES;

/// What this program is told so that it becomes such a client.
pub(crate) const COMMAND: &str = "client-process";

/// The channel that is consumed.
pub(crate) const CHANNEL: &str = "channel";

/// What a consumer may have in flight: nsqd's default maximum.
const RDY: u32 = 2500;

/// Single messages that wait for their answers at the same time.
const WINDOW: usize = 1000;

/// Messages of one call, and calls that wait for their answers at the same time.
const BATCH: u64 = 200;
const BATCH_WINDOW: usize = 4;

/// Tasks that each wait for the answer to their message.
const WAITING_TASKS: usize = 1000;

/// What the client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// Publish messages one by one from one task, up to a thousand of them unanswered.
    Publish,
    /// Publish two hundred messages with each call, up to four calls unanswered.
    Mpub,
    /// Publish from a thousand tasks, each of which waits for the answer to its message.
    Wait,
    /// Consume with RDY 2500 and one handler that counts.
    Consume,
}

impl Work {
    /// How it is called on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Mpub => "mpub",
            Self::Wait => "wait",
            Self::Consume => "consume",
        }
    }
}

/// One run of a client.
#[derive(Debug, Args)]
pub(crate) struct Job {
    work: Work,
    /// host:port
    nsqd: String,
    topic: String,
    messages: u64,
}

/// Does what `job` says, in step with the process at the other ends of standard input and output.
pub(crate) fn run(job: &Job) -> Result<()> {
    let runtime = Runtime::new().doing(|| "starting the runtime of a client")?;
    match job.work {
        Work::Consume => consume(&runtime, job),
        Work::Publish | Work::Mpub | Work::Wait => publish(&runtime, job),
    }
}

fn publish(runtime: &Runtime, job: &Job) -> Result<()> {
    let producer = Producer::new(&job.nsqd, &Config::default())?;
    runtime.block_on(producer.connect())?;
    say("ready")?;
    let load = Load {
        producer: producer.clone(),
        topic: job.topic.clone(),
        messages: job.messages,
        body: [vec![0; HEADER_BYTES], read_line()?].concat(),
    };
    runtime.block_on(load.publish(job.work))?;
    say("done")?;
    await_end()?;
    runtime.block_on(producer.stop());
    Ok(())
}

/// What is to be published.
#[derive(Debug, Clone)]
struct Load {
    producer: Producer,
    topic: String,
    messages: u64,
    /// A body whose header is yet to be filled in.
    body: Vec<u8>,
}

type Published = std::result::Result<(), nsq_client::Error>;

impl Load {
    async fn publish(self, work: Work) -> Published {
        let mut tasks = JoinSet::new();
        let numbers = Arc::new(AtomicU64::new(0));
        match work {
            Work::Publish => {
                tasks.spawn(self.one_by_one());
            }
            Work::Mpub => {
                tasks.spawn(self.in_batches());
            }
            Work::Wait => {
                for _ in 0..WAITING_TASKS {
                    tasks.spawn(self.clone().waiting(Arc::clone(&numbers)));
                }
            }
            Work::Consume => {}
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap_or(Err(nsq_client::Error::Stopped))?;
        }
        Ok(())
    }

    async fn one_by_one(mut self) -> Published {
        let mut receipts = VecDeque::with_capacity(WINDOW);
        for number in 0..self.messages {
            make_room(&mut receipts, WINDOW).await?;
            stamp(&mut self.body, number);
            receipts.push_back(self.producer.enqueue(&self.topic, &self.body).await?);
        }
        make_room(&mut receipts, 1).await
    }

    async fn in_batches(self) -> Published {
        let mut bodies = vec![self.body.clone(); usize::try_from(BATCH).unwrap_or(1)];
        let mut receipts = VecDeque::with_capacity(BATCH_WINDOW);
        let mut next = 0;
        while next < self.messages {
            let count = BATCH.min(self.messages - next);
            bodies.truncate(usize::try_from(count).unwrap_or(usize::MAX));
            for (body, number) in bodies.iter_mut().zip(next..) {
                stamp(body, number);
            }
            make_room(&mut receipts, BATCH_WINDOW).await?;
            receipts.push_back(self.producer.enqueue_multi(&self.topic, &bodies).await?);
            next += count;
        }
        make_room(&mut receipts, 1).await
    }

    async fn waiting(mut self, numbers: Arc<AtomicU64>) -> Published {
        loop {
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            if number >= self.messages {
                return Ok(());
            }
            stamp(&mut self.body, number);
            self.producer.publish(&self.topic, &self.body).await?;
        }
    }
}

/// Waits until fewer than `window` receipts are left.
async fn make_room(receipts: &mut VecDeque<Receipt>, window: usize) -> Published {
    while receipts.len() >= window {
        match receipts.pop_front() {
            Some(receipt) => receipt.await?,
            None => break,
        }
    }
    Ok(())
}

fn stamp(body: &mut [u8], number: u64) {
    if let Some(header) = body.first_chunk_mut() {
        *header = number.to_be_bytes();
    }
}

/// What a handler has seen.
#[derive(Debug)]
struct Seen {
    left: AtomicU64,
    sum: AtomicU64,
    all: Notify,
}

fn consume(runtime: &Runtime, job: &Job) -> Result<()> {
    let mut config = Config::default();
    // Paused until it is told to begin.
    config.max_in_flight = 0;
    let seen = Arc::new(Seen {
        left: AtomicU64::new(job.messages),
        sum: AtomicU64::new(0),
        all: Notify::new(),
    });
    let counts = Arc::clone(&seen);
    let starting = Consumer::builder(&job.topic, CHANNEL)
        .config(&config)
        .nsqd(&job.nsqd)
        .start(move |message: Message| {
            counts.count(message.body());
            std::future::ready(Ok::<_, nsq_client::Error>(()))
        });
    let consumer = runtime.block_on(starting)?;
    say("ready")?;
    read_line()?;
    consumer.change_max_in_flight(RDY);
    runtime.block_on(seen.all.notified());
    say(&format!("done {}", seen.sum.load(Ordering::Relaxed)))?;
    await_end()?;
    runtime.block_on(consumer.stop());
    Ok(())
}

impl Seen {
    fn count(&self, body: &[u8]) {
        let number = body.first_chunk().copied().unwrap_or_default();
        self.sum.fetch_add(u64::from_be_bytes(number), Ordering::Relaxed);
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all.notify_one();
        }
    }
}

fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .doing(|| "writing to standard output")
}

fn read_line() -> Result<Vec<u8>> {
    let mut line = Vec::new();
    io::stdin()
        .lock()
        .read_until(b'\n', &mut line)
        .doing(|| "reading standard input")?;
    line.pop();
    Ok(line)
}

/// Waits until nobody is there any more who could want something.
fn await_end() -> Result<()> {
    io::stdin()
        .lock()
        .read_to_end(&mut Vec::new())
        .doing(|| "reading standard input")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::body::{check, filler};

    #[test]
    fn a_stamped_body_is_one_that_the_generator_takes() {
        let mut body = [vec![0; HEADER_BYTES], filler(200).to_vec()].concat();
        stamp(&mut body, 7);
        assert_eq!(body.len(), 200);
        assert_eq!(check(&body).unwrap().sequence, 7);
    }
}
