//! What an OK to a publisher promises.

use std::fmt;
use std::str::FromStr;

/// What has to be true of a message before its publisher is told that it was accepted.
///
/// What each level keeps, whatever happens, is listed in `docs/durability.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// It has a place in memory, or was written if that is full: as upstream.
    #[default]
    Go,
    /// It was written to files: it survives the end of the process, however that comes.
    Disk,
    /// The files were synced, too: it survives a power loss.
    Fsync,
}

impl Durability {
    /// Whether every message is written before it is accepted.
    pub(crate) fn writes(self) -> bool {
        self >= Self::Disk
    }

    /// Whether what is written is synced before it is accepted.
    pub(crate) fn syncs(self) -> bool {
        self == Self::Fsync
    }
}

/// A word that is not a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownDurability;

impl fmt::Display for UnknownDurability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be one of: go, disk, fsync")
    }
}

impl std::error::Error for UnknownDurability {}

impl FromStr for Durability {
    type Err = UnknownDurability;

    fn from_str(word: &str) -> Result<Self, UnknownDurability> {
        match word {
            "go" => Ok(Self::Go),
            "disk" => Ok(Self::Disk),
            "fsync" => Ok(Self::Fsync),
            _ => Err(UnknownDurability),
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Go => "go",
            Self::Disk => "disk",
            Self::Fsync => "fsync",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_is_read_as_it_is_written() {
        for level in [Durability::Go, Durability::Disk, Durability::Fsync] {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        for word in ["", "Go", "sync", "fsync "] {
            assert_eq!(word.parse::<Durability>(), Err(UnknownDurability), "{word:?}");
        }
    }
}
