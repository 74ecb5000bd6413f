//! One look at a channel on all of its nsqds.

use std::fmt;

use nsq_app::Exit;
use nsq_clusterinfo::merge::{ChannelStats, Origin, TopicStats};
use nsq_clusterinfo::wire::NodeEntry;
use nsq_clusterinfo::{Asker, Cluster, Partial, QueryError, Scope};
use nsq_http::Client;
use nsq_net::tls::{ClientSettings, Connector};
use nsq_runtime::Clock;

use super::options::Options;
use crate::shell::{Source, fail};

/// Asks for the statistics of one channel.
pub(super) struct Question {
    cluster: Cluster,
    topic: String,
    channel: String,
}

/// What was found, and what was not.
pub(super) struct Look {
    /// The channel, merged; its nodes are in it.
    pub(super) channel: ChannelStats,
    /// Who did not answer, in the words of the original, which ends at the first of them.
    pub(super) problem: Option<String>,
}

impl Question {
    pub(super) fn new(options: &Options, clock: &Clock) -> Result<Self, Exit> {
        // Only an nsqd that refuses plain HTTP is asked over TLS.
        let connector = Connector::load(ClientSettings::default()).map_err(fail)?;
        let client =
            Client::new(clock.clone(), options.connect_timeout, options.request_timeout).with_tls(connector);
        let (nsqlookupds, nsqds) = match &options.source {
            Source::Nsqlookupds(addresses) => (addresses.clone(), Vec::new()),
            Source::Nsqds(addresses) => (Vec::new(), addresses.clone()),
        };
        Ok(Self {
            cluster: Cluster::new(Asker::new(client).quiet(), nsqlookupds.into(), nsqds.into()),
            topic: options.topic.clone(),
            channel: options.channel.clone(),
        })
    }

    /// Finds the nsqds and asks them.
    ///
    /// # Errors
    /// A line that says why there is nothing to show.
    pub(super) async fn ask(&self, now_s: i64) -> Result<Look, String> {
        let found = self
            .cluster
            .producers(&self.topic)
            .await
            .map_err(|error| producers_problem(&error))?;
        let problem = missing(&found).map(|lines| producers_problem(&lines));
        let nodes: Vec<String> = found.value.iter().map(NodeEntry::http_address).collect();
        let scope = Scope {
            topic: &self.topic,
            channel: &self.channel,
            clients: false,
        };
        let answers = self
            .cluster
            .stats(&nodes, scope)
            .await
            .map_err(|error| problem.clone().unwrap_or_else(|| stats_problem(&error)))?;
        let problem = problem.or_else(|| missing(&answers).map(|lines| stats_problem(&lines)));
        let topics = answers.value.into_iter().filter_map(|(at, stats)| {
            let origin = Origin::of(found.value.get(at)?, now_s);
            let topic = stats
                .topics
                .into_iter()
                .find(|topic| topic.topic_name == self.topic)?;
            Some(TopicStats::of(topic, &origin))
        });
        let channel = TopicStats::merge(topics.collect())
            .and_then(|topic| topic.channels)
            .into_iter()
            .flatten()
            .find(|channel| channel.channel_name == self.channel)
            .ok_or_else(|| {
                format!(
                    "ERROR: failed to find channel({}) in stats metadata for topic({})",
                    self.channel, self.topic
                )
            })?;
        Ok(Look { channel, problem })
    }
}

fn producers_problem(cause: &impl fmt::Display) -> String {
    format!("ERROR: failed to get topic producers - {cause}")
}

fn stats_problem(cause: &impl fmt::Display) -> String {
    format!("ERROR: failed to get nsqd stats - {cause}")
}

/// Why some did not answer, one line each.
fn missing<T>(answers: &Partial<T>) -> Option<String> {
    let lines: Vec<String> = answers.errors.iter().map(QueryError::to_string).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
