//! `meta`: what does not change from one look to the next.

use std::sync::Arc;
use std::time::Duration;

use nsq_app::VERSION;
use nsq_http::{Parts, Response, State};
use serde::Serialize;

use super::answer::enveloped;
use crate::caller::Caller;
use crate::daemon::Admin;
use crate::history::History;

/// How this nsqadmin is set up, and what the viewer may do.
#[derive(Serialize)]
pub(crate) struct Meta<'a> {
    version: &'static str,
    mode: &'static str,
    nsqlookupds: Vec<String>,
    nsqds: &'a [String],
    user: &'a str,
    is_admin: bool,
    acl_http_header: &'a str,
    can: Can,
    tail_access: &'static str,
    publish_access: &'static str,
    stats_interval_ms: u64,
    watch_interval_ms: u64,
    /// Only in the answer of `meta`: it changes all the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<HistoryMeta>,
    /// Ascending, those that some nsqd reports.
    percentiles: Vec<f64>,
    graphite: Graphite,
    statsd: Statsd<'a>,
    external_links: Vec<ExternalLink<'a>>,
}

#[derive(Serialize)]
struct Can {
    act: bool,
    tail: bool,
    publish: bool,
}

#[derive(Serialize)]
struct HistoryMeta {
    bytes: usize,
    bytes_max: usize,
    series: usize,
    /// Entities for which there is no room.
    dropped: usize,
    tiers: Vec<TierMeta>,
}

#[derive(Serialize)]
struct TierMeta {
    step_ms: i64,
    span_ms: i64,
}

#[derive(Serialize)]
struct Graphite {
    mode: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Statsd<'a> {
    prefix: &'a str,
    counter_format: &'a str,
    gauge_format: &'a str,
    interval_s: u64,
}

#[derive(Serialize)]
struct ExternalLink<'a> {
    label: &'a str,
    url: &'a str,
}

impl<'a> Meta<'a> {
    /// All but the state of the history, so that it stays the same while nobody changes anything.
    pub(crate) fn of(admin: &'a Admin, caller: Caller<'a>) -> Self {
        let options = &admin.options;
        let raw = options.raw();
        let nsqlookupds = admin.nsqlookupds();
        let graphite = match &options.graphite {
            None => ("off", String::new()),
            Some(_) if options.proxy_graphite => ("proxy", String::new()),
            Some(graphite) => ("direct", graphite.join("")),
        };
        Self {
            version: VERSION,
            mode: if nsqlookupds.is_empty() { "nsqd" } else { "lookupd" },
            nsqlookupds: nsqlookupds.to_vec(),
            nsqds: admin.nsqds(),
            user: admin.user(caller),
            is_admin: admin.is_admin(caller),
            acl_http_header: &options.acl_http_header,
            can: Can {
                act: admin.is_admin(caller),
                tail: admin.may(caller, options.tail_access),
                publish: admin.may(caller, options.publish_access),
            },
            tail_access: options.tail_access.word(),
            publish_access: options.publish_access.word(),
            stats_interval_ms: options.stats_interval.map_or(0, millis),
            watch_interval_ms: 2000,
            history: None,
            percentiles: admin.collector.view().quantiles.clone(),
            graphite: Graphite {
                mode: graphite.0,
                url: graphite.1,
            },
            statsd: Statsd {
                prefix: &raw.statsd_prefix,
                counter_format: &raw.statsd_counter_format,
                gauge_format: &raw.statsd_gauge_format,
                interval_s: options.statsd_interval.as_secs(),
            },
            external_links: options
                .external_links
                .iter()
                .map(|(label, url)| ExternalLink { label, url })
                .collect(),
        }
    }
}

impl HistoryMeta {
    fn of(history: &History) -> Self {
        let tiers = history.tiers().iter().map(|tier| TierMeta {
            step_ms: tier.step_ms,
            span_ms: tier.span_ms,
        });
        Self {
            bytes: history.bytes(),
            bytes_max: history.bytes_max(),
            series: history.len(),
            dropped: history.dropped(),
            tiers: tiers.collect(),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) async fn get(State(admin): State<Arc<Admin>>, parts: Parts) -> Response {
    let view = admin.collector.watch(false).await;
    let meta = Meta {
        history: Some(admin.collector.with_history(HistoryMeta::of)),
        ..Meta::of(&admin, Caller(&parts))
    };
    enveloped(&view, meta)
}
