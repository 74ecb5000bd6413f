//! One topic: a task that takes its messages, and a thread that writes them.
//!
//! A message is finished when the file it is in has been synced. Until then it is in flight, and comes again if this
//! process ends in whatever way.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use nsq_client::{Consumer, Message, MessageStream};
use nsq_runtime::{Clock, TaskGroup};
use tokio::sync::{Notify, mpsc};

use super::disk::Disk;
use super::writer::{Failure, Now, Writer};
use crate::consume::{give_back, next_batch};

/// Messages and bytes that are handed over at once.
const BATCH_MESSAGES_MAX: usize = 1024;
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Batches that are handed over ahead.
const AHEAD_MAX: usize = 4;

/// What the thread is to do.
#[derive(Debug)]
enum Order {
    Write(Vec<Message>),
    /// Look whether something is due, and sync.
    Tick,
    /// Finish the current file.
    Close,
    /// From now on, sync at once: the consumer stops as soon as everything is answered.
    Drain,
}

/// A topic that is being archived.
#[derive(Debug)]
pub(super) struct Archive {
    consumer: Consumer,
    signals: Arc<Signals>,
}

#[derive(Debug, Default)]
struct Signals {
    hangup: Notify,
    stop: Notify,
}

impl Archive {
    /// Starts to archive what comes from `stream`. Why it failed, if it does, is sent to `failures`, after which it
    /// does no more.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub(super) fn start<D: Disk>(
        stream: MessageStream,
        writer: Writer<D>,
        label: String,
        pace: &Pace,
        tasks: &TaskGroup,
        failures: mpsc::Sender<String>,
    ) -> io::Result<Self> {
        let consumer = stream.consumer().clone();
        let signals = Arc::new(Signals::default());
        let (orders, pending) = mpsc::channel(AHEAD_MAX);
        let (ended, outcome) = tokio::sync::oneshot::channel();
        let scribe = Scribe {
            writer,
            consumer: consumer.clone(),
            label: label.clone(),
            clock: pace.clock.clone(),
            unsynced_max: pace.unsynced_max,
            unwritten: VecDeque::new(),
            unsynced: Vec::new(),
            is_draining: false,
        };
        nsq_runtime::spawn_thread("archive", move || {
            // The task waits for it.
            let _ = ended.send(scribe.run(pending));
        })?;
        let pace = pace.clone();
        let of_task = Arc::clone(&signals);
        tasks.spawn(async move {
            dictate(stream, orders, &pace, &of_task).await;
            if let Ok(Err(failure)) = outcome.await {
                // Whoever listens ends at the first failure.
                let _ = failures.send(format!("[{label}] {failure}")).await;
            }
        });
        Ok(Self { consumer, signals })
    }

    /// Finishes the current file.
    pub(super) fn hang_up(&self) {
        self.signals.hangup.notify_one();
    }

    /// Takes no more messages, and ends when those that have come are safe and the file is finished.
    pub(super) fn stop(&self) {
        self.consumer.begin_stop();
        self.signals.stop.notify_one();
    }
}

/// When things are done.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    pub(super) clock: Clock,
    pub(super) sync_interval: Duration,
    /// Messages that wait for a sync, at most.
    pub(super) unsynced_max: usize,
}

/// Passes on messages, the time and signals, until there are no more messages or the thread has ended.
async fn dictate(mut stream: MessageStream, orders: mpsc::Sender<Order>, pace: &Pace, signals: &Signals) {
    let mut next_tick = pace.clock.now() + pace.sync_interval;
    let mut batch = Vec::new();
    loop {
        let order = tokio::select! {
            is_some = next_batch(&mut stream, &mut batch, BATCH_MESSAGES_MAX, BATCH_BYTES_MAX) => {
                if !is_some {
                    return;
                }
                Order::Write(std::mem::take(&mut batch))
            }
            () = pace.clock.sleep_until(next_tick) => {
                next_tick = pace.clock.now() + pace.sync_interval;
                Order::Tick
            }
            () = signals.hangup.notified() => Order::Close,
            () = signals.stop.notified() => Order::Drain,
        };
        if let Err(refused) = orders.send(order).await {
            if let Order::Write(messages) = refused.0 {
                give_back(messages);
            }
            crate::consume::release(stream).await;
            return;
        }
    }
}

/// Writes the messages of a topic on a thread of its own.
struct Scribe<D: Disk> {
    writer: Writer<D>,
    consumer: Consumer,
    label: String,
    clock: Clock,
    unsynced_max: usize,
    /// The rest of the batch that is being written.
    unwritten: VecDeque<Message>,
    /// Messages that are written and not safe.
    unsynced: Vec<Message>,
    is_draining: bool,
}

impl<D: Disk> Scribe<D> {
    fn run(mut self, mut orders: mpsc::Receiver<Order>) -> Result<(), Failure> {
        let outcome = self.write_all(&mut orders);
        if outcome.is_err() {
            self.writer.abandon();
            orders.close();
            while let Some(order) = orders.blocking_recv() {
                if let Order::Write(messages) = order {
                    self.unwritten.extend(messages);
                }
            }
            give_back(self.unsynced);
            give_back(self.unwritten);
        }
        outcome
    }

    fn write_all(&mut self, orders: &mut mpsc::Receiver<Order>) -> Result<(), Failure> {
        while let Some(order) = orders.blocking_recv() {
            let mut is_due = self.carry_out(order)?;
            // With more at hand a sync is not what the next message waits for.
            is_due |= orders.is_empty() && self.consumer.is_starved();
            if is_due || self.is_draining {
                self.sync()?;
            }
        }
        self.sync()?;
        self.writer.close()
    }

    /// `true` if what was written is to be synced.
    fn carry_out(&mut self, order: Order) -> Result<bool, Failure> {
        let now = Now {
            moment: self.clock.now(),
            wall_ns: self.clock.wall_ns(),
        };
        match order {
            Order::Write(messages) => {
                self.unwritten.extend(messages);
                let is_due = self.write_batch(now)?;
                self.writer.flush()?;
                return Ok(is_due);
            }
            Order::Tick => self.writer.tick(now)?,
            Order::Close => {
                self.sync()?;
                self.writer.close()?;
            }
            Order::Drain => self.is_draining = true,
        }
        Ok(true)
    }

    fn write_batch(&mut self, now: Now) -> Result<bool, Failure> {
        let mut is_due = false;
        while let Some(message) = self.unwritten.front() {
            is_due |= self.writer.write(message.body(), now)?;
            self.unsynced.extend(self.unwritten.pop_front());
            if self.unsynced.len() >= self.unsynced_max {
                self.sync()?;
                is_due = false;
            }
        }
        Ok(is_due)
    }

    fn sync(&mut self) -> Result<(), Failure> {
        if self.unsynced.is_empty() {
            return Ok(());
        }
        tracing::info!("[{}] syncing {} records to disk", self.label, self.unsynced.len());
        self.writer.sync()?;
        self.unsynced.drain(..).for_each(Message::finish);
        Ok(())
    }
}
