//! Topics and channels: where a message waits, who holds it, when it returns.
//!
//! A [`Topic`] takes messages in and hands each to all of its [`Channel`]s; a channel keeps them in memory,
//! and beyond that on disk, until a [`Subscription`] takes them. The crate decides and remembers; sockets,
//! protocol and process are left to the daemon, file formats to `nsq-diskqueue`.
//!
//! Nothing here waits for a disk except the threads of an [`IoPool`], nothing scans, and nothing ticks: a
//! channel has one deadline in [`Timers`], for the earliest thing to come, and consumers are woken one by
//! one, as many as there is work for.
//!
//! # Invariants
//!
//! - published = finished + queued + deferred + in flight, per channel, at every step;
//! - a message is in exactly one of those places; what moves it holds the locks of both;
//! - nobody holds more messages than its RDY at the moment of delivery;
//! - lock order: `Consumer::held`, topic state, channel state; files before either state, on I/O threads.

mod channel;
mod consumer;
mod core;
mod deferred;
mod distribution;
mod durability;
mod fifo;
mod files;
mod guid;
mod in_flight;
mod io;
mod message;
mod quantile;
mod queue;
mod stats;
mod subscription;
mod timer;
mod topic;
mod waiting;

/// Where the disk queues keep their files.
pub use nsq_diskqueue::{FsStorage, Storage};

pub use crate::channel::Channel;
pub use crate::consumer::{AnswerError, ClientId, ConsumerOptions, ConsumerSnapshot, Locality, Signal};
pub use crate::core::{Core, CoreOptions, Observer};
pub use crate::distribution::{Distribution, DistributionSnapshot};
pub use crate::durability::{Durability, UnknownDurability};
pub use crate::guid::{Guid, GuidFactory, NODE_ID_END};
pub use crate::io::{IoPool, SYNC_THREADS, io_threads};
pub use crate::message::Message;
pub use crate::queue::StorageError;
pub use crate::stats::{ChannelSnapshot, LatencySnapshot, TopicSnapshot};
pub use crate::subscription::{SubscribeError, Subscription};
pub use crate::timer::Timers;
pub use crate::topic::{Closing, PublishError, Receipt, Survey, Topic};
