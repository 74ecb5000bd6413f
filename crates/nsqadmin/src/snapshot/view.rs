//! All that is known at one moment, added up.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use nsq_clusterinfo::Version;
use nsq_clusterinfo::wire::{Channel, QuantileLatency, Topic};
use nsq_runtime::Moment;

use super::rates::add;
use super::{
    ChannelRates, ChannelRow, Inactive, Node, Nsqlookupd, Paused, Sample, Tombstone, TopicRates, TopicRow,
    find_channel, find_topic,
};
use crate::health::Severity;

/// What a view is made of.
pub(crate) struct ViewInput<'a> {
    pub(crate) seq: u64,
    pub(crate) now: Moment,
    pub(crate) now_ms: i64,
    /// How long the numbers of a node are taken for its present ones.
    pub(crate) fresh_for: Duration,
    pub(crate) nodes: Vec<Node>,
    pub(crate) nsqlookupds: Vec<Nsqlookupd>,
    pub(crate) previous: &'a View,
    /// The trend of an entity, by its name in the history.
    pub(crate) trend: &'a dyn Fn(&str) -> Option<f64>,
    /// The worst problem of an entity, by the same name.
    pub(crate) problem: &'a dyn Fn(&str) -> Option<Severity>,
}

/// All that is known at one moment.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) seq: u64,
    pub(crate) now: Moment,
    pub(crate) at_ms: i64,
    /// The age of the oldest sample of a node that answers.
    pub(crate) age: Duration,
    pub(crate) nsqlookupds_ok: Counts,
    pub(crate) nodes_ok: Counts,
    /// Those who do not answer, the longest first.
    pub(crate) sources: Vec<Source>,
    /// Totals miss a node, or have old numbers of it.
    pub(crate) partial: bool,
    /// Ascending.
    pub(crate) quantiles: Vec<f64>,
    /// By name.
    pub(crate) topics: Vec<TopicRow>,
    /// By topic and name.
    pub(crate) channels: Vec<ChannelRow>,
    pub(crate) totals: Totals,
    pub(crate) nodes: Vec<Node>,
    pub(crate) nsqlookupds: Vec<Nsqlookupd>,
    pub(crate) inactive: Vec<Inactive>,
    pub(crate) tombstones: Vec<Tombstone>,
    /// The newest version of a node.
    pub(crate) newest: String,
    /// Keys that have gone, each with the state in which it did; the latest last.
    pub(crate) removed: Vec<(u64, Removed)>,
}

/// How many answer, and of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) ok: usize,
    pub(crate) of: usize,
}

/// Something that has gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    Topic(String),
    Channel(String),
}

/// A process that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) error: String,
    pub(crate) since_ms: Option<i64>,
    pub(crate) last_ok_ms: Option<i64>,
    pub(crate) latency: Duration,
}

/// Everything, added up.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    pub(crate) topics: usize,
    pub(crate) channels: usize,
    pub(crate) consumers: i64,
    pub(crate) producers: Option<usize>,
    pub(crate) backlog: i64,
    pub(crate) in_flight: i64,
    pub(crate) deferred: i64,
    pub(crate) publish_rate: Option<f64>,
    pub(crate) bytes_rate: Option<f64>,
    pub(crate) out_rate: Option<f64>,
    pub(crate) requeue_rate: Option<f64>,
    pub(crate) timeout_rate: Option<f64>,
    pub(crate) trend: Option<f64>,
    /// Messages of all channels since their nodes started.
    pub(crate) channel_messages: i64,
}

/// How many keys that have gone are remembered.
const REMOVED_MAX: usize = 4096;

impl View {
    /// Adds up what is known. Asks nobody.
    pub(crate) fn build(input: ViewInput<'_>) -> Self {
        let ViewInput {
            seq,
            now,
            now_ms,
            fresh_for,
            nodes,
            nsqlookupds,
            previous,
            trend,
            problem,
        } = input;
        let quantiles = quantiles(&nodes);
        let mut rows = Rows {
            quantiles: &quantiles,
            topics: BTreeMap::new(),
        };
        let mut age = Duration::ZERO;
        for node in &nodes {
            let is_late = node
                .current
                .as_ref()
                .is_some_and(|sample| now - sample.at > fresh_for);
            let is_partial = node.status.trouble(now).is_some() || is_late;
            if let Some(sample) = &node.current {
                if !is_partial {
                    age = age.max(now - sample.at);
                }
                rows.add_node(node, sample, is_partial);
            }
            rows.expect_topics(node, is_partial);
        }
        let inactive = inactive(&nsqlookupds, now);
        for topic in &inactive {
            rows.topics.entry(topic.topic.clone()).or_default().row.inactive = true;
        }
        rows.add_clients(&nodes);

        let mut view = Self {
            seq,
            now,
            at_ms: now_ms,
            age,
            nsqlookupds_ok: counts(nsqlookupds.iter().map(|it| it.status.trouble(now).is_none())),
            nodes_ok: counts(nodes.iter().map(|it| it.status.trouble(now).is_none())),
            sources: sources(&nodes, &nsqlookupds, now, now_ms),
            partial: nodes.iter().any(|node| {
                node.status.trouble(now).is_some() || (node.current.is_none() && !node.status.is_new())
            }),
            newest: newest(&nodes),
            tombstones: tombstones(&nsqlookupds),
            inactive,
            ..Self::default()
        };
        rows.finish(&mut view, trend, problem);
        view.quantiles = quantiles;
        view.nodes = nodes;
        view.nsqlookupds = nsqlookupds;
        view.totals.producers = producers(&view.nodes);
        view.totals.trend = trend("cluster");
        view.note_changes(previous);
        view
    }

    /// The row of a topic.
    pub(crate) fn topic(&self, name: &str) -> Option<&TopicRow> {
        let at = self
            .topics
            .binary_search_by(|row| row.topic.as_str().cmp(name))
            .ok()?;
        self.topics.get(at)
    }

    /// The row of a channel.
    pub(crate) fn channel(&self, topic: &str, channel: &str) -> Option<&ChannelRow> {
        let key = (topic, channel);
        let at = self
            .channels
            .binary_search_by(|row| (row.topic.as_str(), row.channel.as_str()).cmp(&key))
            .ok()?;
        self.channels.get(at)
    }

    /// The rows of the channels of a topic.
    pub(crate) fn channels_of(&self, topic: &str) -> &[ChannelRow] {
        let begin = self.channels.partition_point(|row| row.topic.as_str() < topic);
        let end = self.channels.partition_point(|row| row.topic.as_str() <= topic);
        self.channels.get(begin..end).unwrap_or_default()
    }

    /// The nsqd with this HTTP address.
    pub(crate) fn node(&self, address: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.address() == address)
    }

    /// Notes in each row when it changed last, and what has gone.
    fn note_changes(&mut self, previous: &Self) {
        let seq = self.seq;
        let mut removed = previous.removed.clone();
        let mut old = previous.topics.iter().peekable();
        for row in &mut self.topics {
            while let Some(gone) = old.next_if(|old| old.topic < row.topic) {
                removed.push((seq, Removed::Topic(gone.topic.clone())));
            }
            row.changed = old.peek().map_or(seq, |old| old.changed);
            if old.next_if(|old| *old == row).is_none() {
                row.changed = seq;
                old.next_if(|old| old.topic == row.topic);
            }
        }
        removed.extend(old.map(|gone| (seq, Removed::Topic(gone.topic.clone()))));
        let mut old = previous.channels.iter().peekable();
        let key = |row: &ChannelRow| (row.topic.clone(), row.channel.clone());
        for row in &mut self.channels {
            while let Some(gone) = old.next_if(|old| (&old.topic, &old.channel) < (&row.topic, &row.channel))
            {
                removed.push((seq, Removed::Channel(gone.key())));
            }
            row.changed = old.peek().map_or(seq, |old| old.changed);
            if old.next_if(|old| *old == row).is_none() {
                row.changed = seq;
                old.next_if(|old| key(old) == key(row));
            }
        }
        removed.extend(old.map(|gone| (seq, Removed::Channel(gone.key()))));
        removed.drain(..removed.len().saturating_sub(REMOVED_MAX));
        self.removed = removed;
    }

    /// Whether what has gone since a state is still remembered.
    pub(crate) fn remembers(&self, seq: u64) -> bool {
        let is_all_there = self.removed.len() < REMOVED_MAX;
        seq <= self.seq && (is_all_there || self.removed.first().is_some_and(|(first, _)| *first <= seq))
    }
}

/// Rows that are being added up.
struct Rows<'q> {
    quantiles: &'q [f64],
    topics: BTreeMap<String, Gathered>,
}

#[derive(Default)]
struct Gathered {
    row: TopicRow,
    paused: usize,
    /// Nodes with it.
    having: Vec<Arc<str>>,
    rates: TopicRates,
    channels: BTreeMap<String, GatheredChannel>,
}

#[derive(Default)]
struct GatheredChannel {
    row: ChannelRow,
    paused: usize,
    having: Vec<Arc<str>>,
    rates: ChannelRates,
}

impl Rows<'_> {
    fn add_node(&mut self, node: &Node, sample: &Sample, is_partial: bool) {
        let address: Arc<str> = node.address().into();
        let base = node.base.as_deref();
        let window = base.map_or(Duration::ZERO, |base| sample.at - base.at);
        for topic in &sample.stats.topics {
            let base_topic = base.and_then(|base| find_topic(&base.stats, &topic.topic_name));
            let gathered = gathered(&mut self.topics, &topic.topic_name);
            gathered.having.push(Arc::clone(&address));
            gathered.paused += usize::from(topic.paused);
            gathered.rates.add(TopicRates::between(base_topic, topic, window));
            let row = &mut gathered.row;
            row.partial |= is_partial;
            row.depth = row.depth.saturating_add(topic.depth);
            row.disk_depth = row.disk_depth.saturating_add(topic.backend_depth);
            row.messages = row.messages.saturating_add(topic.message_count);
            row.message_bytes = row.message_bytes.saturating_add(topic.message_bytes);
            worst(&mut row.e2e_ns, &topic.e2e_processing_latency, self.quantiles);
            if topic.channels.is_empty() && topic.depth > 0 {
                row.stranded.push((address.to_string(), topic.depth));
            }
            for channel in &topic.channels {
                let base = base_topic.and_then(|topic| find_channel(topic, &channel.channel_name));
                let rates = ChannelRates::between(base, channel, window);
                let gathered = channel_of(&mut gathered.channels, &channel.channel_name);
                gathered.rates.add(rates);
                gathered.having.push(Arc::clone(&address));
                if channel.depth > 0 && channel.client_count == 0 {
                    gathered.row.unserved.push((address.to_string(), channel.depth));
                }
                gathered.add(channel, is_partial, self.quantiles);
            }
        }
    }

    /// Counts the topics that a node has according to nsqlookupds, also while it does not answer itself.
    fn expect_topics(&mut self, node: &Node, is_partial: bool) {
        let address = node.address();
        for topic in node.info.topics.iter().flatten() {
            let gathered = gathered(&mut self.topics, &topic.topic);
            let is_known = gathered.having.last().is_some_and(|last| **last == *address);
            gathered.row.nodes_of += i64::from(!is_known);
            gathered.row.partial |= is_partial && !is_known;
        }
    }

    fn add_clients(&mut self, nodes: &[Node]) {
        let mut producers: HashMap<&str, i64> = HashMap::new();
        let mut is_known = false;
        for clients in nodes.iter().filter_map(|node| node.clients.as_deref()) {
            is_known = true;
            for published in clients.producers.iter().flat_map(|producer| &producer.pub_counts) {
                *producers.entry(&published.topic).or_default() += 1;
            }
            for consumer in &clients.consumers {
                let channel = self
                    .topics
                    .get_mut(&consumer.topic)
                    .and_then(|topic| topic.channels.get_mut(&consumer.channel));
                if let Some(channel) = channel {
                    let rdy = consumer.client.ready_count;
                    *channel.row.rdy.get_or_insert_default() += rdy;
                    channel.row.idle_consumers += i64::from(rdy == 0);
                }
            }
        }
        for (name, topic) in &mut self.topics {
            topic.row.producers = is_known.then(|| producers.get(name.as_str()).copied().unwrap_or(0));
        }
    }

    fn finish(
        self,
        view: &mut View,
        trend: &dyn Fn(&str) -> Option<f64>,
        problem: &dyn Fn(&str) -> Option<Severity>,
    ) {
        let totals = &mut view.totals;
        for (name, topic) in self.topics {
            let Gathered {
                mut row,
                paused,
                having,
                rates,
                channels,
            } = topic;
            let entity = format!("topic:{name}");
            row.problem = problem(&entity);
            row.trend = trend(&entity);
            row.paused = Paused::of(paused, having.len());
            row.nodes = count(having.len());
            row.nodes_of += row.nodes;
            row.e2e_ns.resize(self.quantiles.len(), None);
            row.backlog = row.depth;
            (row.publish_rate, row.bytes_rate) = (rates.publish, rates.bytes);
            row.channels = count(channels.len());
            for (channel, gathered) in channels {
                let mut channel = gathered.finish(&name, channel, &having);
                channel.e2e_ns.resize(self.quantiles.len(), None);
                let entity = format!("channel:{}", channel.key());
                channel.problem = problem(&entity);
                channel.trend = trend(&entity);
                row.add_channel(&channel);
                totals.add_channel(&channel);
                view.channels.push(channel);
            }
            row.topic = name;
            totals.add_topic(&row);
            view.topics.push(row);
        }
        totals.channels = view.channels.len();
    }
}

fn gathered<'m>(topics: &'m mut BTreeMap<String, Gathered>, name: &str) -> &'m mut Gathered {
    if !topics.contains_key(name) {
        topics.insert(name.to_owned(), Gathered::default());
    }
    topics.entry(name.to_owned()).or_default()
}

fn channel_of<'m>(
    channels: &'m mut BTreeMap<String, GatheredChannel>,
    name: &str,
) -> &'m mut GatheredChannel {
    channels.entry(name.to_owned()).or_default()
}

impl GatheredChannel {
    fn add(&mut self, channel: &Channel, is_partial: bool, quantiles: &[f64]) {
        self.paused += usize::from(channel.paused);
        let row = &mut self.row;
        row.partial |= is_partial;
        for (own, more) in [
            (&mut row.depth, channel.depth),
            (&mut row.disk_depth, channel.backend_depth),
            (&mut row.in_flight, channel.in_flight_count),
            (&mut row.deferred, channel.deferred_count),
            (&mut row.requeued, channel.requeue_count),
            (&mut row.timed_out, channel.timeout_count),
            (&mut row.messages, channel.message_count),
            (&mut row.consumers, channel.client_count),
        ] {
            *own = own.saturating_add(more);
        }
        worst(&mut row.e2e_ns, &channel.e2e_processing_latency, quantiles);
    }

    fn finish(mut self, topic: &str, channel: String, nodes: &[Arc<str>]) -> ChannelRow {
        if self.row.consumers == 0 {
            // Without any consumer at all it is no matter of where they are.
            self.row.unserved.clear();
        }
        let missing = nodes.iter().filter(|node| !self.having.contains(node));
        ChannelRow {
            topic: topic.to_owned(),
            channel,
            paused: Paused::of(self.paused, self.having.len()),
            nodes: count(self.having.len()),
            nodes_of: count(nodes.len()),
            missing_on: missing.map(ToString::to_string).collect(),
            in_rate: self.rates.incoming,
            out_rate: self.rates.out,
            requeue_rate: self.rates.requeue,
            timeout_rate: self.rates.timeout,
            ..self.row
        }
    }
}

impl TopicRow {
    fn add_channel(&mut self, channel: &ChannelRow) {
        self.backlog = self.backlog.saturating_add(channel.depth);
        self.consumers = self.consumers.saturating_add(channel.consumers);
        self.in_flight = self.in_flight.saturating_add(channel.in_flight);
        self.deferred = self.deferred.saturating_add(channel.deferred);
        self.problem = self.problem.max(channel.problem);
        add(&mut self.out_rate, channel.out_rate);
        add(&mut self.requeue_rate, channel.requeue_rate);
        add(&mut self.timeout_rate, channel.timeout_rate);
        if channel.depth > self.worst_depth {
            self.worst_depth = channel.depth;
            self.worst_channel.clone_from(&channel.channel);
        }
    }
}

impl Totals {
    fn add_topic(&mut self, topic: &TopicRow) {
        self.topics += 1;
        self.backlog = self.backlog.saturating_add(topic.backlog);
        add(&mut self.publish_rate, topic.publish_rate);
        add(&mut self.bytes_rate, topic.bytes_rate);
    }

    fn add_channel(&mut self, channel: &ChannelRow) {
        self.consumers = self.consumers.saturating_add(channel.consumers);
        self.in_flight = self.in_flight.saturating_add(channel.in_flight);
        self.deferred = self.deferred.saturating_add(channel.deferred);
        self.channel_messages = self.channel_messages.saturating_add(channel.messages);
        add(&mut self.out_rate, channel.out_rate);
        add(&mut self.requeue_rate, channel.requeue_rate);
        add(&mut self.timeout_rate, channel.timeout_rate);
    }
}

fn counts(are_ok: impl Iterator<Item = bool>) -> Counts {
    are_ok.fold(Counts::default(), |counts, is_ok| Counts {
        ok: counts.ok + usize::from(is_ok),
        of: counts.of + 1,
    })
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// All quantiles that some node reports.
fn quantiles(nodes: &[Node]) -> Vec<f64> {
    let mut quantiles: Vec<f64> = Vec::new();
    let topics = nodes
        .iter()
        .filter_map(|node| node.current.as_ref())
        .flat_map(|sample| &sample.stats.topics);
    // A node has the same for all its channels.
    for latency in topics
        .flat_map(latencies)
        .filter(|latency| latency.percentiles.is_some())
    {
        for percentile in latency.percentiles.iter().flatten() {
            if !quantiles.iter().any(|known| is_same(*known, percentile.quantile)) {
                quantiles.push(percentile.quantile);
            }
        }
    }
    quantiles.sort_by(f64::total_cmp);
    quantiles
}

fn latencies(topic: &Topic) -> impl Iterator<Item = &QuantileLatency> {
    let of_channels = topic
        .channels
        .iter()
        .map(|channel| &channel.e2e_processing_latency);
    of_channels.take(1)
}

/// Keeps the latency of the slowest node at each quantile.
fn worst(own: &mut Vec<Option<f64>>, latency: &QuantileLatency, quantiles: &[f64]) {
    if latency.count == 0 || quantiles.is_empty() {
        return;
    }
    own.resize(quantiles.len(), None);
    for percentile in latency.percentiles.iter().flatten() {
        for (own, quantile) in own.iter_mut().zip(quantiles) {
            if is_same(*quantile, percentile.quantile) {
                *own = Some(own.map_or(percentile.value, |worst| worst.max(percentile.value)));
            }
        }
    }
}

fn is_same(left: f64, right: f64) -> bool {
    left.total_cmp(&right).is_eq()
}

fn newest(nodes: &[Node]) -> String {
    let versions = nodes.iter().map(|node| node.info.version.as_str());
    versions
        .max_by_key(|version| Version::parse(version))
        .unwrap_or_default()
        .to_owned()
}

/// How many producers there are; `None` until somebody was asked for clients.
fn producers(nodes: &[Node]) -> Option<usize> {
    let mut clients = nodes.iter().filter_map(|node| node.clients.as_deref()).peekable();
    clients.peek()?;
    Some(clients.map(|clients| clients.producers.len()).sum())
}

fn sources(nodes: &[Node], nsqlookupds: &[Nsqlookupd], now: Moment, now_ms: i64) -> Vec<Source> {
    let of_nsqlookupds = nsqlookupds
        .iter()
        .map(|it| (it.address.clone(), "nsqlookupd", &it.status));
    let of_nodes = nodes.iter().map(|it| (it.address(), "nsqd", &it.status));
    let mut sources: Vec<_> = of_nsqlookupds
        .chain(of_nodes)
        .filter_map(|(id, kind, status)| {
            Some(Source {
                id,
                kind,
                error: status.trouble(now)?,
                since_ms: status.trouble_since_ms(now, now_ms),
                last_ok_ms: status.last_ok_ms,
                latency: status.latency,
            })
        })
        .collect();
    sources.sort_by_key(|source| source.since_ms);
    sources
}

/// Topics that some nsqlookupd knows and that nobody has.
fn inactive(nsqlookupds: &[Nsqlookupd], now: Moment) -> Vec<Inactive> {
    let mut topics: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for nsqlookupd in nsqlookupds {
        topics.extend(nsqlookupd.topics.iter().map(|topic| (topic.as_str(), Vec::new())));
    }
    for node in nsqlookupds.iter().flat_map(|nsqlookupd| &nsqlookupd.nodes) {
        for (topic, is_tombstoned) in node.topics() {
            if !is_tombstoned {
                topics.remove(topic);
            }
        }
    }
    for (topic, channels) in nsqlookupds.iter().flat_map(|nsqlookupd| &nsqlookupd.inactive) {
        if let Some(known) = topics.get_mut(topic.as_str()) {
            known.extend(channels.iter().map(String::as_str));
            known.sort_unstable();
            known.dedup();
        }
    }
    let all = topics.into_iter().map(|(topic, channels)| Inactive {
        topic: topic.to_owned(),
        channels: channels.into_iter().map(str::to_owned).collect(),
        known_to: nsqlookupds
            .iter()
            .map(|it| {
                it.status
                    .trouble(now)
                    .is_none()
                    .then(|| it.topics.iter().any(|known| known == topic))
            })
            .collect(),
    });
    all.collect()
}

fn tombstones(nsqlookupds: &[Nsqlookupd]) -> Vec<Tombstone> {
    let mut found: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for nsqlookupd in nsqlookupds {
        for node in &nsqlookupd.nodes {
            for (topic, is_tombstoned) in node.topics() {
                if is_tombstoned {
                    let key = (topic.to_owned(), node.http_address());
                    found.entry(key).or_default().push(nsqlookupd.address.clone());
                }
            }
        }
    }
    let tombstones = found.into_iter().map(|((topic, node), nsqlookupds)| Tombstone {
        topic,
        node,
        nsqlookupds,
    });
    tombstones.collect()
}
