//! A producer's presence in the database, for as long as its session lasts.

use std::sync::Arc;

use nsq_flags::GoDuration;
use nsq_net::Peer;
use nsq_protocol::lookup::PeerInfo;
use nsq_protocol::name::{ChannelRef, TopicRef};
use nsq_runtime::Shutdown;
use tokio::task::yield_now;

use crate::Producer;
use crate::daemon::Lookupd;
use crate::registration_db::{Full, ProducerId, Withdrawn};

/// A producer that has identified itself. Dropping it gives up all it has registered.
pub(super) struct Registrant {
    lookupd: Arc<Lookupd>,
    producer: Arc<Producer>,
    id: ProducerId,
    peer: Peer,
    stop: Shutdown,
}

impl Registrant {
    pub(super) fn new(lookupd: Arc<Lookupd>, peer: Peer, info: PeerInfo, stop: Shutdown) -> Self {
        tracing::info!(
            "CLIENT({peer}): IDENTIFY Address:{} TCP:{} HTTP:{} Version:{}",
            info.broadcast_address,
            info.tcp_port,
            info.http_port,
            info.version
        );
        let producer = Arc::new(Producer::new(peer, info, &lookupd.clock));
        let id = lookupd.db.add(Arc::clone(&producer));
        tracing::info!("DB: client({peer}) REGISTER category:client key: subkey:");
        Self {
            lookupd,
            producer,
            id,
            peer,
            stop,
        }
    }

    pub(super) fn ping(&self) {
        let since = self.producer.touch(&self.lookupd.clock);
        tracing::info!(
            "CLIENT({}): pinged (last ping {})",
            self.peer,
            GoDuration::from(since)
        );
    }

    pub(super) fn register(&self, topic: TopicRef<'_>, channel: Option<ChannelRef<'_>>) -> Result<(), Full> {
        let registered = self.lookupd.db.register(self.id, topic, channel)?;
        let peer = self.peer;
        if let Some(channel) = channel.filter(|_| registered.channel) {
            tracing::info!("DB: client({peer}) REGISTER category:channel key:{topic} subkey:{channel}");
        }
        if registered.topic {
            tracing::info!("DB: client({peer}) REGISTER category:topic key:{topic} subkey:");
        }
        Ok(())
    }

    pub(super) fn unregister(&self, topic: TopicRef<'_>, channel: Option<ChannelRef<'_>>) {
        let (db, peer) = (&self.lookupd.db, self.peer);
        if let Some(channel) = channel {
            if db.unregister_channel(self.id, topic, channel) {
                tracing::info!("DB: client({peer}) UNREGISTER category:channel key:{topic} subkey:{channel}");
            }
            return;
        }
        let unregistered = db.unregister_topic(self.id, topic);
        // nsqd gives up channels one by one before their topic.
        for channel in &unregistered.channels {
            tracing::warn!(
                "client({peer}) unexpected UNREGISTER category:channel key:{topic} subkey:{channel}"
            );
        }
        if unregistered.topic {
            tracing::info!("DB: client({peer}) UNREGISTER category:topic key:{topic} subkey:");
        }
    }

    /// Gives up everything, letting others have their turn in between.
    pub(super) async fn withdraw(self) {
        tracing::info!(
            "DB: client({}) UNREGISTER category:client key: subkey:",
            self.peer
        );
        while self.withdraw_some() {
            yield_now().await;
        }
    }

    /// Gives up a part of what is left. Whether there was any.
    fn withdraw_some(&self) -> bool {
        if self.stop.is_triggered() {
            // The database goes as well: taking thousands of producers out of it only holds up the exit.
            return false;
        }
        let Some(withdrawn) = self.lookupd.db.withdraw(self.id) else {
            return false;
        };
        let peer = self.peer;
        for Withdrawn { topic, channels } in withdrawn {
            for channel in channels {
                tracing::info!("DB: client({peer}) UNREGISTER category:channel key:{topic} subkey:{channel}");
            }
            tracing::info!("DB: client({peer}) UNREGISTER category:topic key:{topic} subkey:");
        }
        true
    }
}

impl Drop for Registrant {
    fn drop(&mut self) {
        // Nothing is left to do, unless the session has panicked.
        while self.withdraw_some() {}
    }
}
