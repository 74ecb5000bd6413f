//! What must hold after every step.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use nsq_protocol::message::MESSAGE_HEADER_LEN;
use nsq_testkit::storage::{MemStorage, Operation};

use crate::client::serial_of;
use crate::coverage::Reached;
use crate::model::{ChannelModel, Entry, QueueModel, Serial};
use crate::world::World;

impl World {
    pub(crate) fn check(&mut self) {
        let names: Vec<_> = self.topics.keys().cloned().collect();
        for name in names {
            self.check_topic(&name);
            let channels: Vec<_> = self.topics[&name].channels.keys().cloned().collect();
            for channel in channels {
                if !self.topics[&name].channels[&channel].is_exiting {
                    self.check_channel(&name, &channel);
                }
            }
        }
    }

    fn check_topic(&mut self, name: &str) {
        let is_calm = self.is_calm;
        let memory_max = self.setup.mem_queue_size as u64;
        let topic = self.topics.get_mut(name).unwrap();
        let actual = topic.handle.snapshot(false, |_| false);
        assert_eq!(actual.message_count, topic.message_count, "messages of {name}");
        assert_eq!(actual.message_bytes, topic.message_bytes, "bytes of {name}");
        assert_eq!(actual.paused, topic.is_paused);
        assert!(actual.backend_depth <= actual.depth);
        if topic.is_exiting {
            return;
        }
        let in_memory = actual.depth - actual.backend_depth;
        assert!(
            in_memory <= memory_max || !is_calm,
            "{in_memory} of {name} in memory"
        );
        self.coverage
            .note_if(in_memory > 0 && actual.backend_depth > 0, Reached::TopicSpill);
        if !topic.queue.is_recovering {
            assert_eq!(actual.depth, topic.queue.depth(), "depth of {name}");
        } else if actual.depth == 0 && self.is_calm {
            // All that was accepted since the crash has been pumped, unknown among unknown.
            topic.queue.is_recovering = false;
            let pumped: Vec<_> = topic
                .queue
                .entries
                .drain(..)
                .filter_map(|entry| entry.serial)
                .collect();
            for channel in topic.channels.values_mut().filter(|channel| !channel.is_exiting) {
                for serial in &pumped {
                    if channel.created_at <= *serial && !channel.dead.contains(serial) {
                        channel.owe(*serial);
                    }
                }
            }
        }
    }

    fn check_channel(&mut self, topic: &str, name: &str) {
        let is_calm = self.is_calm;
        let memory_max = self.setup.mem_queue_size as u64;
        let channel = self
            .topics
            .get_mut(topic)
            .unwrap()
            .channels
            .get_mut(name)
            .unwrap();
        let what = format!("{topic}:{name}");
        let handle = Arc::clone(&channel.handle);
        let actual = handle.snapshot(true);
        let clients: Vec<_> = self
            .clients
            .iter()
            .filter(|client| Arc::ptr_eq(&client.channel, &handle))
            .collect();
        let in_flight =
            clients.iter().map(|client| client.held.len()).sum::<usize>() + channel.abandoned.len();
        assert_eq!(actual.in_flight_count, in_flight as u64, "in flight of {what}");
        let deferred = channel.deferred.len() as u64;
        channel.has_unread_due &= channel.has_unread_deferred || actual.backend_depth > 0;
        if channel.has_unread_deferred && actual.deferred_count == deferred {
            channel.has_unread_deferred = false;
            self.coverage.note_if(deferred > 0, Reached::DeferredKept);
        }
        assert!(
            actual.deferred_count == deferred
                || (channel.has_left_deferred && actual.deferred_count > deferred)
                || channel.has_unread_deferred,
            "{} deferred of {what}, not {deferred}",
            actual.deferred_count
        );
        assert_eq!(actual.message_count, channel.message_count, "messages of {what}");
        assert_eq!(actual.requeue_count, channel.requeue_count, "requeued of {what}");
        assert_eq!(actual.timeout_count, channel.timeout_count, "timed out of {what}");
        assert_eq!(actual.consumer_count, clients.len(), "consumers of {what}");
        assert_eq!(actual.paused, channel.is_paused);
        assert_eq!(actual.depth, handle.depth());
        for (actual, client) in actual.consumers.iter().map(|actual| {
            let client = clients.iter().find(|client| client.id == actual.client);
            (actual, client.expect("a consumer is a client"))
        }) {
            assert_eq!(actual.ready_count, client.subscription.ready());
            assert_eq!(actual.in_flight_count, client.held.len() as u64);
            assert_eq!(actual.message_count, client.message_count);
            assert_eq!(actual.finish_count, client.finish_count);
            assert_eq!(actual.requeue_count, client.requeue_count);
        }
        assert!(actual.backend_depth <= actual.depth);
        let in_memory = actual.depth - actual.backend_depth;
        if in_memory <= memory_max {
            channel.is_overfull = false;
        } else if !is_calm {
            channel.is_overfull = true;
            self.coverage.note(Reached::KeptBeyondMemory);
        }
        // Without a memory queue, an ephemeral channel takes what its waiting consumers can.
        let may_exceed = channel.is_overfull || (channel.is_ephemeral && memory_max == 0);
        assert!(
            in_memory <= memory_max || may_exceed,
            "{in_memory} of {what} in memory"
        );
        self.coverage
            .note_if(in_memory > 0 && actual.backend_depth > 0, Reached::ChannelSpill);

        if actual.backend_depth == 0 {
            channel.reads_when_dry = self.storage.calls(Operation::Read);
        }
        let total = actual.depth + actual.deferred_count + actual.in_flight_count;
        let gone = channel.finished + channel.dropped + total;
        if channel.queue.is_recovering {
            channel.brought = i128::from(gone) - i128::from(channel.message_count);
            if actual.backend_depth == 0 && is_calm && actual.deferred_count == deferred {
                channel.has_left_deferred = false;
                end_recovery(channel, actual.depth);
            }
        }
        if !channel.queue.is_recovering {
            let unread = channel.unread_deferred();
            assert_eq!(actual.depth, channel.queue.depth() + unread, "depth of {what}");
            assert_eq!(
                channel.brought + i128::from(channel.message_count),
                i128::from(gone),
                "{what}: published = finished + dropped + queued + deferred + in flight"
            );
        }
        // While some are left here that the disk refused, and whose publisher has not been told, what comes next is
        // behind them only here.
        channel.queue.is_ordered |= actual.depth == 0 && channel.queue.entries.is_empty();
    }

    /// Lets everything happen that can happen without the clock, and sees that nobody is left waiting.
    pub(crate) fn settle(&mut self) {
        self.trace("settle".to_owned());
        for round in 0.. {
            assert!(round < 1_000_000, "it never comes to rest");
            let runnable: Vec<_> = (0..self.clients.len())
                .filter(|index| self.clients[*index].is_runnable())
                .collect();
            if runnable.is_empty() || self.rng.chance(50) {
                let has_worked = self.io_step();
                if runnable.is_empty() && !has_worked {
                    break;
                }
            } else if let Some(index) = self.rng.pick(&runnable) {
                self.run_client(index);
            }
            self.check();
        }
        self.check_liveness();
        let has_waiting = |topic: &crate::model::TopicModel| {
            topic.flows() && topic.handle.snapshot(false, |_| false).depth > 0
        };
        let is_blocked = !self.is_calm && self.topics.values().any(has_waiting);
        self.coverage.note_if(is_blocked, Reached::PumpBlocked);
    }

    fn check_liveness(&self) {
        let unanswered: Vec<_> = self
            .publishers
            .iter()
            .map(|publisher| &publisher.serials)
            .collect();
        assert!(
            unanswered.is_empty(),
            "publishers of {unanswered:?} were told nothing"
        );
        assert!(self.works.is_empty(), "an operation never ends");
        for (name, topic) in &self.topics {
            let depth = topic.handle.snapshot(false, |_| false).depth;
            assert!(
                !topic.flows() || depth == 0 || !self.is_calm,
                "{depth} messages wait in {name}, which is not paused"
            );
            for channel in topic.channels.values() {
                let actual = channel.handle.snapshot(false);
                let in_memory = actual.depth - actual.backend_depth;
                // After a failure a read is tried again in a second: the clock stands still here.
                let stuck = if self.is_calm { actual.depth } else { in_memory };
                if channel.is_paused || channel.is_exiting || stuck == 0 {
                    continue;
                }
                let hungry = self
                    .clients
                    .iter()
                    .filter(|client| Arc::ptr_eq(&client.channel, &channel.handle))
                    .find(|client| client.is_hungry());
                assert!(
                    hungry.is_none(),
                    "{stuck} messages wait in {name}:{}, and so does {:?}",
                    channel.handle.name(),
                    hungry.map(|client| client.id),
                );
            }
        }
    }

    /// Takes back all faults, and lets every retry happen.
    pub(crate) fn heal(&mut self) {
        self.trace("heal".to_owned());
        let was_unhealthy = self.process.core.storage_error().is_some();
        self.storage.heal();
        self.is_faulty = false;
        for _ in 0..3 {
            self.settle();
            self.advance(Duration::from_millis(1_500));
            self.check();
        }
        self.settle();
        let error = self.process.core.storage_error();
        assert!(error.is_none(), "still unhealthy: {error:?}");
        self.coverage.note_if(was_unhealthy, Reached::Healed);
        self.is_calm = true;
        self.check();
        self.settle();
    }

    /// Waits until everything on disk is synced: no crash may lose it from now on.
    pub(crate) fn sync(&mut self) {
        if !self.is_calm {
            return;
        }
        self.trace("sync".to_owned());
        let has_rolled = self
            .storage
            .names()
            .iter()
            .any(|name| name.ends_with("000001.dat"));
        self.coverage.note_if(has_rolled, Reached::RollOver);
        self.settle();
        self.mark_on_disk(|entry| entry.is_on_disk = true);
        self.advance(Duration::from_secs(3));
        self.check();
        self.settle();
        self.mark_on_disk(|entry| entry.synced |= entry.is_on_disk);
        self.mark_finished();
        let has_aside = |name: &String| {
            let content = self.storage.content(format!("/data/{name}"));
            name.contains("aside") && content.is_some_and(|content| !content.is_empty())
        };
        let has_aside = self.storage.names().iter().any(has_aside);
        self.coverage.note_if(has_aside, Reached::PutAside);
    }

    /// What is finished by now, with everything synced, may come back within a small bound only.
    fn mark_finished(&mut self) {
        // A crash may have left two copies, of which one is finished now and the other is not.
        if self.restarts > 0 {
            return;
        }
        let messages = &self.messages;
        for channel in self
            .topics
            .values_mut()
            .flat_map(|topic| topic.channels.values_mut())
        {
            let finished = channel.finished_since.iter().copied();
            // What a topic has on disk as well may be pumped again.
            let finished = finished.filter(|serial| {
                *serial != crate::client::DAMAGED && !messages[usize::try_from(*serial).unwrap()].was_in_topic
            });
            channel.finished_synced = finished.collect();
            channel.come_back = 0;
        }
    }

    /// Marks what is on disk, after all I/O.
    pub(crate) fn mark_on_disk(&mut self, mark: impl Fn(&mut Entry)) {
        let storage = self.storage.clone();
        for (name, topic) in &mut self.topics {
            let actual = topic.handle.snapshot(false, |_| false);
            let in_memory = actual.depth - actual.backend_depth;
            on_disk(&mut topic.queue, in_memory, &storage, name).for_each(&mark);
            for (channel_name, channel) in &mut topic.channels {
                let actual = channel.handle.snapshot(false);
                let in_memory = actual.depth - actual.backend_depth;
                let queue_name = format!("{name}:{channel_name}");
                on_disk(&mut channel.queue, in_memory, &storage, &queue_name).for_each(&mark);
            }
        }
    }
}

/// The entries that are in the files for certain.
fn on_disk<'q>(
    queue: &'q mut QueueModel,
    in_memory: u64,
    storage: &MemStorage,
    name: &str,
) -> impl Iterator<Item = &'q mut Entry> {
    let stored = stored_serials(storage, name);
    let is_known = queue.is_ordered && !queue.is_recovering;
    queue.entries.iter_mut().filter(move |entry| {
        // What was delivered before may be in the files as what it was then.
        let is_stored = entry.attempts == 0 && entry.serial.is_some_and(|serial| stored.contains(&serial));
        is_known && (in_memory == 0 || is_stored)
    })
}

/// The messages of all records in the data files of a queue, consumed or not.
fn stored_serials(storage: &MemStorage, queue: &str) -> BTreeSet<Serial> {
    let is_data = |name: &String| {
        let number = name.strip_prefix(&format!("{queue}.diskqueue."));
        number.is_some_and(|number| number.starts_with(|first: char| first.is_ascii_digit()))
    };
    let names = storage.names().into_iter().filter(is_data);
    let files = names.filter_map(|name| storage.content(format!("/data/{name}")));
    files
        .flat_map(|file| {
            let mut rest = &file[..];
            let mut serials = Vec::new();
            while let Some((len, behind)) = rest.split_first_chunk::<4>() {
                let len = usize::try_from(u32::from_be_bytes(*len)).unwrap();
                let Some((record, behind)) = behind.split_at_checked(len) else {
                    break;
                };
                serials.extend(record.get(MESSAGE_HEADER_LEN..).and_then(serial_of));
                rest = behind;
            }
            serials
        })
        .collect()
}

/// Nothing is left in the files: what the crash had left is known by now to have been read.
fn end_recovery(channel: &mut ChannelModel, depth: u64) {
    if channel.is_sampled {
        channel.queue.is_recovering = false;
        channel.queue.blur(depth);
        return;
    }
    let known = channel.queue.depth();
    assert!(
        known <= depth,
        "{known} messages were accepted since the crash, {depth} are left: {:?}",
        channel.queue.serials().collect::<Vec<_>>()
    );
    channel.queue.is_recovering = false;
    let group = channel.queue.entries.front().map_or(0, |entry| entry.group);
    for _ in known..depth {
        channel.queue.entries.push_back(Entry::unknown(group));
        channel.queue.is_ordered = false;
    }
}
