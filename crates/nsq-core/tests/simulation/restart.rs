//! Clean stops, crashes, and what is there afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use nsq_core::{Durability, Topic};
use nsq_testkit::storage::Loss;

use crate::coverage::Reached;
use crate::model::{ChannelModel, Entry, QueueModel, Serial};
use crate::world::{WorkKind, World, start_process};

/// With `--sync-every` no larger than this, a few messages that are finished have others put aside.
const ASIDE_SOON: u64 = 10;

impl World {
    /// Stops as the daemon does, and starts again.
    pub(crate) fn restart(&mut self) {
        self.trace("stop".to_owned());
        let lingering = self.rng.chance(50);
        if !lingering {
            self.drop_all_clients();
        }
        self.note_stop();
        let memory_lens = self.memory_lens();
        self.is_stopping = true;
        let mut closings: Vec<_> = self
            .topics
            .values()
            .map(|topic| Box::pin(topic.handle.begin_close().closed()))
            .collect();
        let mut cx = Context::from_waker(Waker::noop());
        let mut is_saved = true;
        loop {
            closings.retain_mut(|closing| match closing.as_mut().poll(&mut cx) {
                Poll::Pending => true,
                Poll::Ready(outcome) => {
                    is_saved &= outcome.is_ok();
                    false
                }
            });
            self.poll_works();
            if !self.run_io() {
                break;
            }
        }
        assert!(closings.is_empty(), "the stop does not end");
        assert!(is_saved || !self.is_calm, "the stop failed for no reason");
        self.coverage.note(if is_saved {
            Reached::CleanStop
        } else {
            Reached::StopFailed
        });
        let failed = self.tell_publishers();
        assert!(self.works.is_empty(), "an operation does not end with the stop");
        self.trace(format!("stopped, saved: {is_saved}"));
        // A session that ended late finds its channel closed.
        let mut clients = std::mem::take(&mut self.clients);
        self.collect_held(&mut clients);
        drop(clients);

        // Delays are kept in a file of their own, and are lost if the disk does not take that.
        let has_delays = |channel: &ChannelModel| {
            !channel.deferred.is_empty() || channel.has_unread_due || channel.has_left_deferred
        };
        let may_lose_delays = self.setup.keeps_deferred
            && !self.is_calm
            && self
                .topics
                .values()
                .any(|topic| topic.channels.values().any(has_delays));
        if is_saved && failed.is_empty() && !may_lose_delays {
            self.carry_over(&memory_lens);
        } else {
            self.recover(false, |entry, _| {
                is_saved && entry.serial.is_none_or(|serial| !failed.contains(&serial)) || entry.synced
            });
        }
        self.storage.heal();
        self.start();
    }

    fn drop_all_clients(&mut self) {
        while !self.clients.is_empty() {
            self.drop_client(0);
        }
    }

    fn note_stop(&mut self) {
        let is_writing = !self.publishers.is_empty();
        self.coverage.note_if(is_writing, Reached::CleanStopWhileWriting);
        let is_emptying = |work: &crate::world::Work| {
            matches!(work.kind, WorkKind::EmptyChannel(..) | WorkKind::EmptyTopic(..))
        };
        let is_emptying = self.works.iter().any(is_emptying);
        self.coverage.note_if(is_emptying, Reached::CleanStopAfterEmpty);
        for channel in self.topics.values().flat_map(|topic| topic.channels.values()) {
            let snapshot = channel.handle.snapshot(false);
            self.coverage
                .note_if(snapshot.in_flight_count > 0, Reached::CleanStopWithInFlight);
            self.coverage
                .note_if(snapshot.deferred_count > 0, Reached::CleanStopWithDeferred);
        }
    }

    /// How many messages of each queue are in memory only.
    fn memory_lens(&self) -> BTreeMap<String, u64> {
        let mut lens = BTreeMap::new();
        for (name, topic) in &self.topics {
            let actual = topic.handle.snapshot(false, |_| false);
            lens.insert(name.clone(), actual.depth - actual.backend_depth);
            for (channel_name, channel) in &topic.channels {
                let actual = channel.handle.snapshot(false);
                lens.insert(
                    format!("{name}:{channel_name}"),
                    actual.depth - actual.backend_depth,
                );
            }
        }
        lens
    }

    /// Every publisher is told by the end of a stop. Returns whose messages are not safe.
    fn tell_publishers(&mut self) -> BTreeSet<Serial> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut failed = BTreeSet::new();
        for mut publisher in std::mem::take(&mut self.publishers) {
            match publisher.wait.as_mut().poll(&mut cx) {
                Poll::Pending => panic!("the publisher of {:?} is never told", publisher.serials),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    assert!(
                        !self.is_calm || publisher.is_excused,
                        "told of an error for no reason: {error}"
                    );
                    failed.extend(publisher.serials);
                }
            }
        }
        failed
    }

    /// What the clients held goes with the channels.
    fn collect_held(&mut self, clients: &mut [crate::client::Client]) {
        for client in clients {
            let held = std::mem::take(&mut client.held);
            if let Some(channel) = self.live_channel(&client.channel) {
                channel.abandoned.extend(held);
            }
        }
    }

    /// After a clean stop everything is on disk: what was there first, then what was in memory, in flight
    /// and deferred.
    fn carry_over(&mut self, memory_lens: &BTreeMap<String, u64>) {
        let group = self.new_group();
        let is_written = self.setup.durability != Durability::Go;
        let keeps_deferred = self.setup.keeps_deferred;
        let is_put_aside = self.setup.sync_every <= ASIDE_SOON;
        for (name, topic) in &mut self.topics {
            carry_over(&mut topic.queue, memory_lens[name]);
            // Which messages the pump moves then shows in the channels.
            topic.queue.is_recovering |= !topic.queue.is_ordered;
            topic.queue.is_ordered = true;
            for entry in &mut topic.queue.entries {
                entry.defer_ms = 0;
                entry.may_lose_delay = false;
            }
            for (channel_name, channel) in &mut topic.channels {
                if channel.is_exiting {
                    continue;
                }
                carry_over(&mut channel.queue, memory_lens[&format!("{name}:{channel_name}")]);
                // What was deferred in the files is saved last, wherever it waited.
                channel.queue.is_ordered &= !is_written && !channel.has_unread_deferred;
                // So is what was put aside because it lay behind one that was in flight.
                channel.queue.is_ordered &= channel.abandoned.is_empty() || !is_put_aside;
                let held = channel.abandoned.drain(..);
                channel
                    .queue
                    .entries
                    .extend(held.map(|held| held.into_entry(group)));
                if keeps_deferred {
                    for waiting in &mut channel.deferred {
                        waiting.entry.synced = true;
                    }
                    channel.has_unread_deferred |= !channel.deferred.is_empty();
                    channel.has_unread_due |= channel.has_unread_deferred || channel.has_left_deferred;
                    channel.queue.is_ordered &= channel.deferred.is_empty();
                } else {
                    let deferred = channel.take_due(nsq_runtime::Moment::FAR, group);
                    channel.queue.entries.extend(deferred);
                    channel.has_left_deferred = false;
                    channel.has_unread_deferred = false;
                    channel.has_unread_due = false;
                }
                forget_process(channel);
            }
        }
    }

    /// A crash: what is on disk is all there is.
    pub(crate) fn crash(&mut self) {
        let is_settled = self.rng.chance(50);
        if is_settled {
            self.settle();
        }
        let seed = self.rng.next();
        let loss = self
            .rng
            .pick(&[Loss::Nothing, Loss::Everything, Loss::Random(seed)])
            .unwrap();
        self.trace(format!("crash, {loss:?}"));
        self.coverage.note(match loss {
            Loss::Nothing => Reached::CrashKeepingWrites,
            Loss::Everything => Reached::CrashLosingUnsynced,
            Loss::Random(_) => Reached::CrashTearing,
        });
        self.is_torn |= matches!(loss, Loss::Random(_));
        self.storage = self.storage.image(loss);
        if loss != Loss::Nothing {
            self.residue_of_deleted();
        }
        if loss == Loss::Nothing && is_settled && self.is_calm {
            self.mark_on_disk(|entry| entry.synced = true);
        }
        self.publishers.clear();
        self.works.clear();
        let mut clients = std::mem::take(&mut self.clients);
        self.collect_held(&mut clients);
        drop(clients);
        while self.process.events.pop().is_some() {}
        let keeps_accepted = match self.setup.durability {
            Durability::Go => false,
            Durability::Disk => loss == Loss::Nothing,
            Durability::Fsync => true,
        };
        if keeps_accepted {
            self.coverage.note(Reached::CrashWithAccepted);
            self.coverage
                .note_if(loss != Loss::Nothing, Reached::PowerLossWithAccepted);
        }
        self.recover(true, |entry, is_exiting| {
            (entry.synced || (keeps_accepted && entry.is_accepted)) && !is_exiting
        });
        self.start();
    }

    /// Removed files may come back with a crash, since removing is not synced.
    fn residue_of_deleted(&mut self) {
        self.residue.extend(std::mem::take(&mut self.deleted));
        for (name, topic) in &mut self.topics {
            if self.residue.remove(name) {
                topic.created_at = 0;
            }
            for (channel_name, channel) in &mut topic.channels {
                if self.residue.remove(&format!("{name}:{channel_name}")) {
                    topic.created_at = 0;
                    channel.dead.clear();
                }
            }
        }
    }

    /// Of each queue only those entries are sure that `is_safe` names; what else is there is not known.
    fn recover(&mut self, is_crash: bool, is_safe: impl Fn(&Entry, bool) -> bool) {
        let (mut safe, mut safe_held) = (0, 0);
        let mut left_deferred = 0;
        let messages = &self.messages;
        let is_written = self.setup.durability != Durability::Go;
        let note_accepted = |entry: &mut Entry| {
            let info = entry
                .serial
                .and_then(|serial| messages.get(usize::try_from(serial).ok()?));
            entry.is_accepted = info.is_some_and(|info| info.is_accepted);
        };
        let was_in_topic = |serial: &Serial| messages[usize::try_from(*serial).unwrap()].was_in_topic;
        for topic in self.topics.values_mut() {
            let is_exiting = topic.is_exiting;
            topic.queue.entries.iter_mut().for_each(note_accepted);
            topic.queue.entries.retain(|entry| is_safe(entry, is_exiting));
            for entry in &mut topic.queue.entries {
                entry.defer_ms = 0;
                entry.may_lose_delay = false;
            }
            topic.queue.is_recovering = true;
            topic.queue.is_ordered = true;
            for channel in topic.channels.values_mut() {
                let is_exiting = channel.is_exiting;
                let is_safe = |mut entry: Entry| {
                    note_accepted(&mut entry);
                    entry.serial.filter(|_| is_safe(&entry, is_exiting))
                };
                // Also those that have come due since, and are not finished.
                channel.has_left_deferred = true;
                channel.has_unread_deferred = false;
                channel.has_unread_due = false;
                let has_left_deferred = is_written && !channel.deferred.is_empty();
                let mut owed: BTreeSet<_> = channel.queue.entries.drain(..).filter_map(is_safe).collect();
                safe += owed.len();
                let held = channel.abandoned.drain(..).map(|held| held.into_entry(0));
                let deferred = channel.deferred.drain(..).map(|waiting| waiting.entry);
                let held: Vec<_> = held.chain(deferred).filter_map(is_safe).collect();
                safe_held += held.len();
                owed.extend(
                    held.into_iter()
                        .filter(|serial| *serial != crate::client::DAMAGED),
                );
                left_deferred += usize::from(has_left_deferred);
                channel.owed = owed;
                channel.delivered.clear();
                // These may be pumped again.
                channel.dead.retain(|serial| !was_in_topic(serial));
                if channel.is_ephemeral || channel.is_sampled {
                    channel.owed.clear();
                }
                channel.queue = QueueModel {
                    is_recovering: true,
                    ..QueueModel::default()
                };
                channel.deferred.clear();
                channel.abandoned.clear();
                let mut finished = std::mem::take(&mut channel.finished_since);
                channel.finished_before.append(&mut finished);
                forget_process(channel);
            }
        }
        self.coverage.note_if(safe > 0, Reached::CrashWithSyncedBacklog);
        self.coverage
            .note_if(safe_held > 0 && is_crash, Reached::CrashWithSyncedInFlight);
        self.coverage
            .note_if(left_deferred > 0, Reached::CrashWithDeferredOnDisk);
    }

    /// Starts with the topics and channels that the metadata file would name.
    fn start(&mut self) {
        self.restarts += 1;
        self.is_stopping = false;
        self.is_faulty = false;
        self.is_calm = true;
        self.process = start_process(&self.setup, &self.clock, &self.storage);
        if self.rng.chance(30) {
            let seed = self.rng.next();
            self.storage.shorten_io(seed);
        }
        let topics = std::mem::take(&mut self.topics);
        let (ephemeral, durable) = topics.into_iter().partition(|(_, topic)| topic.is_ephemeral);
        self.topics = durable;
        let ephemeral: BTreeMap<_, _> = ephemeral;
        for (name, topic) in ephemeral {
            let orphans = topic.channels.values().filter(|channel| !channel.is_ephemeral);
            let orphans = orphans.map(|channel| format!("{name}:{}", channel.handle.name()));
            self.residue.extend(orphans);
        }
        self.process.core.index_directory().unwrap();
        for topic in self.topics.values_mut() {
            topic.channels.retain(|_, channel| !channel.is_ephemeral);
            topic.is_exiting = false;
            topic.message_count = 0;
            topic.message_bytes = 0;
            topic.handle = Topic::new(&self.process.core, topic.handle.name().clone());
            if topic.is_paused {
                topic.handle.pause();
            }
            for channel in topic.channels.values_mut() {
                channel.is_exiting = false;
                let made = topic.handle.channel_or_create(channel.handle.name()).unwrap();
                channel.handle = Arc::clone(&made.0);
                if channel.is_paused {
                    channel.handle.pause();
                }
            }
        }
        for topic in self.topics.values() {
            topic.handle.open_files();
            topic.handle.start();
        }
        self.process.core.forget_index();
        self.check();
    }
}

/// What is in memory only goes behind what is on disk.
fn carry_over(queue: &mut QueueModel, memory_len: u64) {
    // Messages that returned may have found room in memory behind others that are on disk as well.
    let is_pure = memory_len == 0 || memory_len == queue.depth();
    // So are those that came back and have their old records still.
    let has_returned = queue.entries.iter().any(|entry| entry.attempts > 0);
    queue.is_ordered &= is_pure && !has_returned && !queue.is_recovering;
    for entry in &mut queue.entries {
        entry.synced = true;
    }
}

/// The counters begin again.
fn forget_process(channel: &mut ChannelModel) {
    channel.message_count = 0;
    channel.requeue_count = 0;
    channel.timeout_count = 0;
    channel.finished = 0;
    channel.dropped = 0;
    channel.brought = i128::from(channel.queue.depth()) + channel.deferred.len() as i128;
    channel.is_overfull = false;
}
