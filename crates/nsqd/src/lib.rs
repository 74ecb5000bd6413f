//! The queue daemon around nsq-core.

pub mod options;
