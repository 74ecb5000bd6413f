//! JSON as Go reads and writes it.
//!
//! Peers rely on both directions: on what Go's decoder lets pass (field names in any case, duplicates, `null`
//! for "absent", bytes that are not UTF-8) and on what its encoder escapes.
//!
//! Upstream: Go's encoding/json.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::read_object;
pub use write::to_vec;
pub(crate) use write::to_vec_of_plain_fields;
