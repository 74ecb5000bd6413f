//! Fakes and scripted peers for tests.
//!
//! A dev-dependency only: nothing here may be reached from a program. What it offers never depends on the code it
//! tests more than it must, so that one mistake cannot cancel out another.
//!
//! - [`docs`]: parts of documents that are written from code.
//! - [`peer`]: raw V2 and V1 peers that assert bytes.
//! - [`storage`]: files in memory, with faults and the images that a crash would leave.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "this crate exists to fail tests, and a panic is how a test fails"
)]

pub mod docs;
pub mod peer;
pub mod storage;
