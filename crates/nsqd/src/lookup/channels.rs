//! Asking nsqlookupd which channels a new topic has elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use nsq_core::Topic;
use nsq_http::{Client, ClientReply, ClientRequest, StatusCode};
use nsq_net::HostPort;
use nsq_protocol::lookup::LookupdInfo;
use nsq_protocol::name::ChannelName;
use nsq_runtime::{Clock, TaskGroup};
use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc};

/// A list of channels is refused beyond this: 10,000 of the longest names take 700 kB.
const REPLY_SIZE_MAX: usize = 1 << 20;

/// Channels that a topic is given at most because nsqlookupd says so.
const CHANNELS_MAX: usize = 10_000;

/// Requests under way at once. Topics may be created by the thousand, and file descriptors are few.
const REQUESTS_MAX: usize = 64;

/// How the channels of a topic are asked for.
#[derive(Clone, Debug)]
pub(crate) struct ChannelQuery {
    client: Client,
    clock: Clock,
    /// How long an answer may take, waiting for one's turn included.
    timeout: Duration,
    turns: Arc<Semaphore>,
}

/// What nsqlookupd answers.
#[derive(Deserialize)]
struct ChannelList {
    channels: Vec<String>,
}

/// Lets messages flow into the channels of a topic, whatever became of the query.
struct Starting(Arc<Topic>);

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.start();
    }
}

impl ChannelQuery {
    /// A query that connects within `connect_timeout` and has its answer within `request_timeout`.
    pub(crate) fn new(clock: Clock, connect_timeout: Duration, request_timeout: Duration) -> Self {
        let client = Client::new(clock.clone(), connect_timeout, request_timeout);
        Self {
            client: client.with_reply_size_max(REPLY_SIZE_MAX),
            clock,
            timeout: request_timeout,
            turns: Arc::new(Semaphore::new(REQUESTS_MAX)),
        }
    }

    /// Asks all of `lookupds` at once, gives `topic` the channels that any of them knows, and starts it.
    ///
    /// # Cancel safety
    /// Dropping the future starts the topic with the channels it has.
    pub(super) fn create_channels(
        &self,
        tasks: &TaskGroup,
        lookupds: Vec<LookupdInfo>,
        topic: Arc<Topic>,
    ) -> impl Future<Output = ()> + Send + 'static {
        // Room for every answer: who gives one does not wait.
        let (answers, mut answered) = mpsc::channel(lookupds.len().max(1));
        for lookupd in lookupds {
            let (query, answers, topic) = (self.clone(), answers.clone(), Arc::clone(&topic));
            tasks.spawn(async move {
                // Nobody listens any more when nsqd stops.
                let _ = answers.send(query.channels_of(&topic, &lookupd).await).await;
            });
        }
        drop(answers);
        let topic = Starting(topic);
        async move {
            let (mut channels, mut failures) = (BTreeSet::new(), Vec::new());
            while let Some(answer) = answered.recv().await {
                match answer {
                    Ok(known) => channels.extend(known),
                    Err(failure) => failures.push(failure),
                }
            }
            let Starting(topic) = &topic;
            if !failures.is_empty() {
                tracing::warn!(
                    "failed to query nsqlookupd for channels to pre-create for topic {} - {}",
                    topic.name(),
                    failures.join("; ")
                );
            }
            create(topic, &channels);
        }
    }

    /// The channels that one nsqlookupd knows.
    async fn channels_of(&self, topic: &Topic, lookupd: &LookupdInfo) -> Result<Vec<ChannelName>, String> {
        let port =
            u16::try_from(lookupd.http_port).map_err(|_| format!("{} is no HTTP port", lookupd.http_port))?;
        let host = HostPort::new(lookupd.broadcast_address.as_str(), port);
        // Of the bytes that a name may hold, a query string has another meaning only for this one.
        let name = topic.name().replace('#', "%23");
        let url = format!("http://{host}/channels?topic={name}");
        tracing::info!("CI: querying nsqlookupd {url}");
        let reply = tokio::select! {
            reply = self.ask(&url) => reply?,
            () = self.clock.sleep(self.timeout) => return Err(format!("no answer in time from {url}")),
        };
        if reply.status != StatusCode::OK {
            return Err(format!("got response {} from {url}", reply.status));
        }
        let list: ChannelList = serde_json::from_slice(&reply.body)
            .map_err(|error| format!("{error} in the response of {url}"))?;
        let channels = list.channels.iter();
        Ok(channels.filter_map(|name| ChannelName::new(name).ok()).collect())
    }

    async fn ask(&self, url: &str) -> Result<ClientReply, String> {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        let asked = self.client.send(ClientRequest::get(url)).await;
        asked.map_err(|error| error.to_string())
    }
}

/// Makes the durable ones of `channels`.
fn create(topic: &Topic, channels: &BTreeSet<ChannelName>) {
    let durable = channels.iter().filter(|channel| !channel.is_ephemeral());
    for (index, channel) in durable.enumerate() {
        if index >= CHANNELS_MAX {
            tracing::warn!(
                "TOPIC({}): nsqlookupd knows {} channels, of which only {CHANNELS_MAX} are created",
                topic.name(),
                channels.len()
            );
            return;
        }
        if topic.channel_or_create(channel).is_err() {
            // It is being deleted.
            return;
        }
    }
}
