//! Figures for people and for programs.

mod json;
mod summary;
mod table;

pub(crate) use json::Report;
pub(crate) use table::table;
