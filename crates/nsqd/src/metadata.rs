//! `nsqd.dat`: the topics and channels that outlive the process.
//!
//! Compact JSON without a final newline, fields in this order, `null` where there are none:
//!
//! ```json
//! {"topics":[{"name":"d","paused":false,"channels":[{"name":"c","paused":false}]},{"name":"e","paused":true,"channels":null}],"version":"1.3.0"}
//! ```
//!
//! Messages and counters are not in it. When it is written, and what happens when that fails, is up to
//! the daemon; reading and writing block and belong on a thread where that may be.

mod error;
mod read;
mod write;

pub use error::MetadataError;
pub use read::{Loaded, Skipped};

use std::path::{Path, PathBuf};

use nsq_protocol::name::{ChannelName, TopicName};

/// The name of the file in the data directory.
const FILE_NAME: &str = "nsqd.dat";

/// All topics, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The topics. A file may name one twice, which means the same topic.
    pub topics: Vec<TopicMeta>,
}

/// A topic as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicMeta {
    /// Its name.
    pub name: TopicName,
    /// Whether it passes no messages on to its channels.
    pub paused: bool,
    /// Its channels, in any order.
    pub channels: Vec<ChannelMeta>,
}

/// A channel as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelMeta {
    /// Its name.
    pub name: ChannelName,
    /// Whether it passes no messages on to its consumers.
    pub paused: bool,
}

/// Where the metadata of `data_path` is kept.
pub fn file_path(data_path: &Path) -> PathBuf {
    data_path.join(FILE_NAME)
}

#[cfg(test)]
mod tests;
