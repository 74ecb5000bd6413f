//! What is registered: topics, channels, and the producers that have them.
//!
//! ```text
//! name ─▶ topic ─┬─ producers (ids)          producer ─┬─ what it told about itself
//!                └─ channels ─▶ producers (ids)        └─ topics (ids)
//! ```
//!
//! The relation between topics and producers is kept from both sides, as sets of 32-bit ids, so that a lookup,
//! a listing of producers and the end of a connection each touch only what they are about. Who is in a channel
//! is in its topic. Topics and channels stay when their last producer goes, except those whose names end in
//! `#ephemeral`.
//!
//! One lock guards everything. What could take long under it is done in pages: an answer that lists all
//! producers or all topics, and taking a producer out of everything it is in.
//!
//! Nothing is scanned by a timer: whether a producer is inactive, or a tombstone over, is decided when somebody
//! asks.
//!
//! Upstream: `nsqlookupd/registration_db.go`.

mod limits;
mod state;
#[cfg(test)]
mod tests;
mod view;

pub use limits::{Full, Limits};
pub use state::{ProducerId, Registered, Unregistered, Withdrawn};
pub use view::{Census, Entry, Lookup, Node, Page, Registration, TopicCensus};

use std::sync::Arc;
use std::time::Duration;

use nsq_protocol::name::{ChannelName, ChannelRef, TopicName, TopicRef};
use nsq_runtime::Clock;
use parking_lot::RwLock;

use crate::Producer;
use state::{State, Tombstone};
use view::Glance;

/// When a producer is left out of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Visibility {
    /// How long after its last sign of life a producer is still listed.
    pub inactive_producer_timeout: Duration,
    /// How long a tombstone hides a producer of a topic from lookups.
    pub tombstone_lifetime: Duration,
}

/// The database of one nsqlookupd. All of its methods may be called from anywhere at any time.
#[derive(Debug)]
pub struct RegistrationDb {
    state: RwLock<State>,
    visibility: Visibility,
    limits: Limits,
    clock: Clock,
}

impl RegistrationDb {
    /// An empty database.
    pub fn new(visibility: Visibility, limits: Limits, clock: Clock) -> Self {
        Self {
            state: RwLock::default(),
            visibility,
            limits,
            clock,
        }
    }

    /// Adds a producer. It stays until it is [withdrawn](Self::withdraw).
    pub fn add(&self, producer: Arc<Producer>) -> ProducerId {
        self.state.write().add(producer)
    }

    /// Takes a producer out of some of the topics it is in, with all their channels, and at last out of the
    /// database. `None` when it is gone; the caller goes on until then. Ephemeral topics and channels that it
    /// leaves empty are removed.
    ///
    /// # Differs from upstream
    /// There, a connection that ends leaves ephemeral topics and channels behind for good.
    pub fn withdraw(&self, id: ProducerId) -> Option<Vec<Withdrawn>> {
        self.state.write().withdraw(id)
    }

    /// Notes that a producer has a topic, and the channel if there is one; both are created as needed. A
    /// tombstone on the topic stays.
    ///
    /// # Errors
    /// There is no room; nothing has changed.
    pub fn register(
        &self,
        id: ProducerId,
        topic: TopicRef<'_>,
        channel: Option<ChannelRef<'_>>,
    ) -> Result<Registered, Full> {
        self.state.write().register(id, topic, channel, &self.limits)
    }

    /// Notes that a producer no longer has a channel of a topic. If nobody else has it either and it is
    /// ephemeral, it is removed. The topic is left as it is.
    pub fn unregister_channel(&self, id: ProducerId, topic: TopicRef<'_>, channel: ChannelRef<'_>) -> bool {
        self.state.write().unregister_channel(id, topic, channel)
    }

    /// Notes that a producer no longer has a topic, nor any of its channels. If nobody else has it either and
    /// it is ephemeral, it is removed.
    ///
    /// # Differs from upstream
    /// Ephemeral channels that are left empty are removed, and a removed topic takes its channels with it.
    pub fn unregister_topic(&self, id: ProducerId, topic: TopicRef<'_>) -> Unregistered {
        self.state.write().unregister_topic(id, topic)
    }

    /// Creates a topic, and the channel if there is one, that no producer has yet.
    ///
    /// # Errors
    /// There is no room; nothing has changed.
    pub fn create(&self, topic: TopicRef<'_>, channel: Option<ChannelRef<'_>>) -> Result<(), Full> {
        self.state.write().create(topic, channel, &self.limits)
    }

    /// Removes a topic with its channels; the producers are not told, and are back in it when they register
    /// it again. The channels it had, or `None` if there was no such topic.
    pub fn delete_topic(&self, topic: &str) -> Option<Vec<ChannelName>> {
        self.state.write().delete_topic(topic)
    }

    /// Removes a channel. Whether there was one.
    pub fn delete_channel(&self, topic: &str, channel: &str) -> bool {
        self.state.write().delete_channel(topic, channel)
    }

    /// Hides the producers that `node` means, by broadcast address and HTTP port, from lookups of a topic for
    /// the lifetime of a tombstone.
    pub fn tombstone(&self, topic: &str, node: &str) {
        let tombstone = Tombstone {
            at: self.clock.now(),
            at_ns: self.clock.wall_ns(),
        };
        self.state.write().tombstone(topic, node, tombstone);
    }

    /// The channels of a topic by name; none for a topic that is not known.
    pub fn channels(&self, topic: &str) -> Vec<ChannelName> {
        self.state.read().channels(topic)
    }

    /// The channels of a topic and the producers to consume it from: those that are active and not tombstoned.
    /// `None` if the topic is not known.
    pub fn lookup(&self, topic: &str) -> Option<Lookup> {
        let state = self.state.read();
        state.lookup(topic, self.glance())
    }

    /// Topics by name, a page at a time; `after` is where the page before ended.
    pub fn topics(&self, after: Option<&TopicName>) -> Page<TopicName> {
        self.state.read().topics(after)
    }

    /// Active producers with their topics, in the order in which they came, a page at a time; `after` is where
    /// the page before ended.
    pub fn nodes(&self, after: Option<ProducerId>) -> Page<Node, ProducerId> {
        let state = self.state.read();
        state.nodes(after, self.glance())
    }

    /// Everything that has producers, and all of these, active or not, a page at a time; `after` is where the
    /// page before ended.
    pub fn registrations(&self, after: Option<&Registration>) -> Page<Entry, Registration> {
        self.state.read().registrations(after)
    }

    /// How much there is of everything.
    pub fn census(&self) -> Census {
        let state = self.state.read();
        state.census(self.glance())
    }

    /// How much there is of each topic, by name, a page at a time; `after` is where the page before ended.
    pub fn topic_census(&self, after: Option<&TopicName>) -> Page<TopicCensus, TopicName> {
        self.state.read().topic_census(after)
    }

    fn glance(&self) -> Glance {
        Glance {
            now: self.clock.now(),
            visibility: self.visibility,
        }
    }
}
