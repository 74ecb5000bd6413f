//! Places between records.

use std::fmt;

/// A place in the sequence of data files: just before the record that starts there.
///
/// Positions are ordered as the records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// Number of the data file.
    pub file: u64,
    /// Bytes from the start of that file.
    pub offset: u64,
}

impl fmt::Display for Position {
    /// As in the metadata file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.file, self.offset)
    }
}

impl Position {
    /// The start of data file `file`.
    pub fn start_of(file: u64) -> Self {
        Self { file, offset: 0 }
    }
}
