//! `/debug`: everything there is.

use nsq_http::{Response, State, write_json};
use serde::Serialize;

use super::Daemon;
use super::pages::{Items, paged};
use crate::Producer;
use crate::registration_db::{Entry, Registration};

/// A producer in one of its registrations.
#[derive(Serialize)]
struct Shown<'p> {
    broadcast_address: &'p str,
    hostname: &'p str,
    http_port: i64,
    id: &'p str,
    last_update: i64,
    tcp_port: i64,
    tombstoned: bool,
    tombstoned_at: i64,
    topology_region: &'p str,
    topology_zone: &'p str,
    version: &'p str,
}

impl<'p> Shown<'p> {
    /// # Differs from upstream
    /// A producer without a tombstone has had one at 0; there, that is a negative number of no meaning.
    fn new(producer: &'p Producer, tombstone_ns: Option<i64>) -> Self {
        let info = producer.info();
        Self {
            broadcast_address: &info.broadcast_address,
            hostname: &info.hostname,
            http_port: info.http_port,
            id: producer.remote_address(),
            last_update: producer.last_update_ns(),
            tcp_port: info.tcp_port,
            tombstoned: tombstone_ns.is_some(),
            tombstoned_at: tombstone_ns.unwrap_or(0),
            topology_region: &info.topology_region,
            topology_zone: &info.topology_zone,
            version: &info.version,
        }
    }
}

/// Everything that has producers, with all of them: a member for each registration, called
/// `category:key:subkey`.
pub(super) async fn debug(State(lookupd): Daemon) -> Response {
    let mut after = None;
    paged(Items::after("{"), "}", move |items| {
        let page = lookupd.db.registrations(after.as_ref());
        for entry in &page.items {
            items.push(|json| put_entry(json, entry));
        }
        after = page.next;
        after.is_some()
    })
}

fn put_entry(json: &mut Vec<u8>, entry: &Entry) {
    // Names have nothing to escape.
    let key = match &entry.registration {
        Registration::Channel(topic, channel) => format!("\"channel:{topic}:{channel}\":["),
        Registration::Client => "\"client::\":[".to_owned(),
        Registration::Topic(topic) => format!("\"topic:{topic}:\":["),
    };
    let mut producers = Items::after(key);
    for (producer, tombstone_ns) in &entry.producers {
        producers.push(|json| {
            // Text and integers always have a JSON form, and memory takes it.
            let _ = write_json(json, &Shown::new(producer, *tombstone_ns));
        });
    }
    json.extend(producers.close("]"));
}
