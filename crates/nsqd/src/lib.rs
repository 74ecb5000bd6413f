//! The queue daemon around nsq-core.

pub mod dirlock;
pub mod metadata;
pub mod options;
pub mod stats;
