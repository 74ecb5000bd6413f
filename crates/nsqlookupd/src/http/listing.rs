//! `/lookup`, `/topics`, `/channels` and `/nodes`: who has what.

use nsq_http::{ApiError, Params, Response, State};

use super::pages::{Items, paged};
use super::{Daemon, topic_param};
use crate::registration_db::{Lookup, Node};

/// Producers on one page of `/lookup`.
const PRODUCERS_PER_PAGE: usize = 64;

/// Names on one page of `/channels`.
const NAMES_PER_PAGE: usize = 512;

pub(super) async fn lookup(State(lookupd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    let topic = topic_param(&params)?;
    let found = lookupd.db.lookup(&topic);
    let Lookup { channels, producers } = found.ok_or(ApiError::not_found("TOPIC_NOT_FOUND"))?;

    let mut names = Items::after(r#"{"channels":["#);
    for channel in &channels {
        names.push_name(channel);
    }
    let mut items = Items::after(names.close(r#"],"producers":["#));
    let lens = producers.iter().map(|producer| producer.json().len() + 1);
    items.reserve(lens.sum::<usize>() + 2);
    let mut producers = producers.into_iter();
    Ok(paged(items, "]}", move |items| {
        for producer in producers.by_ref().take(PRODUCERS_PER_PAGE) {
            items.push(|json| json.extend_from_slice(producer.json()));
        }
        producers.len() > 0
    }))
}

pub(super) async fn topics(State(lookupd): Daemon) -> Response {
    let mut after = None;
    paged(Items::after(r#"{"topics":["#), "]}", move |items| {
        let page = lookupd.db.topics(after.as_ref());
        for topic in &page.items {
            items.push_name(topic);
        }
        after = page.next;
        after.is_some()
    })
}

/// A topic that is not known has no channels, which is no error here.
pub(super) async fn channels(State(lookupd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    let topic = topic_param(&params)?;
    let mut channels = lookupd.db.channels(&topic).into_iter();
    Ok(paged(Items::after(r#"{"channels":["#), "]}", move |items| {
        for channel in channels.by_ref().take(NAMES_PER_PAGE) {
            items.push_name(&channel);
        }
        channels.len() > 0
    }))
}

pub(super) async fn nodes(State(lookupd): Daemon) -> Response {
    let mut after = None;
    paged(Items::after(r#"{"producers":["#), "]}", move |items| {
        let page = lookupd.db.nodes(after);
        for node in &page.items {
            items.push(|json| put_node(json, node));
        }
        after = page.next;
        after.is_some()
    })
}

/// Appends a producer as `/lookup` shows it, and two lists of equal length: one says of each topic in the other
/// whether the producer is tombstoned there.
fn put_node(json: &mut Vec<u8>, node: &Node) {
    let producer = node.producer.json();
    json.extend_from_slice(producer.strip_suffix(b"}").unwrap_or(producer));
    let mut tombstones = Items::after(r#","tombstones":["#);
    let mut topics = Items::after(r#"],"topics":["#);
    for (topic, is_tombstoned) in &node.topics {
        let is_tombstoned: &[u8] = if *is_tombstoned { b"true" } else { b"false" };
        tombstones.push(|json| json.extend_from_slice(is_tombstoned));
        topics.push_name(topic);
    }
    json.extend(tombstones.close(""));
    json.extend(topics.close("]}"));
}
