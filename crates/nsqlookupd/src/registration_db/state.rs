//! The data behind the lock, and what changes it.

#[cfg(test)]
mod check;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nsq_protocol::name::{ChannelName, ChannelRef, TopicName, TopicRef};
use nsq_runtime::Moment;

use super::{Full, Limits};
use crate::Producer;

/// How many topics and channels a producer is taken out of while others wait for the lock.
const WITHDRAWN_MAX: usize = 256;

/// A topic in the database, until it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TopicId(u32);

/// A producer in the database, until it is withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProducerId(u32);

/// Topics, producers, and who has what.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) ids: BTreeMap<TopicName, TopicId>,
    pub(super) topics: BTreeMap<TopicId, Topic>,
    pub(super) holders: BTreeMap<ProducerId, Holder>,
    /// Few, if any. They stay when their time is over, to be shown.
    pub(super) tombstones: BTreeMap<(ProducerId, TopicId), Tombstone>,
    last_topic: u32,
    last_producer: u32,
    /// How many topics and channels there are.
    pub(super) names: usize,
    /// The sum over all holders.
    pub(super) registrations: usize,
}

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: TopicName,
    pub(super) producers: BTreeSet<ProducerId>,
    /// Each with those of `producers` that have it.
    pub(super) channels: BTreeMap<ChannelName, BTreeSet<ProducerId>>,
}

/// A producer and what it has.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) producer: Arc<Producer>,
    pub(super) topics: BTreeSet<TopicId>,
    /// How many topics and channels it has.
    registrations: usize,
}

/// An operator's wish that a producer of a topic not be found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tombstone {
    pub(super) at: Moment,
    /// The same by the wall clock, in nanoseconds since the Unix epoch.
    pub(super) at_ns: i64,
}

/// What a registration changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// The producer is new in the topic.
    pub topic: bool,
    /// The producer is new in the channel.
    pub channel: bool,
}

/// What giving up a topic changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unregistered {
    /// The producer was in the topic.
    pub topic: bool,
    /// The channels that the producer was in.
    pub channels: Vec<ChannelName>,
}

/// A topic that a producer was taken out of, and the channels of it that the producer was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// The topic.
    pub topic: TopicName,
    /// Its channels.
    pub channels: Vec<ChannelName>,
}

impl State {
    pub(super) fn add(&mut self, producer: Arc<Producer>) -> ProducerId {
        let id = ProducerId(unused(&mut self.last_producer, |id| {
            self.holders.contains_key(&ProducerId(id))
        }));
        let holder = Holder {
            producer,
            topics: BTreeSet::new(),
            registrations: 0,
        };
        self.holders.insert(id, holder);
        id
    }

    pub(super) fn withdraw(&mut self, id: ProducerId) -> Option<Vec<Withdrawn>> {
        if self.holders.get(&id)?.topics.is_empty() {
            self.holders.remove(&id);
            return None;
        }
        let mut withdrawn = Vec::new();
        let mut budget = WITHDRAWN_MAX;
        while budget > 0
            && let Some(topic) = self.holders.get_mut(&id)?.topics.pop_first()
        {
            let Some(name) = self.topics.get(&topic).map(|topic| topic.name.clone()) else {
                continue;
            };
            let channels = self.leave(id, topic).channels;
            budget = budget.saturating_sub(1 + channels.len());
            withdrawn.push(Withdrawn {
                topic: name,
                channels,
            });
        }
        Some(withdrawn)
    }

    pub(super) fn register(
        &mut self,
        id: ProducerId,
        topic: TopicRef<'_>,
        channel: Option<ChannelRef<'_>>,
        limits: &Limits,
    ) -> Result<Registered, Full> {
        let Some(holder) = self.holders.get(&id) else {
            return Ok(Registered::default());
        };
        let existing = self.topic(topic.as_str());
        let registered = Registered {
            topic: existing.is_none_or(|topic| !topic.producers.contains(&id)),
            channel: channel.is_some_and(|channel| {
                let producers = existing.and_then(|topic| topic.channels.get(channel.as_str()));
                producers.is_none_or(|producers| !producers.contains(&id))
            }),
        };
        let added = usize::from(registered.topic) + usize::from(registered.channel);
        if added == 0 {
            return Ok(registered);
        }
        if holder.registrations + added > limits.registrations_max {
            return Err(Full::Registrations);
        }
        if self.registrations + added > limits.total_registrations_max {
            return Err(Full::TotalRegistrations);
        }

        let topic_id = self.ensure(topic, channel, limits)?;
        if let Some(topic) = self.topics.get_mut(&topic_id) {
            topic.producers.insert(id);
            if let Some(producers) = channel.and_then(|channel| topic.channels.get_mut(channel.as_str())) {
                producers.insert(id);
            }
        }
        if let Some(holder) = self.holders.get_mut(&id) {
            holder.topics.insert(topic_id);
            holder.registrations += added;
        }
        self.registrations += added;
        Ok(registered)
    }

    pub(super) fn unregister_channel(
        &mut self,
        id: ProducerId,
        topic: TopicRef<'_>,
        channel: ChannelRef<'_>,
    ) -> bool {
        let Some(topic) = self.topic_mut(topic.as_str()) else {
            return false;
        };
        let Some(producers) = topic.channels.get_mut(channel.as_str()) else {
            return false;
        };
        let was_in = producers.remove(&id);
        if producers.is_empty() && channel.is_ephemeral() {
            topic.channels.remove(channel.as_str());
            self.names -= 1;
        }
        if was_in {
            self.release([&id]);
        }
        was_in
    }

    pub(super) fn unregister_topic(&mut self, id: ProducerId, topic: TopicRef<'_>) -> Unregistered {
        match self.ids.get(topic.as_str()) {
            Some(&topic) => self.leave(id, topic),
            None => Unregistered::default(),
        }
    }

    pub(super) fn create(
        &mut self,
        topic: TopicRef<'_>,
        channel: Option<ChannelRef<'_>>,
        limits: &Limits,
    ) -> Result<(), Full> {
        self.ensure(topic, channel, limits).map(|_| ())
    }

    pub(super) fn delete_topic(&mut self, topic: &str) -> Option<Vec<ChannelName>> {
        let id = *self.ids.get(topic)?;
        let topic = self.remove_topic(id)?;
        Some(topic.channels.into_keys().collect())
    }

    pub(super) fn delete_channel(&mut self, topic: &str, channel: &str) -> bool {
        let Some(producers) = self
            .topic_mut(topic)
            .and_then(|topic| topic.channels.remove(channel))
        else {
            return false;
        };
        self.names -= 1;
        self.release(&producers);
        true
    }

    pub(super) fn tombstone(&mut self, topic: &str, node: &str, tombstone: Tombstone) {
        let Some(&topic_id) = self.ids.get(topic) else {
            return;
        };
        let Some(topic) = self.topics.get(&topic_id) else {
            return;
        };
        for &id in &topic.producers {
            if self
                .holders
                .get(&id)
                .is_some_and(|holder| holder.producer.is_node(node))
            {
                self.tombstones.insert((id, topic_id), tombstone);
            }
        }
    }

    pub(super) fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(self.ids.get(name)?)
    }

    fn topic_mut(&mut self, name: &str) -> Option<&mut Topic> {
        self.topics.get_mut(self.ids.get(name)?)
    }

    /// The topic of that name, which has the channel; both are made if they are missing and there is room.
    fn ensure(
        &mut self,
        topic: TopicRef<'_>,
        channel: Option<ChannelRef<'_>>,
        limits: &Limits,
    ) -> Result<TopicId, Full> {
        let existing = self.topic(topic.as_str());
        let lacks_topic = existing.is_none();
        let lacking_channel = channel
            .filter(|channel| existing.is_none_or(|topic| !topic.channels.contains_key(channel.as_str())));
        let names = self.names + usize::from(lacks_topic) + usize::from(lacking_channel.is_some());
        if names > limits.names_max {
            return Err(Full::Names);
        }
        let id = match self.ids.get(topic.as_str()) {
            Some(&id) => id,
            None => self.insert_topic(topic.to_owned()),
        };
        if let Some(channel) = lacking_channel
            && let Some(topic) = self.topics.get_mut(&id)
        {
            topic.channels.insert(channel.to_owned(), BTreeSet::new());
        }
        self.names = names;
        Ok(id)
    }

    fn insert_topic(&mut self, name: TopicName) -> TopicId {
        let id = TopicId(unused(&mut self.last_topic, |id| {
            self.topics.contains_key(&TopicId(id))
        }));
        self.ids.insert(name.clone(), id);
        let topic = Topic {
            name,
            producers: BTreeSet::new(),
            channels: BTreeMap::new(),
        };
        self.topics.insert(id, topic);
        id
    }

    /// Takes a producer out of a topic and its channels, and removes what is ephemeral and nobody has then.
    fn leave(&mut self, id: ProducerId, topic_id: TopicId) -> Unregistered {
        let mut left = Unregistered::default();
        let Some(topic) = self.topics.get_mut(&topic_id) else {
            return left;
        };
        left.topic = topic.producers.remove(&id);
        if left.topic {
            let channels_before = topic.channels.len();
            topic.channels.retain(|name, producers| {
                if !producers.remove(&id) {
                    return true;
                }
                left.channels.push(name.clone());
                !(producers.is_empty() && name.is_ephemeral())
            });
            self.names -= channels_before - topic.channels.len();
        }
        let is_abandoned = topic.producers.is_empty() && topic.name.is_ephemeral();

        if left.topic {
            self.tombstones.remove(&(id, topic_id));
            let released = 1 + left.channels.len();
            self.registrations -= released;
            if let Some(holder) = self.holders.get_mut(&id) {
                holder.topics.remove(&topic_id);
                holder.registrations -= released;
            }
        }
        if is_abandoned {
            self.remove_topic(topic_id);
        }
        left
    }

    fn remove_topic(&mut self, id: TopicId) -> Option<Topic> {
        let topic = self.topics.remove(&id)?;
        self.ids.remove(&topic.name);
        self.names -= 1 + topic.channels.len();
        for producer in &topic.producers {
            self.tombstones.remove(&(*producer, id));
            if let Some(holder) = self.holders.get_mut(producer) {
                holder.topics.remove(&id);
            }
        }
        self.release(&topic.producers);
        for producers in topic.channels.values() {
            self.release(producers);
        }
        Some(topic)
    }

    /// Each of `producers` has one topic or channel less.
    fn release<'p>(&mut self, producers: impl IntoIterator<Item = &'p ProducerId>) {
        for producer in producers {
            self.registrations -= 1;
            if let Some(holder) = self.holders.get_mut(producer) {
                holder.registrations -= 1;
            }
        }
    }
}

/// The next number after `last` that is not taken. There is one: neither memory nor descriptors suffice for
/// 2³² of anything.
fn unused(last: &mut u32, is_taken: impl Fn(u32) -> bool) -> u32 {
    loop {
        *last = last.wrapping_add(1);
        if !is_taken(*last) {
            return *last;
        }
    }
}
