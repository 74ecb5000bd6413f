//! Following what the I/O threads did, which the model cannot know beforehand.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use nsq_core::Durability;
use nsq_testkit::storage::Operation;

use crate::coverage::Reached;
use crate::model::{Entry, QueueModel, Serial, Waiting};
use crate::world::{Publisher, World};

/// What was seen before a step of I/O.
pub(crate) struct Before {
    reads: u64,
    has_storage_error: bool,
    has_publishers: bool,
}

impl Before {
    pub(crate) fn of(world: &World) -> Self {
        Self {
            reads: world.storage.calls(Operation::Read),
            has_storage_error: world.process.core.storage_error().is_some(),
            has_publishers: !world.publishers.is_empty(),
        }
    }
}

impl World {
    pub(crate) fn observe_io(&mut self, before: &Before) {
        let has_read = self.storage.calls(Operation::Read) > before.reads;
        self.coverage.note_if(has_read, Reached::Refill);
        let failed = self.process.core.storage_error().is_some() && !before.has_storage_error;
        self.coverage
            .note_if(failed && !before.has_publishers, Reached::FailedOpen);

        let told = self.poll_publishers();
        self.observe_pumps();
        self.observe_losses(told);
        self.poll_works();
    }

    /// Collects the publishers that were told the outcome.
    fn poll_publishers(&mut self) -> Vec<(Publisher, bool)> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut told = Vec::new();
        for mut publisher in std::mem::take(&mut self.publishers) {
            match publisher.wait.as_mut().poll(&mut cx) {
                Poll::Pending => self.publishers.push(publisher),
                Poll::Ready(outcome) => {
                    if outcome.is_ok() {
                        self.accepted(publisher.serials.clone());
                    }
                    told.push((publisher, outcome.is_ok()));
                }
            }
        }
        told
    }

    /// Moves what the pumps moved, which shows in the channels' counters.
    fn observe_pumps(&mut self) {
        let names: Vec<_> = self.topics.keys().cloned().collect();
        for name in names {
            self.observe_pump(&name);
        }
    }

    fn observe_pump(&mut self, name: &str) {
        let now = self.now();
        let is_calm = self.is_calm;
        let topic = &self.topics[name];
        let has_delayed = topic.queue.entries.iter().any(|entry| entry.defer_ms > 0);
        let live: Vec<_> = topic
            .channels
            .values()
            .filter(|channel| !channel.is_exiting)
            .map(|channel| {
                let snapshot = channel.handle.snapshot(false);
                // Written deferred messages never go through a topic here.
                let deferred = (has_delayed && channel.knows_deferred())
                    .then(|| snapshot.deferred_count - channel.deferred.len() as u64);
                (
                    Arc::clone(&channel.handle),
                    snapshot.message_count - channel.message_count,
                    deferred,
                )
            })
            .collect();
        let Some(pumped) = live.first().map(|(_, pumped, _)| *pumped) else {
            return;
        };
        if pumped == 0 {
            return;
        }
        let known: BTreeSet<_> = live.iter().filter_map(|(.., deferred)| *deferred).collect();
        assert!(
            live.iter().all(|(_, count, _)| *count == pumped) && known.len() <= 1,
            "every channel gets every message"
        );
        let deferred = known.first().copied().unwrap_or_else(|| {
            let pumped = topic.queue.entries.iter().take(usize::try_from(pumped).unwrap());
            pumped.filter(|entry| entry.defer_ms > 0).count() as u64
        });
        let backend_depth = topic.handle.snapshot(false, |_| false).backend_depth;
        self.trace(format!(
            "  pumped {pumped} of {name}, {deferred} of them deferred"
        ));
        let group = self.new_group();
        let topic = self.topics.get_mut(name).unwrap();
        let entries = take_pumped(&mut topic.queue, pumped, deferred, group);
        let is_lost = |entry: &Entry| entry.may_lose_delay && entry.defer_ms == 0;
        let has_lost_delay = entries.iter().any(is_lost);
        self.coverage.note_if(has_lost_delay, Reached::DelayLost);
        let delayed = entries.iter().filter(|entry| entry.defer_ms > 0).count() as u64;
        self.coverage
            .note_if(0 < delayed && delayed < pumped, Reached::PumpDeferred);
        self.coverage.note_if(backend_depth > 0, Reached::PumpThroughDisk);
        for (handle, ..) in live {
            let mut arriving = Vec::new();
            for entry in &entries {
                let entry = Entry {
                    defer_ms: 0,
                    may_lose_delay: false,
                    is_on_disk: false,
                    synced: false,
                    group: self.new_group(),
                    ..entry.clone()
                };
                arriving.push(entry);
            }
            let channel = self.live_channel(&handle).unwrap();
            channel.message_count += pumped;
            if !is_calm {
                // Its own write may have been refused in the same step.
                channel.queue.is_ordered = false;
            }
            let mut at_once = Vec::new();
            for (entry, pumped) in arriving.into_iter().zip(&entries) {
                if pumped.defer_ms > 0 {
                    if let Some(serial) = entry.serial {
                        channel.owe(serial);
                    }
                    channel.deferred.push(Waiting {
                        due: now + Duration::from_millis(u64::from(pumped.defer_ms)),
                        order: entry.group,
                        entry,
                    });
                } else {
                    at_once.push(entry);
                }
            }
            self.arrive(&handle, at_once);
        }
    }

    /// Finds out what the disk refused, and that its publishers are told.
    fn observe_losses(&mut self, mut told: Vec<(Publisher, bool)>) {
        let unsure: Vec<_> = told
            .iter()
            .map(|(publisher, _)| publisher)
            .chain(&self.publishers)
            .map(|publisher| publisher.serials.clone())
            .collect();
        let failed: Vec<_> = told
            .iter()
            .filter(|(_, is_safe)| !is_safe)
            .map(|(publisher, _)| publisher.serials.clone())
            .collect();
        let mut lost = BTreeSet::new();
        let mut vague = Vec::new();
        for (name, topic) in &mut self.topics {
            if !topic.is_exiting {
                let depth = topic.handle.snapshot(false, |_| false).depth;
                lost.extend(lost_of(&mut topic.queue, depth, self.is_calm, &unsure, &failed));
            }
            for channel in topic.channels.values_mut().filter(|channel| !channel.is_exiting) {
                let depth = channel.handle.depth() - channel.unread_deferred();
                let depth_before = channel.queue.depth();
                let lost_here = lost_of(&mut channel.queue, depth, self.is_calm, &unsure, &failed);
                let lost_count = depth_before - channel.queue.depth();
                if channel.queue.is_recovering || (lost_here.len() as u64) < lost_count {
                    vague.push(name.clone());
                }
                for serial in &lost_here {
                    channel.owed.remove(serial);
                }
                channel.dropped += lost_count;
                // Messages that were accepted before are kept in memory, in front of what is on disk.
                let is_empty = depth == 0 && channel.queue.entries.is_empty();
                channel.queue.is_ordered &= self.is_calm || is_empty;
                lost.extend(lost_here);
            }
        }
        let publishers = told.iter_mut().map(|(publisher, _)| publisher);
        for publisher in publishers.chain(&mut self.publishers) {
            publisher.is_excused |= vague.contains(&publisher.topic);
            let lost_here = lost.range(publisher.serials.clone()).count() as u64;
            publisher.has_lost |= lost_here > 0;
            let is_part = 0 < lost_here && lost_here < publisher.serials.end - publisher.serials.start;
            self.coverage.note_if(is_part, Reached::PublishPartlyFailed);
        }
        let is_synced = self.setup.durability == Durability::Fsync;
        for (publisher, is_safe) in told {
            let Publisher {
                serials,
                has_lost,
                is_excused,
                ..
            } = publisher;
            self.trace(format!("  publisher of {serials:?} told {is_safe}"));
            assert!(
                !is_safe || !has_lost,
                "the publisher of {serials:?} was told that all is well"
            );
            assert!(
                // They were written, but not synced.
                is_safe || has_lost || is_excused || (is_synced && !self.is_calm),
                "the publisher of {serials:?} was told of an error for no reason"
            );
            self.coverage.note_if(!is_safe, Reached::PublishFailed);
        }
    }
}

/// The messages that a step of I/O has lost, of those whose publishers wait to hear of them.
fn lost_of(
    queue: &mut QueueModel,
    depth: u64,
    is_calm: bool,
    unsure: &[Range<Serial>],
    failed: &[Range<Serial>],
) -> Vec<Serial> {
    let is_in = |entry: &Entry, ranges: &[Range<Serial>]| {
        entry.attempts == 0
            && entry
                .serial
                .is_some_and(|serial| ranges.iter().any(|range| range.contains(&serial)))
    };
    if queue.is_recovering {
        // How many are there is not known: those that failed may be.
        let (gone, kept): (VecDeque<_>, _) = std::mem::take(&mut queue.entries)
            .into_iter()
            .partition(|entry| is_in(entry, failed));
        queue.entries = kept;
        return gone.into_iter().filter_map(|entry| entry.serial).collect();
    }
    let count = queue.depth().saturating_sub(depth);
    assert!(
        count == 0 || !is_calm,
        "{count} messages are missing after a step of I/O"
    );
    queue
        .lose(count, |entry| is_in(entry, unsure))
        .unwrap_or_else(|| {
            panic!("of {count} missing messages, some have no publisher that waits to hear of them")
        })
}

/// Takes what was pumped out of a topic's queue: all known, unless a crash was before.
fn take_pumped(queue: &mut QueueModel, pumped: u64, deferred: u64, group: u64) -> Vec<Entry> {
    if queue.is_recovering {
        // Its entries stay: they are owed to the channels until the queue is known to be empty. Which of them
        // are still on disk is not known.
        for entry in &mut queue.entries {
            entry.is_on_disk = false;
            entry.synced = false;
        }
        return unknown_pumped(queue, pumped, deferred, group);
    }
    let count = usize::try_from(pumped).unwrap();
    assert!(
        count <= queue.entries.len(),
        "{pumped} pumped of {}",
        queue.entries.len()
    );
    let mut entries: Vec<_> = queue.entries.drain(..count).collect();
    let certain = entries
        .iter()
        .filter(|entry| entry.defer_ms > 0 && !entry.may_lose_delay)
        .count() as u64;
    let kept = deferred - certain;
    let mut unsure: Vec<_> = entries.iter_mut().filter(|entry| entry.may_lose_delay).collect();
    assert!(
        kept == 0 || kept == unsure.len() as u64,
        "delays are lost, not invented"
    );
    if kept == 0 {
        for entry in &mut unsure {
            entry.defer_ms = 0;
        }
    }
    entries
}

/// As many unknown messages as were pumped. Those among them that are deferred are as good as any that were published
/// so; first those that cannot have lost their delay on disk.
fn unknown_pumped(queue: &mut QueueModel, pumped: u64, deferred: u64, group: u64) -> Vec<Entry> {
    let mut waiting: Vec<_> = queue
        .entries
        .iter_mut()
        .filter(|entry| entry.defer_ms > 0)
        .collect();
    waiting.sort_by_key(|entry| entry.may_lose_delay);
    let count = usize::try_from(deferred).unwrap();
    assert!(count <= waiting.len(), "delays are lost, not invented");
    let mut entries: Vec<_> = (deferred..pumped).map(|_| Entry::unknown(group)).collect();
    for entry in &mut waiting[..count] {
        entries.push(Entry {
            defer_ms: std::mem::take(&mut entry.defer_ms),
            ..Entry::unknown(group)
        });
    }
    entries
}
