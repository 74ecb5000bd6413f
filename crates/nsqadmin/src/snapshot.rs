//! What the cluster was doing when it was last looked at.
//!
//! A [`Node`] and a [`Nsqlookupd`] hold what each process said last, and whether it still answers. A [`View`] is made of
//! all of them: the rows that pages show, added up over nodes, with rates. Making one asks nobody.

mod find;
mod node;
mod nsqlookupd;
mod rates;
mod rows;
mod status;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use find::{find_channel, find_topic, is_ephemeral};
pub(crate) use node::{Node, Sample};
pub(crate) use nsqlookupd::{Inactive, Nsqlookupd, Tombstone};
pub(crate) use rates::{ChannelRates, TopicRates, client_rate};
pub(crate) use rows::{ChannelRow, Paused, TopicRow};
pub(crate) use status::Status;
pub(crate) use view::{Counts, Removed, Source, View, ViewInput};
