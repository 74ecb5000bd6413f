//! Registration with nsqlookupd, so that consumers find the topics of this nsqd.
//!
//! Each address has a [`Peer`] with a task and a connection of its own. A peer remembers what it has
//! registered and compares it with the topics there are; that something has changed is all it is told.
//! However often that happens, and however long a peer hangs, nothing piles up and nobody waits for it.
//!
//! Whoever creates a topic does not wait either: nsqlookupd is asked for its channels while messages gather
//! in the topic.
//!
//! # Differs from upstream
//! Upstream talks to all addresses in one loop, so that each waits for the others, retries only when there
//! is something to tell or every 15 s, and lets a publisher wait for the answer about channels.
//!
//! Upstream: nsqd/lookup.go, `nsqd/lookup_peer.go`.

mod backoff;
mod changes;
mod channels;
mod connection;
mod peer;
mod registrations;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use nsq_core::Topic;
use nsq_protocol::lookup::LookupdInfo;
use nsq_protocol::name::TopicName;
use nsq_runtime::{Clock, Shutdown, TaskGroup};
use parking_lot::RwLock;

use crate::daemon::Nsqd;
use changes::Change;
pub(crate) use channels::ChannelQuery;
use peer::Peer;

/// How long tasks may take to end. They end where they wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// All nsqlookupds that this nsqd registers at.
#[derive(Debug)]
pub(crate) struct Lookup {
    state: RwLock<State>,
    query: ChannelQuery,
    tasks: TaskGroup,
    stop: Shutdown,
}

#[derive(Debug)]
struct State {
    /// As they were given last, duplicates included. `None` is a list that was given as null.
    addresses: Option<Vec<String>>,
    /// One for each address, once this has started.
    peers: Vec<Arc<Peer>>,
    started: bool,
}

/// One nsqlookupd as it shows in the metrics.
#[derive(Debug)]
pub(crate) struct PeerStatus {
    /// As it was given.
    pub(crate) address: String,
    /// Whether it knows everything that there is to find here.
    pub(crate) connected: bool,
}

impl Lookup {
    /// A registration at `addresses`, not yet [started](Self::start).
    pub(crate) fn new(addresses: Option<Vec<String>>, query: ChannelQuery) -> Self {
        Self {
            state: RwLock::new(State {
                addresses,
                peers: Vec::new(),
                started: false,
            }),
            query,
            tasks: TaskGroup::new("lookup"),
            stop: Shutdown::new(),
        }
    }

    /// The addresses as they were given last.
    pub(crate) fn addresses(&self) -> Option<Vec<String>> {
        self.state.read().addresses.clone()
    }

    /// Begins to register the topics of `nsqd`.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub(crate) fn start(&self, nsqd: &Arc<Nsqd>) {
        let mut state = self.state.write();
        state.started = true;
        self.follow_addresses(&mut state, nsqd);
    }

    /// Registers at these addresses from now on. Connections to others are closed.
    pub(crate) fn replace(&self, nsqd: &Arc<Nsqd>, addresses: Option<Vec<String>>) {
        let mut state = self.state.write();
        state.addresses = addresses;
        if state.started {
            self.follow_addresses(&mut state, nsqd);
        }
    }

    fn follow_addresses(&self, state: &mut State, nsqd: &Arc<Nsqd>) {
        let mut wanted: HashSet<&str> = HashSet::new();
        let addresses = state.addresses.iter().flatten();
        let distinct: Vec<_> = addresses.filter(|address| wanted.insert(address)).collect();
        state.peers.retain(|peer| {
            let stays = wanted.contains(peer.address());
            if !stays {
                tracing::info!("LOOKUP({}): removing peer", peer.address());
                peer.stop();
            }
            stays
        });
        for address in distinct {
            if !state.peers.iter().any(|peer| peer.address() == address) {
                tracing::info!("LOOKUP({address}): adding peer");
                let peer = Arc::new(Peer::new(address.clone(), self.stop.child()));
                state.peers.push(Arc::clone(&peer));
                self.tasks.spawn(peer.run(Arc::clone(nsqd)));
            }
        }
    }

    /// A topic was created, or channels of it have come or gone.
    pub(crate) fn topic_changed(&self, topic: &TopicName) {
        self.note(topic, Change::Touched);
    }

    /// A topic is being deleted.
    pub(crate) fn topic_deleting(&self, topic: &TopicName) {
        self.note(topic, Change::Deleted);
    }

    fn note(&self, topic: &TopicName, change: Change) {
        for peer in &self.state.read().peers {
            peer.note(topic, change);
        }
    }

    /// Lets messages flow into the channels of a new topic, once it has those that nsqlookupd knows for it.
    ///
    /// # Differs from upstream
    /// An ephemeral topic gets no channels this way: durable ones would keep it alive.
    pub(crate) fn start_topic(&self, topic: &Arc<Topic>) {
        let lookupds = {
            let state = self.state.read();
            if state.peers.is_empty() || topic.name().is_ephemeral() {
                return topic.start();
            }
            state
                .peers
                .iter()
                .filter_map(|peer| peer.info())
                .collect::<Vec<_>>()
        };
        let lookupds: Vec<LookupdInfo> = lookupds
            .into_iter()
            .filter(|info| !info.broadcast_address.is_empty())
            .collect();
        if lookupds.is_empty() {
            tracing::error!(
                "no available nsqlookupd to query for channels to pre-create for topic {}",
                topic.name()
            );
            return topic.start();
        }
        let creating = self
            .query
            .create_channels(&self.tasks, lookupds, Arc::clone(topic));
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = creating => {}
                () = stop.triggered() => {}
            }
        });
    }

    /// Every nsqlookupd.
    pub(crate) fn peers(&self) -> Vec<PeerStatus> {
        let state = self.state.read();
        let status = |peer: &Arc<Peer>| PeerStatus {
            address: peer.address().to_owned(),
            connected: peer.is_connected(),
        };
        state.peers.iter().map(status).collect()
    }

    /// Closes all connections, which is how nsqlookupd learns that this nsqd has gone.
    pub(crate) async fn close(&self, clock: &Clock) {
        tracing::info!("LOOKUP: closing");
        self.stop.trigger();
        let left = self.tasks.wait(clock, PATIENCE).await;
        if left > 0 {
            tracing::warn!("LOOKUP: {left} tasks did not end in time");
        }
    }
}
