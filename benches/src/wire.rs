//! The NSQ wire as a load generator sees it: requests rendered once and stamped in place, answers parsed without
//! copying.
//!
//! This is deliberately not `nsq-protocol`: a measuring instrument that shared the measured code would share its
//! mistakes, and the generator may take short cuts (fixed shapes, one reused buffer) that a daemon may not.

pub(crate) mod answers;
pub(crate) mod body;
pub(crate) mod chunk;
pub(crate) mod command;
pub(crate) mod frame;
pub(crate) mod response;
