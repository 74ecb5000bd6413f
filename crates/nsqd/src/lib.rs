//! The queue daemon around nsq-core.
