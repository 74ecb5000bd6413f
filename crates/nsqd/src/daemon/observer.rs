//! What follows from changes in the set of topics and channels.

use std::sync::{Arc, OnceLock, Weak};

use nsq_core::Observer;
use nsq_protocol::name::{ChannelName, TopicName};

use super::Nsqd;

/// The core's link back to the daemon that owns it.
#[derive(Default)]
pub(super) struct Events(OnceLock<Weak<Nsqd>>);

impl Events {
    pub(super) fn connect(&self, nsqd: Weak<Nsqd>) {
        // Called once, by the one who made both.
        let _ = self.0.set(nsqd);
    }

    fn nsqd(&self) -> Option<Arc<Nsqd>> {
        self.0.get()?.upgrade()
    }

    /// A channel is there or is gone: the metadata is to say so, and nsqlookupd.
    fn spread(&self, topic: &TopicName, channel: &ChannelName) {
        let Some(nsqd) = self.nsqd() else { return };
        nsqd.lookup.topic_changed(topic);
        if !channel.is_ephemeral() {
            nsqd.persist_soon();
        }
    }
}

impl Observer for Events {
    fn channel_created(&self, topic: &TopicName, channel: &ChannelName) {
        self.spread(topic, channel);
    }

    fn channel_deleting(&self, topic: &TopicName, _channel: &ChannelName) {
        if let Some(nsqd) = self.nsqd() {
            nsqd.lookup.topic_changed(topic);
        }
    }

    fn channel_deleted(&self, topic: &TopicName, channel: &ChannelName) {
        self.spread(topic, channel);
    }

    fn channel_abandoned(&self, topic: &TopicName, channel: &ChannelName) {
        let Some(nsqd) = self.nsqd() else { return };
        let Some(topic) = nsqd.existing_topic(topic.as_str()) else {
            return;
        };
        let channel = channel.clone();
        nsqd.tasks.spawn(async move {
            if let Err(error) = topic.delete_channel(&channel).await {
                tracing::error!("CHANNEL({channel}): failed to delete - {error}");
            }
        });
    }

    fn topic_abandoned(&self, topic: &TopicName) {
        let Some(nsqd) = self.nsqd() else { return };
        let topic = topic.clone();
        let owner = Arc::clone(&nsqd);
        nsqd.tasks.spawn(async move {
            if let Err(error) = owner.delete_topic(topic.as_str()).await {
                tracing::error!("TOPIC({topic}): failed to delete - {error}");
            }
        });
    }
}
