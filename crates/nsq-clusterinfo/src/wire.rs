//! What nsqlookupd and nsqd answer, read leniently: what is missing or `null` is empty.
//!
//! # Differs from upstream
//! A `null` where an object is expected, or a shorter list of tombstones than of topics, ends the process there.

mod lookupd;
mod nsqd;

pub use lookupd::{ChannelList, LookupAnswer, NodeEntry, NodeList, TopicList};
pub use nsqd::{Channel, Client, Info, Memory, NodeStats, Percentile, PubCount, QuantileLatency, Topic};

use serde::{Deserialize, Deserializer};

/// `null` is the empty value.
fn or_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
