//! Gathering the values of a report.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::task::Poll;
use std::vec;

use nsq_core::{ChannelSnapshot, ClientId, ConsumerSnapshot, Survey, Topic};
use nsq_protocol::name::ChannelName;

use super::turns::CHANNELS_AT_ONCE;
use super::{ChannelStats, ClientStats, PubCount, TopicStats};
use crate::client::{ClientDetails, ClientRecord, Compression};
use crate::daemon::Nsqd;

/// What a report is about.
#[derive(Clone, Debug)]
pub struct Collector {
    /// Whose report it is.
    pub nsqd: Arc<Nsqd>,
    /// Only the topic of this name.
    pub topic: Option<String>,
    /// Only channels of this name, and only topics that have one.
    pub channel: Option<String>,
    /// Whether consumers and producers are listed.
    pub include_clients: bool,
}

impl Collector {
    /// The topics the report is about, by name, whatever channels they have.
    pub fn topics(&self) -> Vec<Arc<Topic>> {
        match &self.topic {
            Some(name) => self.nsqd.existing_topic(name).into_iter().collect(),
            None => self.nsqd.all_topics(),
        }
    }

    /// Begins to look at a topic; `None` if it lacks the channel the report is about.
    pub fn begin(&self, topic: &Topic) -> Option<Gathering> {
        let wanted = self.channel.clone();
        if wanted
            .as_ref()
            .is_some_and(|channel| topic.channel(channel).is_none())
        {
            return None;
        }
        let is_wanted =
            move |name: &ChannelName| wanted.as_ref().is_none_or(|wanted| wanted == name.as_str());
        Some(Gathering {
            collector: self.clone(),
            survey: topic.survey(self.include_clients, Box::new(is_wanted)),
            channels: Vec::new(),
        })
    }

    /// The present values of a topic; `None` if it lacks the channel the report is about. Others get their turn in
    /// between.
    pub async fn collect(&self, topic: &Topic) -> Option<TopicStats> {
        let mut gathering = self.begin(topic)?;
        while !gathering.proceed() {
            tokio::task::yield_now().await;
        }
        Some(gathering.finish())
    }

    /// The present values of these topics, without those that lack the channel the report is about. Each is pending
    /// while its channels are looked at.
    pub fn collect_all(self, topics: Vec<Arc<Topic>>) -> Topics {
        Topics {
            collector: self,
            rest: topics.into_iter(),
            gathering: None,
        }
    }

    fn channel(&self, channel: ChannelSnapshot) -> ChannelStats {
        let clients = self.include_clients.then(|| {
            let consumers = channel.consumers.iter();
            consumers
                .filter_map(|consumer| {
                    // One that has gone in between is left out.
                    let record = self.nsqd.clients().get(consumer.client)?;
                    Some(self.client(&record, &record.details(), Some(consumer)))
                })
                .collect()
        });
        ChannelStats {
            channel_name: channel.name.to_string(),
            depth: channel.depth,
            backend_depth: channel.backend_depth,
            oldest_ns: channel.oldest_ns,
            in_flight_count: channel.in_flight_count,
            deferred_count: channel.deferred_count,
            message_count: channel.message_count,
            zone_local_msg_count: channel.zone_local_msg_count,
            region_local_msg_count: channel.region_local_msg_count,
            global_msg_count: channel.global_msg_count,
            requeue_count: channel.requeue_count,
            timeout_count: channel.timeout_count,
            late_fin_count: channel.late_fin_count,
            client_count: channel.consumer_count,
            clients,
            paused: channel.paused,
            e2e_processing_latency: channel.latency.into(),
        }
    }

    /// The connections that have published, whatever topic the report is about.
    pub fn producers(&self) -> Vec<ClientStats> {
        if !self.include_clients {
            return Vec::new();
        }
        // What they consume is only known to their channels, each of which is asked once.
        let mut consumers: HashMap<ClientId, ConsumerSnapshot> = HashMap::new();
        let mut producers = Vec::new();
        for record in self.nsqd.clients().all() {
            let details = record.details();
            if details.pub_counts.is_empty() {
                continue;
            }
            if let Some(channel) = &details.channel
                && !consumers.contains_key(&record.id())
            {
                let channel = channel.snapshot(true);
                consumers.extend(
                    channel
                        .consumers
                        .iter()
                        .map(|consumer| (consumer.client, *consumer)),
                );
            }
            producers.push(self.client(&record, &details, consumers.get(&record.id())));
        }
        producers
    }

    fn client(
        &self,
        record: &ClientRecord,
        details: &ClientDetails,
        consumer: Option<&ConsumerSnapshot>,
    ) -> ClientStats {
        let pub_counts = details
            .pub_counts
            .iter()
            .filter(|(topic, _)| {
                self.topic
                    .as_deref()
                    .is_none_or(|wanted| wanted == topic.as_str())
            })
            .map(|(topic, count)| PubCount {
                topic: topic.to_string(),
                count: *count,
            });
        ClientStats {
            id: record.id(),
            client_id: details.client_id.clone(),
            hostname: details.hostname.clone(),
            version: "V2",
            remote_address: record.peer(),
            state: details.state as u8,
            ready_count: consumer.map_or(0, |it| it.ready_count),
            in_flight_count: consumer.map_or(0, |it| it.in_flight_count),
            message_count: consumer.map_or(0, |it| it.message_count),
            finish_count: consumer.map_or(0, |it| it.finish_count),
            requeue_count: consumer.map_or(0, |it| it.requeue_count),
            connect_ts: record.connected_at(),
            sample_rate: details.sample_rate,
            deflate: matches!(details.compression, Some(Compression::Deflate { .. })),
            snappy: details.compression == Some(Compression::Snappy),
            user_agent: details.user_agent.clone(),
            authed: details.authed,
            auth_identity: details.auth_identity.clone(),
            auth_identity_url: details.auth_identity_url.clone(),
            topology_zone: details.topology_zone.clone(),
            topology_region: details.topology_region.clone(),
            pub_counts: pub_counts.collect(),
            tls: details.tls.is_some(),
            tls_cipher_suite: details
                .tls
                .as_ref()
                .map_or_else(String::new, |tls| tls.cipher_suite.clone()),
            tls_version: details
                .tls
                .as_ref()
                .map_or_else(String::new, |tls| tls.version.to_owned()),
            tls_negotiated_protocol: String::new(),
            tls_negotiated_protocol_is_mutual: details.tls.is_some(),
        }
    }
}

type IsWanted = Box<dyn Fn(&ChannelName) -> bool + Send>;

/// The values of a topic in the making.
pub struct Gathering {
    collector: Collector,
    survey: Survey<IsWanted>,
    channels: Vec<ChannelStats>,
}

impl fmt::Debug for Gathering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering").finish_non_exhaustive()
    }
}

impl Gathering {
    /// Looks at some more channels, and says whether those were the last.
    pub fn proceed(&mut self) -> bool {
        for _ in 0..CHANNELS_AT_ONCE {
            let Some(channel) = self.survey.next() else {
                return true;
            };
            self.channels.push(self.collector.channel(channel));
        }
        false
    }

    /// The topic, with the channels that have been looked at.
    pub fn finish(self) -> TopicStats {
        let topic = self.survey.finish();
        TopicStats {
            topic_name: topic.name.to_string(),
            // Without a channel there is nothing to estimate from, and no quantiles are shown.
            e2e_processing_latency: if self.channels.is_empty() {
                super::LatencyStats::default()
            } else {
                topic.latency.into()
            },
            channels: self.channels,
            depth: topic.depth,
            backend_depth: topic.backend_depth,
            oldest_ns: topic.oldest_ns,
            message_count: topic.message_count,
            message_bytes: topic.message_bytes,
            paused: topic.paused,
        }
    }
}

/// The values of one topic after the other.
#[derive(Debug)]
pub struct Topics {
    collector: Collector,
    rest: vec::IntoIter<Arc<Topic>>,
    gathering: Option<Gathering>,
}

impl Iterator for Topics {
    type Item = Poll<TopicStats>;

    fn next(&mut self) -> Option<Poll<TopicStats>> {
        let mut gathering = match self.gathering.take() {
            Some(gathering) => gathering,
            None => self.rest.find_map(|topic| self.collector.begin(&topic))?,
        };
        if gathering.proceed() {
            return Some(Poll::Ready(gathering.finish()));
        }
        self.gathering = Some(gathering);
        Some(Poll::Pending)
    }
}
