//! One nsqd.

use std::sync::Arc;
use std::time::Duration;

use nsq_clusterinfo::merge;
use nsq_clusterinfo::wire::{Client, NodeStats};
use nsq_runtime::Moment;

use super::find::sort;
use super::{Status, is_ephemeral};

/// Rates are over at least this long: over less, a message more or less is a jump.
const RATE_WINDOW_MIN: Duration = Duration::from_secs(5);

/// Channels by which this nsqadmin, or another one, watches messages.
const TAIL_PREFIX: &str = "nsqadmin-tail-";

/// What an nsqd said, and when.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) at: Moment,
    /// Wall time in milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// Sorted by name, without clients.
    pub(crate) stats: NodeStats,
}

/// Who was connected to an nsqd, and when.
#[derive(Debug)]
pub(crate) struct ClientsSample {
    pub(crate) at: Moment,
    pub(crate) consumers: Vec<Consumer>,
    pub(crate) producers: Vec<Client>,
}

/// A consumer, and what it consumes.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) topic: String,
    pub(crate) channel: String,
    pub(crate) client: Client,
}

/// What is known of one nsqd. What it said before stays known while it does not answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// Who it is, according to the nsqlookupds, or to itself.
    pub(crate) info: merge::Node,
    pub(crate) status: Status,
    pub(crate) current: Option<Arc<Sample>>,
    /// What `current` is compared with for rates.
    pub(crate) base: Option<Arc<Sample>>,
    /// What becomes `base` when it is old enough.
    pub(crate) next_base: Option<Arc<Sample>>,
    pub(crate) clients: Option<Arc<ClientsSample>>,
    pub(crate) clients_base: Option<Arc<ClientsSample>>,
}

impl Node {
    /// The HTTP address, which is also its name.
    pub(crate) fn address(&self) -> String {
        self.info.http_address()
    }

    /// Whether it has answered the last question that is over.
    pub(crate) fn answers(&self) -> bool {
        self.current.is_some() && self.status.error.is_none()
    }

    /// Takes in what it said. `stats` may have clients.
    pub(crate) fn take(&mut self, mut stats: NodeStats, at: Moment, at_ms: i64, has_clients: bool) {
        sort(&mut stats);
        for topic in &mut stats.topics {
            // A channel of a tail is no channel of the topic: it is not counted, charted or judged.
            topic.channels.retain(|channel| !is_tail(&channel.channel_name));
        }
        let clients = take_clients(&mut stats);
        if has_clients {
            let sample = ClientsSample { at, ..clients };
            self.clients_base = self.clients.replace(Arc::new(sample));
        }
        let sample = Arc::new(Sample { at, at_ms, stats });
        let has_restarted = self
            .current
            .as_ref()
            .is_some_and(|current| current.stats.start_time != sample.stats.start_time);
        if has_restarted {
            // Its counters have begun anew.
            (self.base, self.next_base, self.clients_base) = (None, None, None);
        }
        match &self.next_base {
            None => self.next_base = Some(Arc::clone(&sample)),
            Some(next) if at - next.at >= RATE_WINDOW_MIN => {
                self.base = self.next_base.replace(Arc::clone(&sample));
            }
            // Better a short window than none.
            Some(next) if self.base.is_none() => self.base = Some(Arc::clone(next)),
            Some(_) => {}
        }
        self.current = Some(sample);
    }
}

/// Whether a channel is one by which messages are watched.
fn is_tail(channel: &str) -> bool {
    channel.starts_with(TAIL_PREFIX) && is_ephemeral(channel)
}

fn take_clients(stats: &mut NodeStats) -> ClientsSample {
    let mut consumers = Vec::new();
    for topic in &mut stats.topics {
        for channel in &mut topic.channels {
            let clients = channel.clients.take().unwrap_or_default();
            consumers.extend(clients.into_iter().map(|client| Consumer {
                topic: topic.topic_name.clone(),
                channel: channel.channel_name.clone(),
                client,
            }));
        }
    }
    ClientsSample {
        at: Moment::START,
        consumers,
        producers: stats.producers.take().unwrap_or_default(),
    }
}
