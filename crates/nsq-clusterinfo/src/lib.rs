//! Questions put to a whole cluster over HTTP, answers merged.
//!
//! A [`Cluster`] asks nsqlookupds and nsqds, all at once, each within the deadline of its [`Asker`]. That some of
//! them do not answer is data: what the others said comes as [`Partial`], beside the [`QueryError`]s. Only when
//! nobody answers is it a failure, [`NobodyAnswered`].
//!
//! [`wire`] has what they answer, read leniently: what a strange version leaves out is empty. [`merge`] makes one
//! topic out of those of several nodes, in the JSON shapes that nsqadmin answers with.
//!
//! When to ask, how often, and what to remember is left to the callers.
//!
//! Upstream: internal/clusterinfo.

mod change;
mod error;
pub mod merge;
mod query;
mod url;
mod version;
pub mod wire;

pub use error::{NobodyAnswered, Partial, QueryError};
pub use query::{Asker, Cluster, Scope};
pub use url::{escape, escape_bytes};
pub use version::Version;
