//! What is wrong with a cluster.
//!
//! [`judge`] says what looks wrong in one [`View`](crate::snapshot::View); of the past it knows the [`Deliveries`] of the
//! last minutes. [`Health`] makes problems of what keeps looking wrong: for as long as its rule wants, and in at least
//! two looks, so that a single hiccup raises nothing. A problem stays until three looks have not found it.

mod deliveries;
mod rules;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use deliveries::Deliveries;
pub(crate) use rules::{Entity, Finding, judge};
pub(crate) use watch::{Health, Problem};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Worth knowing.
    Info,
    /// Somebody should look at it.
    Warn,
    /// Messages are stuck or in danger.
    Crit,
}

impl Severity {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Crit => "crit",
        }
    }
}
