//! Asking everyone at once.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use nsq_http::{Client, ClientReply, ClientRequest, StatusCode};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};

use crate::merge::{self, Node};
use crate::wire::{ChannelList, Info, LookupAnswer, NodeEntry, NodeList, NodeStats, TopicList};
use crate::{NobodyAnswered, Partial, QueryError, escape};

pub(crate) const NSQLOOKUPD: &str = "nsqlookupd";
pub(crate) const NSQD: &str = "nsqd";

/// Asks single processes.
#[derive(Clone, Debug)]
pub struct Asker {
    client: Client,
    is_quiet: bool,
}

impl Asker {
    /// Asks with `client`, whose timeouts are the deadline of every question.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            is_quiet: false,
        }
    }

    /// Does not log each question at level INFO.
    pub fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// GETs `url` and reads the JSON it answers.
    ///
    /// # Errors
    /// There is no answer, it is not 200, or not what `T` is.
    ///
    /// # Cancel safety
    /// Dropping the future ends the question.
    pub async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, QueryError> {
        let reply = self.ask(&Verb::Get, url).await?;
        // A list would pass for an object without its fields; nobody who is asked answers one.
        let read = if reply.body.trim_ascii_start().starts_with(b"[") {
            Err(serde_json::Error::custom("a list where an object should be"))
        } else {
            serde_json::from_slice(&reply.body)
        };
        read.map_err(|cause| QueryError::Answer {
            url: url.to_owned(),
            cause,
        })
    }

    /// POSTs to `url`, without a body, and ignores what it answers.
    ///
    /// # Errors
    /// There is no answer, or it is not 200.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether the process has acted.
    pub async fn post(&self, url: &str) -> Result<(), QueryError> {
        self.post_body(url, Bytes::new()).await
    }

    /// The same with a body.
    ///
    /// # Errors
    /// As for [`post`](Self::post).
    ///
    /// # Cancel safety
    /// As for [`post`](Self::post).
    pub async fn post_body(&self, url: &str, body: Bytes) -> Result<(), QueryError> {
        self.ask(&Verb::Post(body), url).await.map(drop)
    }

    /// Sends a request, and once more over TLS to an nsqd that requires it.
    async fn ask(&self, verb: &Verb, url: &str) -> Result<ClientReply, QueryError> {
        // A request in progress is large, and many are under way at once.
        let mut reply = Box::pin(self.client.send(verb.request(url)))
            .await
            .map_err(QueryError::Http)?;
        if reply.status == StatusCode::FORBIDDEN
            && let Some(url) = tls_url(url, &reply.body)
        {
            reply = Box::pin(self.client.send(verb.request(&url)))
                .await
                .map_err(QueryError::Http)?;
        }
        if reply.status == StatusCode::OK {
            Ok(reply)
        } else {
            Err(QueryError::status(reply.status, &reply.body))
        }
    }

    pub(crate) fn log(&self, kind: &str, url: &str) {
        if !self.is_quiet {
            tracing::info!("CI: querying {kind} {url}");
        }
    }
}

/// What is done to a URL.
#[derive(Debug)]
enum Verb {
    Get,
    Post(Bytes),
}

impl Verb {
    fn request<'u>(&self, url: &'u str) -> ClientRequest<'u> {
        match self {
            Self::Get => ClientRequest::get(url),
            Self::Post(body) if body.is_empty() => ClientRequest::post(url),
            Self::Post(body) => ClientRequest::post(url).body("application/octet-stream", body.clone()),
        }
    }
}

/// Where an nsqd that refuses plain HTTP answers the same, according to its refusal.
///
/// Upstream: `internal/http_api/http_request.go`, `httpsEndpoint`.
fn tls_url(url: &str, refusal: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        https_port: u16,
    }
    let rest = url.strip_prefix("http://")?;
    let Refusal { https_port } = serde_json::from_slice(refusal).ok()?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    Some(format!("https://{host}:{https_port}{path}"))
}

/// What of an nsqd's statistics is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// Only this topic; empty for all.
    pub topic: &'a str,
    /// Only this channel; empty for all.
    pub channel: &'a str,
    /// With consumers and producers.
    pub clients: bool,
}

impl Scope<'_> {
    /// The URL of these statistics at the nsqd with the HTTP address `address`.
    pub fn url(&self, address: &str) -> String {
        let mut url = format!("http://{address}/stats?format=json");
        for (name, value) in [("topic", self.topic), ("channel", self.channel)] {
            if !value.is_empty() {
                url.push('&');
                url.push_str(name);
                url.push('=');
                url.push_str(&escape(value));
            }
        }
        if !self.clients {
            url.push_str("&include_clients=false");
        }
        url
    }
}

/// All processes of a cluster: nsqlookupds, or else nsqds.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(crate) asker: Asker,
    pub(crate) nsqlookupds: Arc<[String]>,
    pub(crate) nsqds: Arc<[String]>,
}

type Answer<T> = Result<Partial<T>, NobodyAnswered>;

impl Cluster {
    /// The cluster that these HTTP addresses are of. With nsqlookupds, nsqds are found by asking them.
    pub fn new(asker: Asker, nsqlookupds: Arc<[String]>, nsqds: Arc<[String]>) -> Self {
        Self {
            asker,
            nsqlookupds,
            nsqds,
        }
    }

    /// Whether nsqds are found by asking nsqlookupds.
    pub fn has_lookup(&self) -> bool {
        !self.nsqlookupds.is_empty()
    }

    /// The names of all topics, sorted.
    ///
    /// # Errors
    /// Nobody answered.
    pub async fn topics(&self) -> Answer<Vec<String>> {
        let answers = if self.has_lookup() {
            let lists: Partial<Vec<(usize, TopicList)>> = self
                .of_nsqlookupds(|address| format!("http://{address}/topics"))
                .await?;
            lists.map(|lists| {
                lists
                    .into_iter()
                    .flat_map(|(_, list)| list.topics)
                    .collect::<BTreeSet<_>>()
            })
        } else {
            let stats = self
                .of_nsqds(&self.nsqds, |address| Scope::default().url(address))
                .await?;
            stats.map(|all: Vec<(usize, NodeStats)>| {
                let topics = all.into_iter().flat_map(|(_, stats)| stats.topics);
                topics.map(|topic| topic.topic_name).collect()
            })
        };
        Ok(answers.map(|names| names.into_iter().collect()))
    }

    /// Topics that nobody has whom a lookup would show, with their channels.
    ///
    /// # Errors
    /// Nobody answered.
    ///
    /// # Differs from upstream
    /// nsqlookupds are asked once for all that is active, not once for each topic, and not again when they did
    /// not answer. There, a page took minutes with one of them hung.
    pub async fn inactive_topics(&self) -> Answer<BTreeMap<String, Vec<String>>> {
        if !self.has_lookup() {
            return Ok(Partial::complete(BTreeMap::new()));
        }
        let lists: Partial<Vec<(usize, (TopicList, NodeList))>> =
            ask_all(NSQLOOKUPD, &self.nsqlookupds, |address| async move {
                let [topics, nodes] = ["topics", "nodes"].map(|path| format!("http://{address}/{path}"));
                self.asker.log(NSQLOOKUPD, &topics);
                Ok((self.asker.get(&topics).await?, self.asker.get(&nodes).await?))
            })
            .await?;
        let Partial { value: lists, errors } = lists;
        let mut topics = BTreeMap::new();
        for (_, (list, _)) in &lists {
            topics.extend(list.topics.iter().map(|name| (name.clone(), Vec::new())));
        }
        for node in lists.iter().flat_map(|(_, (_, nodes))| &nodes.producers) {
            for (topic, is_tombstoned) in node.topics() {
                if !is_tombstoned {
                    topics.remove(topic);
                }
            }
        }
        let answering: Vec<&str> = lists
            .iter()
            .filter_map(|(at, _)| self.nsqlookupds.get(*at).map(String::as_str))
            .collect();
        for (topic, channels) in &mut topics {
            let query = escape(topic);
            let asked = answering.iter().map(|address| {
                let url = format!("http://{address}/channels?topic={query}");
                async move { self.asker.get::<ChannelList>(&url).await }
            });
            // A topic that has gone meanwhile, or that only one of them knows, has no channels elsewhere.
            let lists = join_all(asked).await.into_iter().flatten();
            *channels = lists
                .flat_map(|list| list.channels)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
        }
        Ok(Partial {
            value: topics,
            errors,
        })
    }

    /// Those who have a topic and are not hidden.
    ///
    /// # Errors
    /// Nobody answered, or nobody of those who did knows the topic.
    pub async fn producers(&self, topic: &str) -> Answer<Vec<NodeEntry>> {
        if !self.has_lookup() {
            return self.producers_among_nsqds(topic).await;
        }
        let query = escape(topic);
        let answers: Partial<Vec<(usize, LookupAnswer)>> = self
            .of_nsqlookupds(|address| format!("http://{address}/lookup?topic={query}"))
            .await?;
        Ok(answers.map(|answers| {
            let mut producers: Vec<NodeEntry> = Vec::new();
            for entry in answers.into_iter().flat_map(|(_, answer)| answer.producers) {
                let address = entry.http_address();
                if !producers.iter().any(|known| known.http_address() == address) {
                    producers.push(entry);
                }
            }
            producers
        }))
    }

    async fn producers_among_nsqds(&self, topic: &str) -> Answer<Vec<NodeEntry>> {
        let scope = Scope {
            topic,
            ..Scope::default()
        };
        let answers = ask_all(NSQD, &self.nsqds, |address| async move {
            let url = scope.url(address);
            self.asker.log(NSQD, &url);
            let stats: NodeStats = self.asker.get(&url).await?;
            if !stats.topics.iter().any(|known| known.topic_name == topic) {
                return Ok(None);
            }
            self.info(address).await.map(|info| Some(entry_of(info)))
        })
        .await?;
        Ok(answers.map(|answers| answers.into_iter().filter_map(|(_, entry)| entry).collect()))
    }

    async fn info(&self, address: &str) -> Result<Info, QueryError> {
        let url = format!("http://{address}/info");
        self.asker.log(NSQD, &url);
        self.asker.get(&url).await
    }

    /// All nsqds, by host name.
    ///
    /// # Errors
    /// Nobody answered.
    pub async fn nodes(&self) -> Answer<Vec<Node>> {
        if self.has_lookup() {
            let lists: Partial<Vec<(usize, NodeList)>> = self
                .of_nsqlookupds(|address| format!("http://{address}/nodes"))
                .await?;
            return Ok(lists.map(|lists| {
                merge::nodes(lists.iter().flat_map(|(at, list)| {
                    let address = self.nsqlookupds.get(*at).map_or("", String::as_str);
                    list.producers.iter().map(move |entry| (address, entry))
                }))
            }));
        }
        let answers = ask_all(NSQD, &self.nsqds, |address| self.node_alone(address)).await?;
        Ok(answers.map(|answers| answers.into_iter().map(|(_, node)| node).collect()))
    }

    /// One nsqd, asked itself.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn node_alone(&self, address: &str) -> Result<Node, QueryError> {
        let info = self.info(address).await?;
        let url = Scope::default().url(address);
        self.asker.log(NSQD, &url);
        let stats: NodeStats = self.asker.get(&url).await?;
        let topics = stats.topics.into_iter().map(|topic| topic.topic_name);
        Ok(Node::alone(&entry_of(info), topics))
    }

    /// The statistics of `nodes`, each with its index.
    ///
    /// # Errors
    /// Nobody answered.
    pub async fn stats(&self, nodes: &[String], scope: Scope<'_>) -> Answer<Vec<(usize, NodeStats)>> {
        self.of_nsqds(nodes, |address| scope.url(address)).await
    }

    async fn of_nsqlookupds<T: DeserializeOwned>(
        &self,
        url: impl Fn(&str) -> String,
    ) -> Answer<Vec<(usize, T)>> {
        self.get_all(NSQLOOKUPD, &self.nsqlookupds, url).await
    }

    async fn of_nsqds<T: DeserializeOwned>(
        &self,
        addresses: &[String],
        url: impl Fn(&str) -> String,
    ) -> Answer<Vec<(usize, T)>> {
        self.get_all(NSQD, addresses, url).await
    }

    async fn get_all<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        addresses: &[String],
        url: impl Fn(&str) -> String,
    ) -> Answer<Vec<(usize, T)>> {
        ask_all(kind, addresses, |address| {
            let url = url(address);
            async move {
                self.asker.log(kind, &url);
                self.asker.get(&url).await
            }
        })
        .await
    }
}

/// Asks everyone the same, at once. Answers come in the order of the addresses, whose index each has.
pub(crate) async fn ask_all<'a, T, A>(
    kind: &'static str,
    addresses: &'a [String],
    ask: impl Fn(&'a str) -> A,
) -> Answer<Vec<(usize, T)>>
where
    A: Future<Output = Result<T, QueryError>>,
{
    let answers = join_all(addresses.iter().map(|address| ask(address))).await;
    let mut value = Vec::with_capacity(answers.len());
    let mut errors = Vec::new();
    for (at, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(answer) => value.push((at, answer)),
            Err(error) => errors.push(error),
        }
    }
    if value.is_empty() {
        return Err(NobodyAnswered { kind, errors });
    }
    Ok(Partial { value, errors })
}

fn entry_of(info: Info) -> NodeEntry {
    NodeEntry {
        hostname: info.hostname,
        broadcast_address: info.broadcast_address,
        tcp_port: info.tcp_port,
        http_port: info.http_port,
        version: info.version,
        topology_zone: info.topology_zone,
        topology_region: info.topology_region,
        ..NodeEntry::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_names_a_tls_port_is_followed_to_it() {
        let refusal = br#"{"message": "TLS_REQUIRED", "https_port": 4152}"#;
        for (url, tls) in [
            (
                "http://h:4151/stats?format=json",
                "https://h:4152/stats?format=json",
            ),
            ("http://[::1]:4151/ping", "https://[::1]:4152/ping"),
            ("http://h/ping", "https://h:4152/ping"),
        ] {
            assert_eq!(tls_url(url, refusal).as_deref(), Some(tls));
        }
        assert_eq!(tls_url("https://h:1/", refusal), None);
        for other in [
            &b"FORBIDDEN"[..],
            br#"{"message":"FORBIDDEN"}"#,
            br#"{"https_port":99999}"#,
        ] {
            assert_eq!(tls_url("http://h:1/", other), None);
        }
    }

    #[test]
    fn a_scope_is_upstreams_query() {
        let mut scope = Scope {
            topic: "t#ephemeral",
            ..Scope::default()
        };
        assert_eq!(
            scope.url("h:1"),
            "http://h:1/stats?format=json&topic=t%23ephemeral&include_clients=false"
        );
        (scope.channel, scope.clients) = ("c", true);
        assert_eq!(
            scope.url("h:1"),
            "http://h:1/stats?format=json&topic=t%23ephemeral&channel=c"
        );
    }
}
