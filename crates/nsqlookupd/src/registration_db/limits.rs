//! How much may be registered.

use std::fmt;

/// The bounds of a database. Upstream has none: whoever can connect can fill its memory with names.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Topics and channels together. Each takes a few hundred bytes and mostly stays until it is deleted.
    pub names_max: usize,
    /// Topics and channels that one producer may have, so that one that has lost count leaves room for others.
    pub registrations_max: usize,
    /// Topics and channels of all producers together, each counted for every producer that has it.
    pub total_registrations_max: usize,
}

impl Default for Limits {
    /// Far beyond what real clusters have; all of it filled takes less than 2 GiB.
    fn default() -> Self {
        Self {
            names_max: 1 << 20,
            registrations_max: 1 << 18,
            total_registrations_max: 1 << 25,
        }
    }
}

/// A limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Full {
    /// [`Limits::names_max`].
    Names,
    /// [`Limits::registrations_max`].
    Registrations,
    /// [`Limits::total_registrations_max`].
    TotalRegistrations,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Names => "too many topics and channels",
            Self::Registrations => "too many registrations of this producer",
            Self::TotalRegistrations => "too many registrations",
        })
    }
}

impl std::error::Error for Full {}
