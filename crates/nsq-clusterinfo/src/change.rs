//! Changes to a whole cluster: nsqlookupds first, so that nobody finds what is about to go, then nsqds.

use futures_util::future::join_all;

use crate::query::{NSQD, NSQLOOKUPD};
use crate::wire::NodeEntry;
use crate::{Cluster, NobodyAnswered, Partial, QueryError, escape};

/// What errors of the questions of one change are called together: one text per question that had some.
type Warnings = Vec<String>;

impl Cluster {
    /// Registers a topic at the nsqlookupds. It comes into being at an nsqd with its first message.
    pub async fn create_topic(&self, topic: &str) -> Warnings {
        let mut warnings = Warnings::new();
        self.tell_nsqlookupds("topic/create", &topic_query(topic), &mut warnings)
            .await;
        warnings
    }

    /// Registers a channel at the nsqlookupds, and creates it at the nsqds that have its topic.
    ///
    /// # Errors
    /// Nobody could say who they are.
    pub async fn create_channel(&self, topic: &str, channel: &str) -> Result<Warnings, NobodyAnswered> {
        let mut warnings = Warnings::new();
        let query = channel_query(topic, channel);
        self.tell_nsqlookupds("channel/create", &query, &mut warnings)
            .await;
        if !self.has_lookup() {
            // As upstream, where a channel is created by way of nsqlookupd or not at all.
            return Err(NobodyAnswered {
                kind: NSQLOOKUPD,
                errors: Vec::new(),
            });
        }
        let producers = self.producers(topic).await?.collect(&mut warnings);
        self.tell_nsqds(&producers, "channel/create", &query, &mut warnings)
            .await;
        Ok(warnings)
    }

    /// Deletes a topic with its channels and messages everywhere.
    ///
    /// # Errors
    /// Nobody could say who has it; nothing has changed.
    pub async fn delete_topic(&self, topic: &str) -> Result<Warnings, NobodyAnswered> {
        self.delete(topic, "topic/delete", &topic_query(topic)).await
    }

    /// Deletes a channel with its messages everywhere.
    ///
    /// # Errors
    /// Nobody could say who has its topic; nothing has changed.
    pub async fn delete_channel(&self, topic: &str, channel: &str) -> Result<Warnings, NobodyAnswered> {
        self.delete(topic, "channel/delete", &channel_query(topic, channel))
            .await
    }

    async fn delete(&self, topic: &str, path: &str, query: &str) -> Result<Warnings, NobodyAnswered> {
        let mut warnings = Warnings::new();
        // Before the nsqlookupds forget.
        let producers = self.producers(topic).await?.collect(&mut warnings);
        self.tell_nsqlookupds(path, query, &mut warnings).await;
        self.tell_nsqds(&producers, path, query, &mut warnings).await;
        Ok(warnings)
    }

    /// Does `verb` (`pause`, `unpause` or `empty`) to a topic everywhere.
    ///
    /// # Errors
    /// Nobody could say who has it; nothing has changed.
    pub async fn act_on_topic(&self, verb: &str, topic: &str) -> Result<Warnings, NobodyAnswered> {
        self.act(topic, &format!("topic/{verb}"), &topic_query(topic))
            .await
    }

    /// Does `verb` (`pause`, `unpause` or `empty`) to a channel everywhere.
    ///
    /// # Errors
    /// Nobody could say who has its topic; nothing has changed.
    pub async fn act_on_channel(
        &self,
        verb: &str,
        topic: &str,
        channel: &str,
    ) -> Result<Warnings, NobodyAnswered> {
        let query = channel_query(topic, channel);
        self.act(topic, &format!("channel/{verb}"), &query).await
    }

    async fn act(&self, topic: &str, path: &str, query: &str) -> Result<Warnings, NobodyAnswered> {
        let mut warnings = Warnings::new();
        let producers = self.producers(topic).await?.collect(&mut warnings);
        self.tell_nsqds(&producers, path, query, &mut warnings).await;
        Ok(warnings)
    }

    /// Hides the nsqd with the HTTP address `node` from lookups of a topic, and deletes the topic there. The
    /// caller has made sure that `node` is of this cluster.
    pub async fn tombstone(&self, topic: &str, node: &str) -> Warnings {
        let mut warnings = Warnings::new();
        let query = format!("{}&node={}", topic_query(topic), escape(node));
        self.tell_nsqlookupds("topic/tombstone", &query, &mut warnings)
            .await;
        let url = format!("http://{node}/topic/delete?{}", topic_query(topic));
        self.asker.log(NSQD, &url);
        let outcome = self.asker.post(&url).await;
        note([outcome], &mut warnings);
        warnings
    }

    /// Does one thing at one nsqd: POSTs to `path` with the query of `topic` and, if it is not empty, `channel`.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub async fn tell(
        &self,
        address: &str,
        path: &str,
        topic: &str,
        channel: &str,
    ) -> Result<(), QueryError> {
        let query = if channel.is_empty() {
            topic_query(topic)
        } else {
            channel_query(topic, channel)
        };
        let url = format!("http://{address}/{path}?{query}");
        self.asker.log(NSQD, &url);
        self.asker.post(&url).await
    }

    async fn tell_nsqlookupds(&self, path: &str, query: &str, warnings: &mut Warnings) {
        let told = self.nsqlookupds.iter().map(|address| {
            let url = format!("http://{address}/{path}?{query}");
            async move {
                self.asker.log(NSQLOOKUPD, &url);
                self.asker.post(&url).await
            }
        });
        note(join_all(told).await, warnings);
    }

    async fn tell_nsqds(&self, producers: &[NodeEntry], path: &str, query: &str, warnings: &mut Warnings) {
        let told = producers.iter().map(|producer| {
            let url = format!("http://{}/{path}?{query}", producer.http_address());
            async move {
                self.asker.log(NSQD, &url);
                self.asker.post(&url).await
            }
        });
        note(join_all(told).await, warnings);
    }
}

fn note(outcomes: impl IntoIterator<Item = Result<(), QueryError>>, warnings: &mut Warnings) {
    let errors = outcomes.into_iter().filter_map(Result::err).collect();
    Partial { value: (), errors }.collect(warnings);
}

fn topic_query(topic: &str) -> String {
    format!("topic={}", escape(topic))
}

fn channel_query(topic: &str, channel: &str) -> String {
    format!("topic={}&channel={}", escape(topic), escape(channel))
}
