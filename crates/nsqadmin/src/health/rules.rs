//! The rules, each of which looks at one view.

use std::collections::BTreeMap;
use std::time::Duration;

use nsq_clusterinfo::{Version, escape};

use super::{Deliveries, Severity};
use crate::snapshot::{ChannelRow, Node, Paused, TopicRow, View};

/// Backlogs below this many messages grow and shrink all the time.
const BACKLOG_MIN: i64 = 1000;

const AT_ONCE: Duration = Duration::ZERO;
const MINUTE: Duration = Duration::from_secs(60);
const MINUTES_5: Duration = Duration::from_secs(300);

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Entity {
    Cluster,
    Nsqlookupd(String),
    Nsqd(String),
    Topic(String),
    Channel(String, String),
}

impl Entity {
    /// Its name in the history and in the rows of a view.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Cluster => "cluster".to_owned(),
            Self::Nsqlookupd(address) => format!("nsqlookupd:{address}"),
            Self::Nsqd(address) => format!("node:{address}"),
            Self::Topic(topic) => format!("topic:{topic}"),
            Self::Channel(topic, channel) => format!("channel:{topic}/{channel}"),
        }
    }

    /// Its page, relative to the base.
    fn page(&self) -> String {
        let part = |text: &str| escape(text).replace('+', "%20");
        match self {
            Self::Cluster => String::new(),
            Self::Nsqlookupd(_) => "lookup".to_owned(),
            Self::Nsqd(address) => format!("nodes/{}", part(address)),
            Self::Topic(topic) => format!("topics/{}", part(topic)),
            Self::Channel(topic, channel) => format!("topics/{}/{}", part(topic), part(channel)),
        }
    }
}

/// Something that looks wrong.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    pub(crate) severity: Severity,
    pub(crate) entity: Entity,
    pub(crate) text: String,
    /// Messages that it concerns.
    pub(crate) affected: i64,
    /// How long it has to look so before it is a problem.
    pub(crate) hold: Duration,
    pub(crate) link: String,
}

/// Everything that looks wrong in `view`, and in the deliveries up to it.
pub(crate) fn judge(view: &View, deliveries: &Deliveries) -> Vec<Finding> {
    let mut findings = Findings::default();
    findings.nsqlookupds(view);
    findings.nodes(view);
    for topic in &view.topics {
        findings.topic(topic);
    }
    for channel in &view.channels {
        findings.channel(channel);
        findings.failing_deliveries(channel, deliveries);
    }
    findings.leftovers(view);
    findings.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    /// Something that another page than that of its entity is about.
    fn add_with_link(
        &mut self,
        rule: &'static str,
        severity: Severity,
        entity: Entity,
        text: String,
        link: &str,
    ) {
        link.clone_into(&mut self.add(rule, severity, entity, text).link);
    }

    fn add(&mut self, rule: &'static str, severity: Severity, entity: Entity, text: String) -> &mut Finding {
        let link = entity.page();
        let at = self.0.len();
        self.0.push(Finding {
            rule,
            severity,
            entity,
            text,
            affected: 0,
            hold: AT_ONCE,
            link,
        });
        #[expect(clippy::indexing_slicing, reason = "it has just been put there")]
        &mut self.0[at]
    }

    fn nsqlookupds(&mut self, view: &View) {
        for nsqlookupd in &view.nsqlookupds {
            if let Some(error) = nsqlookupd.status.trouble(view.now) {
                let address = &nsqlookupd.address;
                let text = format!(
                    "nsqlookupd {address}: {}",
                    no_answer(view, &nsqlookupd.status, &error)
                );
                self.add("H-01", Severity::Crit, Entity::Nsqlookupd(address.clone()), text);
            }
        }
    }

    fn nodes(&mut self, view: &View) {
        let answering = view.nsqlookupds_ok.ok;
        let mut old: BTreeMap<&str, usize> = BTreeMap::new();
        for node in &view.nodes {
            let address = node.address();
            let entity = || Entity::Nsqd(address.clone());
            if let Some(error) = node.status.trouble(view.now) {
                let severity = if node.status.failures > 1 {
                    Severity::Crit
                } else {
                    Severity::Warn
                };
                let text = format!("nsqd {address}: {}", no_answer(view, &node.status, &error));
                self.add("H-02", severity, entity(), text).affected = backlog(node);
            } else if let Some(health) = unhealthy(node) {
                self.add(
                    "H-03",
                    Severity::Crit,
                    entity(),
                    format!("nsqd {address} reports: {health}"),
                );
            }
            let known = known_to(view, &address);
            if answering > 0 && known < answering {
                let text = format!("nsqd {address} is known to {known} of {answering} nsqlookupd");
                self.add("H-04", Severity::Warn, entity(), text);
            }
            if Version::parse(&node.info.version) < Version::parse(&view.newest) {
                *old.entry(&node.info.version).or_default() += 1;
            }
        }
        for (version, count) in old {
            let text = format!(
                "{count} of {} nsqd run {version}, the newest {}",
                view.nodes.len(),
                view.newest
            );
            self.add_with_link("H-05", Severity::Info, Entity::Cluster, text, "nodes");
        }
    }

    fn topic(&mut self, topic: &TopicRow) {
        let entity = || Entity::Topic(topic.topic.clone());
        let name = &topic.topic;
        if !topic.stranded.is_empty() {
            let waiting: i64 = topic.stranded.iter().map(|(_, depth)| depth).sum();
            let text = format!(
                "{name}: {} on {}, no channel there",
                waiting_messages(waiting),
                some_of(&topic.stranded)
            );
            self.add("H-06", Severity::Crit, entity(), text).affected = waiting;
        }
        if topic.paused != Paused::No {
            self.paused(entity(), name, topic.backlog, topic.trend, topic.paused);
        }
    }

    fn channel(&mut self, row: &ChannelRow) {
        let entity = || Entity::Channel(row.topic.clone(), row.channel.clone());
        let name = row.key();
        let waiting = row.depth;
        let is_growing = row.trend.is_some_and(|trend| trend > 0.1);
        let trend = signed_rate(row.trend);
        if row.paused != Paused::No {
            self.paused(entity(), &name, waiting, row.trend, row.paused);
        } else if waiting > 0 && row.consumers == 0 {
            let text = format!("{name}: {} waiting, nobody connected", thousands(waiting));
            self.add("H-07", Severity::Crit, entity(), text).affected = waiting;
        } else if waiting > 0 && row.out_rate.is_some_and(|out| out == 0.0) {
            let text = format!("{name}: {} waiting, nothing leaves the queue", thousands(waiting));
            let finding = self.add("H-08", Severity::Crit, entity(), text);
            (finding.affected, finding.hold) = (waiting, MINUTE);
        }
        // That a queue grows which nobody reads is no news.
        if waiting > BACKLOG_MIN && is_growing && row.paused == Paused::No && row.consumers > 0 {
            let text = format!("{name}: {} waiting, {trend}", thousands(waiting));
            let finding = self.add("H-09", Severity::Warn, entity(), text);
            (finding.affected, finding.hold) = (waiting, MINUTES_5);
        }
        if row.disk_depth > 0 && is_growing {
            let text = format!("{name}: {} on disk, {trend}", thousands(row.disk_depth));
            let finding = self.add("H-10", Severity::Warn, entity(), text);
            (finding.affected, finding.hold) = (row.disk_depth, MINUTES_5);
        }
        if waiting > 0 && row.saturation().is_some_and(|share| share >= 0.95) {
            let rdy = row.rdy.unwrap_or(0);
            let text = format!("{name}: consumers saturated ({} of {rdy})", row.in_flight);
            let finding = self.add("H-11", Severity::Warn, entity(), text);
            (finding.affected, finding.hold) = (waiting, MINUTE);
            finding.link.push_str("?tab=clients");
        }
        self.coverage(row, entity(), &name);
        if waiting > 0 && row.consumers > 0 && row.idle_consumers * 2 >= row.consumers {
            let text = format!(
                "{name}: {} of {} consumers take nothing (back-off)",
                row.idle_consumers, row.consumers
            );
            let finding = self.add("H-16", Severity::Warn, entity(), text);
            finding.affected = waiting;
            finding.link.push_str("?tab=clients");
        }
    }

    /// A channel that is not everywhere, or whose consumers are not.
    fn coverage(&mut self, row: &ChannelRow, entity: Entity, name: &str) {
        let is_missing = !row.missing_on.is_empty() && !crate::snapshot::is_ephemeral(&row.channel);
        let is_unserved = !row.unserved.is_empty() && row.paused == Paused::No;
        let mut texts = Vec::new();
        if is_missing {
            texts.push(format!("{name} is missing on {}", row.missing_on.join(", ")));
        }
        let waiting: i64 = row.unserved.iter().map(|(_, depth)| depth).sum();
        if is_unserved {
            let text = format!(
                "{name}: {} on {}, no consumer is connected there",
                waiting_messages(waiting),
                some_of(&row.unserved)
            );
            texts.push(text);
        }
        if texts.is_empty() {
            return;
        }
        let finding = self.add("H-15", Severity::Warn, entity, texts.join("; "));
        if is_unserved {
            finding.affected = waiting;
            finding.link.push_str("?tab=clients");
        }
        if !is_missing {
            // Consumers find a new channel on a node within a minute.
            finding.hold = MINUTE;
        }
    }

    fn failing_deliveries(&mut self, row: &ChannelRow, deliveries: &Deliveries) {
        let name = row.key();
        let Some(failing) = deliveries.failing(&name) else {
            return;
        };
        let entity = || Entity::Channel(row.topic.clone(), row.channel.clone());
        let (timeouts, requeues) = (failing.timeouts_percent(), failing.requeues_percent());
        let within = failing.minutes();
        if timeouts > 1.0 {
            let severity = if timeouts > 10.0 {
                Severity::Crit
            } else {
                Severity::Warn
            };
            let count = failing.timed_out.round();
            let text = format!("{name}: {timeouts:.0} % of deliveries time out ({count} in {within} min)");
            self.add("H-12", severity, entity(), text);
        }
        if requeues > 5.0 {
            let count = failing.requeued.round();
            let text =
                format!("{name}: {requeues:.0} % of deliveries are requeued ({count} in {within} min)");
            self.add("H-13", Severity::Warn, entity(), text);
        }
    }

    fn paused(&mut self, entity: Entity, name: &str, waiting: i64, trend: Option<f64>, paused: Paused) {
        let is_growing = trend.is_some_and(|trend| trend > 0.1);
        let severity = if is_growing {
            Severity::Warn
        } else {
            Severity::Info
        };
        let place = if paused == Paused::Some {
            " on some nodes"
        } else {
            ""
        };
        let growing = if is_growing {
            format!(", {}", signed_rate(trend))
        } else {
            String::new()
        };
        let text = format!("{name} is paused{place}: {} waiting{growing}", thousands(waiting));
        self.add("H-14", severity, entity, text).affected = waiting;
    }

    fn leftovers(&mut self, view: &View) {
        for tombstone in &view.tombstones {
            let text = format!("{} is tombstoned on {}", tombstone.topic, tombstone.node);
            let entity = Entity::Topic(tombstone.topic.clone());
            self.add_with_link("H-17", Severity::Info, entity, text, "lookup");
        }
        let inactive = view.inactive.len();
        if inactive > 0 {
            let names: Vec<_> = view.inactive.iter().map(|it| it.topic.as_str()).take(3).collect();
            let topics = if inactive == 1 { "topic is" } else { "topics are" };
            let text = format!(
                "{inactive} {topics} registered and on no nsqd: {}",
                names.join(", ")
            );
            self.add_with_link("H-18", Severity::Info, Entity::Cluster, text, "lookup");
        }
    }
}

fn no_answer(view: &View, status: &crate::snapshot::Status, error: &str) -> String {
    let since_ms = status
        .trouble_since_ms(view.now, view.at_ms)
        .unwrap_or(view.at_ms);
    let seconds = (view.at_ms - since_ms).max(0) / 1000;
    if error.starts_with("no answer") {
        format!("no answer for {seconds} s")
    } else {
        format!("no answer for {seconds} s ({error})")
    }
}

fn unhealthy(node: &Node) -> Option<String> {
    let health = &node.current.as_ref()?.stats.health;
    let is_fine = health.is_empty() || health == "OK";
    (!is_fine).then(|| health.strip_prefix("NOK - ").unwrap_or(health).to_owned())
}

fn backlog(node: &Node) -> i64 {
    let topics = node.current.iter().flat_map(|sample| &sample.stats.topics);
    topics
        .map(|topic| topic.depth + topic.channels.iter().map(|channel| channel.depth).sum::<i64>())
        .sum()
}

fn known_to(view: &View, address: &str) -> usize {
    let answering = view
        .nsqlookupds
        .iter()
        .filter(|it| it.status.trouble(view.now).is_none());
    answering
        .filter(|it| it.nodes.iter().any(|node| node.http_address() == address))
        .count()
}

/// The first few of some nodes, and how many more there are.
fn some_of(nodes: &[(String, i64)]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<_> = nodes.iter().map(|(node, _)| node.as_str()).take(SHOWN).collect();
    let shown = shown.join(", ");
    match nodes.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn waiting_messages(count: i64) -> String {
    let what = if count == 1 {
        "message waits"
    } else {
        "messages wait"
    };
    format!("{} {what}", thousands(count))
}

fn signed_rate(rate: Option<f64>) -> String {
    let rate = rate.unwrap_or(0.0);
    if rate.abs() < 10.0 {
        format!("{rate:+.1}/s")
    } else {
        format!("{rate:+.0}/s")
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number < 0 {
        format!("-{grouped}")
    } else {
        grouped
    }
}
