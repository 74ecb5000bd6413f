//! What nsqd knows of each V2 connection.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;

use atomic_waker::AtomicWaker;
use nsq_core::{Channel, ClientId};
use nsq_net::Peer;
use nsq_net::tls::Session;
use nsq_protocol::name::TopicName;
use parking_lot::Mutex;

/// Where a connection is in its life, in upstream's numbers, which `/stats` shows. Upstream:
/// `nsqd/client_v2.go`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ClientState {
    /// Not subscribed.
    #[default]
    Init = 0,
    /// Receiving messages.
    Subscribed = 3,
    /// Finishing what it holds, after CLS.
    Closing = 4,
}

/// How the bytes of a connection are compressed, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// In chunks that stand for themselves.
    Snappy,
    /// As one stream in each direction.
    Deflate {
        /// How hard to try, 1 to 9.
        level: u8,
    },
}

/// What a client tells about itself, and what was agreed with it.
#[derive(Clone, Debug, Default)]
pub struct ClientDetails {
    /// Its state.
    pub state: ClientState,
    /// The channel it consumes.
    pub channel: Option<Arc<Channel>>,
    /// What it calls itself; its IP address until it says.
    pub client_id: String,
    /// Its host; its IP address until it says.
    pub hostname: String,
    /// Its library.
    pub user_agent: String,
    /// Percentage of messages it asked for; 0 for all.
    pub sample_rate: i32,
    /// What was agreed in its handshake, if the connection is encrypted.
    pub tls: Option<Box<Session>>,
    /// How the connection is compressed, if it is.
    pub compression: Option<Compression>,
    /// Whether an authorization server has let it in.
    pub authed: bool,
    /// Who it is to that server.
    pub auth_identity: String,
    /// Where that server tells more about it.
    pub auth_identity_url: String,
    /// Where it is, coarsely.
    pub topology_region: String,
    /// Where it is, finely.
    pub topology_zone: String,
    /// Messages that it has published, by topic.
    pub pub_counts: BTreeMap<TopicName, u64>,
}

/// One V2 connection, shared between its session, the statistics and the shutdown.
pub struct ClientRecord {
    id: ClientId,
    peer: Peer,
    /// Unix seconds.
    connected_at: i64,
    details: Mutex<ClientDetails>,
    closing: AtomicBool,
    waker: AtomicWaker,
}

impl ClientRecord {
    /// Identifies the connection within this process.
    pub fn id(&self) -> ClientId {
        self.id
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// When it connected, in Unix seconds.
    pub fn connected_at(&self) -> i64 {
        self.connected_at
    }

    /// A copy of what is known of it.
    pub fn details(&self) -> ClientDetails {
        self.details.lock().clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut ClientDetails)) {
        change(&mut self.details.lock());
    }

    pub(crate) fn set_state(&self, state: ClientState) {
        self.update(|details| details.state = state);
    }

    pub(crate) fn count_published(&self, topic: &TopicName, count: u64) {
        let mut details = self.details.lock();
        // Looked up first: inserting needs a name of its own, and is needed once.
        if let Some(published) = details.pub_counts.get_mut(topic) {
            *published += count;
        } else {
            details.pub_counts.insert(topic.clone(), count);
        }
    }

    /// Ends the connection, from outside its session.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether the session is to end; if not, `waker` is woken when it is.
    pub(crate) fn is_closing(&self, waker: &Waker) -> bool {
        self.waker.register(waker);
        self.closing.load(Ordering::Acquire)
    }
}

impl fmt::Debug for ClientRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRecord")
            .field("id", &self.id)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// All V2 connections of this nsqd.
#[derive(Debug, Default)]
pub struct Clients {
    next_id: AtomicU64,
    records: Mutex<Records>,
}

#[derive(Debug, Default)]
struct Records {
    by_id: HashMap<ClientId, Arc<ClientRecord>>,
    /// No connection is admitted any more.
    closed: bool,
}

impl Clients {
    /// Admits a connection, from its first byte on. The guard takes it off the list again.
    pub(crate) fn admit(self: &Arc<Self>, peer: Peer, connected_at: i64) -> Admitted {
        let id = ClientId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let address = peer.ip().map_or_else(String::new, |ip| ip.to_string());
        let details = ClientDetails {
            client_id: address.clone(),
            hostname: address,
            ..ClientDetails::default()
        };
        let mut records = self.records.lock();
        let record = Arc::new(ClientRecord {
            id,
            peer,
            connected_at,
            details: Mutex::new(details),
            closing: AtomicBool::new(records.closed),
            waker: AtomicWaker::new(),
        });
        records.by_id.insert(id, Arc::clone(&record));
        Admitted {
            clients: Arc::clone(self),
            record,
        }
    }

    /// The connection of this id, while it lasts.
    pub fn get(&self, id: ClientId) -> Option<Arc<ClientRecord>> {
        self.records.lock().by_id.get(&id).map(Arc::clone)
    }

    /// All connections, in no particular order.
    pub fn all(&self) -> Vec<Arc<ClientRecord>> {
        self.records.lock().by_id.values().map(Arc::clone).collect()
    }

    /// How many connections there are.
    pub fn count(&self) -> usize {
        self.records.lock().by_id.len()
    }

    /// Ends all connections, also those that are accepted from now on.
    pub(crate) fn close_all(&self) {
        let records = {
            let mut records = self.records.lock();
            records.closed = true;
            records.by_id.values().map(Arc::clone).collect::<Vec<_>>()
        };
        for record in records {
            record.close();
        }
    }
}

/// A connection on the list of [`Clients`]; dropping it takes it off.
#[derive(Debug)]
pub(crate) struct Admitted {
    clients: Arc<Clients>,
    record: Arc<ClientRecord>,
}

impl Admitted {
    /// The record, which outlives its place on the list.
    pub(crate) fn record(&self) -> &Arc<ClientRecord> {
        &self.record
    }
}

impl std::ops::Deref for Admitted {
    type Target = ClientRecord;

    fn deref(&self) -> &ClientRecord {
        &self.record
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.clients.records.lock().by_id.remove(&self.record.id);
    }
}
