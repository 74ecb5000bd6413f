//! What there is to see in the database, and in which portions.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::Moment;

use super::Visibility;
use super::state::{Holder, ProducerId, State, Tombstone, Topic, TopicId};
use crate::Producer;

/// How many things are looked at for one page: some tenths of a millisecond, for which a change has to wait.
const PAGE_LEN: usize = 2048;

/// What there is to know about one topic.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// All of its channels, by name.
    pub channels: Vec<ChannelName>,
    /// The producers to consume from, in the order in which they came.
    pub producers: Vec<Arc<Producer>>,
}

/// A part of a listing, as it was at one moment.
#[derive(Clone, Debug)]
pub struct Page<T, C = T> {
    /// What is on the page; maybe nothing, even if others follow.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<C>,
}

/// A producer with its topics.
#[derive(Clone, Debug)]
pub struct Node {
    /// The producer.
    pub producer: Arc<Producer>,
    /// Its topics, each with whether it is tombstoned there.
    pub topics: Vec<(TopicName, bool)>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Producers that are active.
    pub active_producers: usize,
    /// Producers that are connected and have not been heard of for too long.
    pub inactive_producers: usize,
    /// Topics.
    pub topics: usize,
    /// Channels of all topics.
    pub channels: usize,
    /// Topics and channels, each counted for every producer that has it.
    pub registrations: usize,
    /// Tombstones that hide a producer.
    pub tombstones: usize,
}

/// How much there is of one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicCensus {
    /// The topic.
    pub name: TopicName,
    /// Producers that have it, active or not, tombstoned or not.
    pub producers: usize,
    /// Its channels.
    pub channels: usize,
}

/// Something that producers can be registered for. Sorted as the keys of `/debug` begin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Registration {
    /// A channel of a topic.
    Channel(TopicName, ChannelName),
    /// nsqlookupd itself: every producer is its client.
    Client,
    /// A topic.
    Topic(TopicName),
}

/// Who is registered for something.
#[derive(Clone, Debug)]
pub struct Entry {
    /// For what.
    pub registration: Registration,
    /// Who, each with the time of its tombstone in nanoseconds since the Unix epoch, if it has one there.
    pub producers: Vec<(Arc<Producer>, Option<i64>)>,
}

/// One look at the database: who is visible at this moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glance {
    pub(super) now: Moment,
    pub(super) visibility: Visibility,
}

impl Glance {
    fn sees(&self, producer: &Producer) -> bool {
        producer.is_active(self.now, self.visibility.inactive_producer_timeout)
    }

    /// Whether the tombstone is still in effect.
    fn heeds(&self, tombstone: &Tombstone) -> bool {
        self.now - tombstone.at < self.visibility.tombstone_lifetime
    }
}

impl State {
    pub(super) fn channels(&self, topic: &str) -> Vec<ChannelName> {
        self.topic(topic).map(channels).unwrap_or_default()
    }

    pub(super) fn lookup(&self, topic: &str, glance: Glance) -> Option<Lookup> {
        let id = *self.ids.get(topic)?;
        let topic = self.topics.get(&id)?;
        let is_visible = |producer: ProducerId, holder: &Holder| {
            let tombstone = self.tombstones.get(&(producer, id));
            glance.sees(&holder.producer) && !tombstone.is_some_and(|tombstone| glance.heeds(tombstone))
        };
        let producers = self
            .holders_of(&topic.producers)
            .filter(|&(id, holder)| is_visible(id, holder))
            .map(|(_, holder)| Arc::clone(&holder.producer))
            .collect();
        Some(Lookup {
            channels: channels(topic),
            producers,
        })
    }

    pub(super) fn topics(&self, after: Option<&TopicName>) -> Page<TopicName> {
        let mut names = self
            .ids
            .range::<str, _>((from(after.map(TopicName::as_str)), Bound::Unbounded))
            .map(|(name, _)| name);
        let items: Vec<_> = names.by_ref().take(PAGE_LEN).cloned().collect();
        let next = names.next().and_then(|_| items.last().cloned());
        Page { items, next }
    }

    pub(super) fn census(&self, glance: Glance) -> Census {
        let producers = self.holders.len();
        let is_active = |holder: &&Holder| glance.sees(&holder.producer);
        let active_producers = self.holders.values().filter(is_active).count();
        let topics = self.topics.len();
        Census {
            active_producers,
            inactive_producers: producers - active_producers,
            topics,
            channels: self.names - topics,
            registrations: self.registrations,
            tombstones: self
                .tombstones
                .values()
                .filter(|tombstone| glance.heeds(tombstone))
                .count(),
        }
    }

    pub(super) fn topic_census(&self, after: Option<&TopicName>) -> Page<TopicCensus, TopicName> {
        let first = from(after.map(TopicName::as_str));
        let mut topics = self.topics_from(first).map(|(_, topic)| topic);
        let items: Vec<_> = topics
            .by_ref()
            .take(PAGE_LEN)
            .map(|topic| TopicCensus {
                name: topic.name.clone(),
                producers: topic.producers.len(),
                channels: topic.channels.len(),
            })
            .collect();
        let next = topics
            .next()
            .and_then(|_| items.last().map(|item| item.name.clone()));
        Page { items, next }
    }

    pub(super) fn nodes(&self, after: Option<ProducerId>, glance: Glance) -> Page<Node, ProducerId> {
        let mut holders = self.holders.range((from(after), Bound::Unbounded));
        let mut page = Page::empty();
        let mut budget = PAGE_LEN;
        while budget > 0 {
            let Some((&id, holder)) = holders.next() else {
                return Page { next: None, ..page };
            };
            budget = budget.saturating_sub(1 + holder.topics.len());
            page.next = Some(id);
            if glance.sees(&holder.producer) {
                page.items.push(self.node(id, holder, glance));
            }
        }
        page
    }

    fn node(&self, id: ProducerId, holder: &Holder, glance: Glance) -> Node {
        let topics = holder.topics.iter().filter_map(|topic_id| {
            let topic = self.topics.get(topic_id)?;
            let tombstone = self.tombstones.get(&(id, *topic_id));
            Some((topic.name.clone(), tombstone.is_some_and(|it| glance.heeds(it))))
        });
        Node {
            producer: Arc::clone(&holder.producer),
            topics: topics.collect(),
        }
    }

    pub(super) fn registrations(&self, after: Option<&Registration>) -> Page<Entry, Registration> {
        let mut entries = self.entries(after);
        let mut page = Page::empty();
        let mut budget = PAGE_LEN;
        while budget > 0 {
            let Some(entry) = entries.next() else {
                return Page { next: None, ..page };
            };
            budget = budget.saturating_sub(1 + entry.producers.len());
            page.next = Some(entry.registration.clone());
            if !entry.producers.is_empty() {
                page.items.push(entry);
            }
        }
        page
    }

    /// All entries behind `after` in the order of their registrations, also those without producers.
    fn entries<'s>(&'s self, after: Option<&'s Registration>) -> impl Iterator<Item = Entry> {
        let first_topic = match after {
            None => Some(Bound::Unbounded),
            Some(Registration::Channel(topic, _)) => Some(Bound::Included(topic.as_str())),
            Some(Registration::Client | Registration::Topic(_)) => None,
        };
        let channels = first_topic
            .into_iter()
            .flat_map(|first_topic| self.topics_from(first_topic))
            .flat_map(move |(_, topic)| {
                let seen = match after {
                    Some(Registration::Channel(seen, channel)) if *seen == topic.name => Some(channel),
                    _ => None,
                };
                let rest = (from(seen.map(ChannelName::as_str)), Bound::Unbounded);
                topic
                    .channels
                    .range::<str, _>(rest)
                    .map(|(name, producers)| Entry {
                        registration: Registration::Channel(topic.name.clone(), name.clone()),
                        producers: self.shown(producers, |_| None),
                    })
            });
        let client = matches!(after, None | Some(Registration::Channel(..)))
            .then_some(())
            .into_iter()
            .map(|()| Entry {
                registration: Registration::Client,
                producers: self
                    .holders
                    .values()
                    .map(|holder| (Arc::clone(&holder.producer), None))
                    .collect(),
            });
        let first_topic = match after {
            Some(Registration::Topic(seen)) => Bound::Excluded(seen.as_str()),
            _ => Bound::Unbounded,
        };
        let topics = self.topics_from(first_topic).map(|(id, topic)| Entry {
            registration: Registration::Topic(topic.name.clone()),
            producers: self.shown(&topic.producers, |producer| {
                Some(self.tombstones.get(&(producer, id))?.at_ns)
            }),
        });
        channels.chain(client).chain(topics)
    }

    fn topics_from(&self, first: Bound<&str>) -> impl Iterator<Item = (TopicId, &Topic)> {
        self.ids
            .range::<str, _>((first, Bound::Unbounded))
            .filter_map(|(_, id)| Some((*id, self.topics.get(id)?)))
    }

    fn shown(
        &self,
        producers: &BTreeSet<ProducerId>,
        tombstone_ns: impl Fn(ProducerId) -> Option<i64>,
    ) -> Vec<(Arc<Producer>, Option<i64>)> {
        self.holders_of(producers)
            .map(|(id, holder)| (Arc::clone(&holder.producer), tombstone_ns(id)))
            .collect()
    }

    fn holders_of(&self, producers: &BTreeSet<ProducerId>) -> impl Iterator<Item = (ProducerId, &Holder)> {
        producers
            .iter()
            .filter_map(|id| Some((*id, self.holders.get(id)?)))
    }
}

impl<T, C> Page<T, C> {
    fn empty() -> Self {
        Self {
            items: Vec::new(),
            next: None,
        }
    }
}

fn channels(topic: &Topic) -> Vec<ChannelName> {
    topic.channels.keys().cloned().collect()
}

/// Where what comes behind `seen` begins.
fn from<T>(seen: Option<T>) -> Bound<T> {
    seen.map_or(Bound::Unbounded, Bound::Excluded)
}
