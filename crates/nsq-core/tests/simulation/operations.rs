//! What producers and operators do.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nsq_core::{
    Channel, ClientId, ConsumerOptions, Durability, Locality, PublishError, Receipt, SubscribeError, Topic,
};
use nsq_protocol::name::{ChannelName, TopicName};

use crate::client::Client;
use crate::coverage::Reached;
use crate::model::{ChannelModel, Entry, Serial, TopicModel, Waiting};
use crate::world::{MessageInfo, Publisher, Work, WorkKind, World};

impl World {
    pub(crate) fn create_topic(&mut self, name: &str) {
        if self.topics.contains_key(name) {
            return;
        }
        self.trace(format!("create topic {name}"));
        let topic = Topic::new(&self.process.core, TopicName::new(name).unwrap());
        topic.start();
        let mut model = TopicModel::new(topic, self.next_serial());
        if self.residue.remove(name) {
            model.queue.is_recovering = true;
            model.created_at = 0;
        }
        let is_residue = !model.is_ephemeral && model.queue.is_recovering;
        model.queue.is_recovering = is_residue;
        self.topics.insert(name.to_owned(), model);
        if is_residue {
            self.open_residue();
        }
    }

    /// What the files hold counts once they are open.
    fn open_residue(&mut self) {
        while self.io_step() {}
    }

    pub(crate) fn create_channel(&mut self, topic: &str, name: &str) -> Option<Arc<Channel>> {
        let serial = self.next_serial();
        let model = self.topics.get_mut(topic)?;
        let outcome = model.handle.channel_or_create(&ChannelName::new(name).unwrap());
        let Ok((handle, is_new)) = outcome else {
            assert!(model.is_exiting, "an open topic refuses a channel");
            return None;
        };
        if is_new {
            let mut channel = ChannelModel::new(Arc::clone(&handle), serial);
            let is_residue = self.residue.remove(&format!("{topic}:{name}")) && !channel.is_ephemeral;
            if is_residue {
                channel.queue.is_recovering = true;
                channel.has_left_deferred = true;
                model.created_at = 0;
            }
            model.channels.insert(name.to_owned(), channel);
            self.trace(format!("create channel {topic}:{name}"));
            if is_residue {
                self.open_residue();
            }
        }
        Some(handle)
    }

    /// Publishes messages, deferred if `defer_ms` is not zero (one at a time then).
    pub(crate) fn publish(&mut self, topic: &str, body_lens: &[usize], defer_ms: u32) {
        let first = self.next_serial();
        let bodies: Vec<Bytes> = (first..)
            .zip(body_lens)
            .map(|(serial, len)| {
                let mut body = format!("{serial:08}").into_bytes();
                body.resize(8 + len, b'.');
                Bytes::from(body)
            })
            .collect();
        let Some(model) = self.topics.get(topic) else {
            return;
        };
        let handle = Arc::clone(&model.handle);
        let before = handle.snapshot(false, |_| false);
        let bytes = bodies.iter().map(|body| body.len() as u64).sum::<u64>();
        let count = bodies.len();
        let outcome = if defer_ms > 0 {
            handle.publish_deferred(bodies[0].clone(), defer_ms)
        } else {
            handle.publish(bodies.into_iter())
        };
        let is_exiting = model.is_exiting;
        self.trace(format!(
            "publish {count} from {first} to {topic}, deferred {defer_ms} ms"
        ));
        match outcome {
            Err(PublishError::Exiting) => assert!(is_exiting, "an open topic refuses messages"),
            Err(PublishError::Storage(error)) => panic!("{error}"),
            Ok(receipt) => {
                assert!(!is_exiting, "a topic that is deleted accepts messages");
                self.messages.extend(body_lens.iter().map(|_| MessageInfo {
                    topic: topic.to_owned(),
                    id: None,
                    was_in_topic: false,
                    is_accepted: false,
                }));
                let model = self.topics.get_mut(topic).unwrap();
                model.message_count += count as u64;
                model.message_bytes += bytes;
                let goes_on = model.flows() && before.depth == 0;
                let serials = first..self.next_serial();
                if goes_on {
                    self.reach_channels(topic, serials.clone(), defer_ms);
                } else {
                    self.wait_in_topic(topic, serials.clone(), defer_ms, before.backend_depth);
                }
                self.keep(topic, serials, receipt);
                if defer_ms > 0 && goes_on {
                    // When it is due counts from now, and the timer is set once it is written.
                    while self.io_step() {}
                    let has_aside = self.storage.names().iter().any(|name| name.contains("aside"));
                    self.coverage.note_if(has_aside, Reached::DeferredToDisk);
                    let is_spilled = has_aside && self.setup.durability == Durability::Go;
                    self.coverage.note_if(is_spilled, Reached::DeferredSpilled);
                }
            }
        }
    }

    fn keep(&mut self, topic: &str, serials: std::ops::Range<Serial>, receipt: Receipt) {
        if receipt.is_settled() {
            self.accepted(serials);
            return;
        }
        self.publishers.push(Publisher {
            topic: topic.to_owned(),
            serials,
            wait: Box::pin(receipt.settled()),
            has_lost: false,
            is_excused: false,
        });
    }

    /// Their publisher was told that they are accepted.
    pub(crate) fn accepted(&mut self, serials: std::ops::Range<Serial>) {
        for serial in serials {
            self.messages[usize::try_from(serial).unwrap()].is_accepted = true;
        }
    }

    fn entries(&mut self, serials: std::ops::Range<Serial>) -> Vec<Entry> {
        serials
            .map(|serial| Entry::new(serial, self.new_group()))
            .collect()
    }

    fn reach_channels(&mut self, topic: &str, serials: std::ops::Range<Serial>, defer_ms: u32) {
        let now = self.now();
        let channels = self.topics[topic].channels.values();
        let handles: Vec<_> = channels.map(|channel| Arc::clone(&channel.handle)).collect();
        for handle in handles {
            let entries = self.entries(serials.clone());
            let Some(channel) = self.live_channel(&handle) else {
                continue;
            };
            channel.message_count += entries.len() as u64;
            if defer_ms > 0 {
                for entry in entries {
                    channel.owe(entry.serial.unwrap());
                    channel.deferred.push(Waiting {
                        due: now + Duration::from_millis(u64::from(defer_ms)),
                        order: entry.group,
                        entry,
                    });
                }
            } else {
                self.arrive(&handle, entries);
            }
        }
    }

    fn wait_in_topic(
        &mut self,
        topic: &str,
        serials: std::ops::Range<Serial>,
        defer_ms: u32,
        backend_depth: u64,
    ) {
        for serial in serials.clone() {
            self.messages[usize::try_from(serial).unwrap()].was_in_topic = true;
        }
        let entries = self.entries(serials);
        let memory_max = self.setup.mem_queue_size as u64;
        let model = self.topics.get_mut(topic).unwrap();
        let is_on_disk = model.handle.snapshot(false, |_| false).backend_depth > backend_depth;
        for entry in entries {
            if model.is_ephemeral && model.queue.depth() >= memory_max {
                self.coverage.note(Reached::EphemeralOverflow);
                continue;
            }
            model.queue.entries.push_back(Entry {
                defer_ms,
                may_lose_delay: defer_ms > 0 && is_on_disk,
                ..entry
            });
        }
    }

    /// Whether a deferred publish can be followed: of those on a topic's disk, only one at a time.
    pub(crate) fn can_defer(&self, topic: &str) -> bool {
        let is_written = self.setup.durability != Durability::Go;
        self.topics.get(topic).is_some_and(|topic| {
            // What is written must be written at once, for when it is due to be known.
            let is_direct =
                self.is_calm && topic.flows() && topic.handle.snapshot(false, |_| false).depth == 0;
            let is_known = topic.channels.values().all(ChannelModel::knows_deferred);
            let is_moved = !topic.flows() || topic.handle.snapshot(false, |_| false).depth > 0;
            (is_direct || (!is_written && is_moved && is_known))
                && !topic.queue.is_recovering
                && !topic.queue.entries.iter().any(|entry| entry.may_lose_delay)
        })
    }

    pub(crate) fn subscribe(&mut self, topic: &str, channel: &str) {
        let Some(handle) = self.create_channel(topic, channel) else {
            return;
        };
        let sample_rate = if channel.starts_with("sampled") {
            self.rng.pick(&[0, 1, 50, 99]).unwrap()
        } else {
            0
        };
        let options = ConsumerOptions {
            msg_timeout: Duration::from_secs(self.rng.pick(&[1, 10, 60]).unwrap()),
            sample_rate,
            locality: self
                .rng
                .pick(&[Locality::Zone, Locality::Region, Locality::Global])
                .unwrap(),
        };
        self.last_client += 1;
        let id = ClientId(self.last_client);
        let outcome = handle.subscribe(id, options);
        self.trace(format!("subscribe {id:?} to {topic}:{channel}"));
        match (outcome, self.live_channel(&handle)) {
            (Ok(subscription), Some(model)) => {
                model.is_sampled |= sample_rate > 0;
                if model.is_sampled {
                    model.owed.clear();
                }
                self.clients.push(Client::new(&handle, id, options, subscription));
            }
            (Err(SubscribeError::Exiting), None) => {}
            (outcome, _) => panic!("{outcome:?}"),
        }
    }

    pub(crate) fn begin(
        &mut self,
        kind: WorkKind,
        wait: impl Future<Output = Result<(), nsq_core::StorageError>> + 'static,
    ) {
        self.works.push(Work {
            kind,
            wait: Box::pin(wait),
            is_troubled: !self.is_calm,
        });
        // A handler begins at once.
        self.poll_works();
    }

    pub(crate) fn delete_channel(&mut self, topic: &str, name: &str) {
        let Some(model) = self.topics.get(topic) else {
            return;
        };
        let Some(channel) = model.channels.get(name) else {
            return;
        };
        let (topic_handle, handle) = (Arc::clone(&model.handle), Arc::clone(&channel.handle));
        self.trace(format!("delete channel {topic}:{name}"));
        let in_flight = handle.snapshot(false).in_flight_count;
        self.coverage.note_if(in_flight > 0, Reached::DeleteWhileInFlight);
        let backlog = handle.snapshot(false).backend_depth;
        self.coverage
            .note_if(backlog > 0, Reached::DeleteWithBacklogOnDisk);
        let is_writing = self.is_writing(topic);
        self.coverage.note_if(is_writing, Reached::DeleteWhileWriting);
        self.excuse_publishers(topic);
        let channel_name = handle.name().clone();
        let wait = async move { topic_handle.delete_channel(&channel_name).await.map(|_| ()) };
        self.begin(WorkKind::DeleteChannel(topic.to_owned(), handle), wait);
    }

    /// Whether publishers of the topic wait for the disk.
    fn is_writing(&self, topic: &str) -> bool {
        self.publishers.iter().any(|publisher| publisher.topic == topic)
    }

    pub(crate) fn delete_topic(&mut self, name: &str) {
        let Some(model) = self.topics.get_mut(name) else {
            return;
        };
        let handle = Arc::clone(&model.handle);
        if !handle.begin_delete() {
            return;
        }
        model.is_exiting = true;
        let depth = handle.snapshot(false, |_| false).depth;
        self.coverage.note_if(depth > 0, Reached::TopicDeletedWithBacklog);
        self.trace(format!("delete topic {name}"));
        self.excuse_publishers(name);
        let topic = Arc::clone(&handle);
        let wait = async move { topic.finish_delete().await };
        self.begin(WorkKind::DeleteTopic(handle), wait);
    }

    pub(crate) fn empty_channel(&mut self, topic: &str, name: &str) {
        let is_writing = self.is_writing(topic);
        let next_serial = self.next_serial();
        let Some(model) = self.topics.get_mut(topic) else {
            return;
        };
        let in_topic: Vec<_> = model.queue.serials().collect();
        let is_topic_known = !model.queue.is_recovering;
        let topic_created_at = model.created_at;
        let Some(channel) = model.channels.get_mut(name) else {
            return;
        };
        if channel.is_exiting {
            return;
        }
        let handle = Arc::clone(&channel.handle);
        let snapshot = handle.snapshot(false);
        self.coverage
            .note_if(snapshot.in_flight_count > 0, Reached::EmptyWhileInFlight);
        self.coverage
            .note_if(snapshot.backend_depth > 0, Reached::EmptyWithBacklogOnDisk);
        self.coverage.note_if(
            is_writing && snapshot.backend_depth > 0,
            Reached::EmptyWhileWriting,
        );
        channel.dropped += snapshot.depth + snapshot.deferred_count + snapshot.in_flight_count;
        channel.queue = crate::model::QueueModel::default();
        channel.deferred.clear();
        // If the files cannot be opened, they come back.
        channel.has_left_deferred |= std::mem::take(&mut channel.has_unread_deferred);
        channel.has_left_deferred |= std::mem::take(&mut channel.has_unread_due);
        channel.abandoned.clear();
        channel.owed.clear();
        if !is_topic_known {
            // What has reached it already, and is gone, cannot be told from what has not.
            channel.created_at = next_serial;
        }
        // Everything before is gone for good, but for what has not reached the channel yet.
        let dead = if is_topic_known {
            (topic_created_at..next_serial)
                .filter(|serial| !in_topic.contains(serial))
                .collect()
        } else {
            std::collections::BTreeSet::new()
        };
        for client in &mut self.clients {
            if Arc::ptr_eq(&client.channel, &handle) {
                client.held.clear();
            }
        }
        self.trace(format!("empty channel {topic}:{name}"));
        self.excuse_publishers(topic);
        let channel = Arc::clone(&handle);
        let wait = async move { channel.empty().await };
        self.begin(WorkKind::EmptyChannel(handle, dead), wait);
    }

    pub(crate) fn empty_topic(&mut self, name: &str) {
        let Some(model) = self.topics.get_mut(name) else {
            return;
        };
        if model.is_exiting {
            return;
        }
        let handle = Arc::clone(&model.handle);
        model.queue = crate::model::QueueModel::default();
        self.trace(format!("empty topic {name}"));
        self.excuse_publishers(name);
        let kind = WorkKind::EmptyTopic(Arc::clone(&handle));
        let wait = async move { handle.empty().await };
        self.begin(kind, wait);
    }

    pub(crate) fn toggle_topic_pause(&mut self, name: &str) {
        let Some(model) = self.topics.get_mut(name) else {
            return;
        };
        model.is_paused = !model.is_paused;
        if model.is_paused {
            model.handle.pause();
        } else {
            model.handle.unpause();
        }
        let (is_paused, depth) = (model.is_paused, model.queue.depth());
        self.trace(format!("topic {name} paused: {is_paused}"));
        self.coverage
            .note_if(is_paused && depth > 0, Reached::TopicPausedWithBacklog);
    }

    pub(crate) fn toggle_channel_pause(&mut self, topic: &str, name: &str) {
        let Some(channel) = self
            .topics
            .get_mut(topic)
            .and_then(|topic| topic.channels.get_mut(name))
        else {
            return;
        };
        channel.is_paused = !channel.is_paused;
        let (is_paused, depth) = (channel.is_paused, channel.handle.depth());
        if is_paused {
            channel.handle.pause();
        } else {
            channel.handle.unpause();
        }
        self.trace(format!("channel {topic}:{name} paused: {is_paused}"));
        self.coverage.note_if(
            depth > 0,
            if is_paused {
                Reached::PausedWithBacklog
            } else {
                Reached::UnpausedWithBacklog
            },
        );
    }

    /// Lets time pass, and everything happen that is due by then.
    pub(crate) fn advance(&mut self, duration: Duration) {
        self.trace(format!("advance {duration:?}"));
        let until = self.now() + duration;
        let channels = self.topics.values().flat_map(|topic| topic.channels.values());
        let mut deferred = channels.flat_map(|channel| &channel.deferred);
        if deferred.any(|waiting| waiting.due <= until) {
            // One that is due while it is on its way to the files would be late.
            while self.io_step() {}
        }
        self.clock.advance(duration);
        if self.rng.chance(50) {
            self.expire_clients();
            self.fire_timers();
        } else {
            self.fire_timers();
            self.expire_clients();
        }
    }

    fn fire_timers(&mut self) {
        let now = self.now();
        while self.process.timers.fire(now).is_some_and(|at| at <= now) {}
        let handles: Vec<_> = self
            .topics
            .values()
            .flat_map(|topic| topic.channels.values())
            .map(|channel| Arc::clone(&channel.handle))
            .collect();
        for handle in handles {
            let group = self.new_group();
            let Some(channel) = self.live_channel(&handle) else {
                continue;
            };
            let mut returned = channel.take_expired(now, group);
            let expired = returned.len();
            channel.timeout_count += expired as u64;
            for entry in channel.take_due(now, group) {
                // It may have to be read first, and others come meanwhile.
                channel.queue.is_ordered &= channel.is_ephemeral;
                returned.push(entry);
            }
            self.coverage.note_if(expired > 0, Reached::TimedOutAbandoned);
            self.coverage
                .note_if(returned.len() > expired, Reached::DeferredCameDue);
            if !returned.is_empty() {
                let serials: Vec<_> = returned.iter().filter_map(|entry| entry.serial).collect();
                self.trace(format!("  returned by timer: {serials:?}"));
            }
            self.arrive(&handle, returned);
        }
    }
}
