//! How things were: in memory, in three resolutions, below a hard limit.
//!
//! Each topic, channel and node, and the cluster as a whole, is an entity with a few metrics. A point of all of them is
//! taken at each look at the cluster; points of a minute and of ten minutes are averages of those, with the largest
//! depth beside. What does not change costs next to nothing.
//!
//! When there is no room, the oldest points of the coarsest resolution go first, of what has been quiet for the longest
//! time. Entities for which there is no room at all are left out, and counted.

mod chunk;
mod entity;
mod read;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use read::SeriesRequest;
pub(crate) use store::History;
