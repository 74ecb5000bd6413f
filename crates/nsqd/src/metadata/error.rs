//! Metadata that cannot be read or written.

use std::fmt;
use std::io;
use std::path::PathBuf;

use nsq_flags::text::os_error;

/// What went wrong with `nsqd.dat`. Shows as upstream's text, without the words
/// `failed to load metadata - ` or `failed to persist metadata - ` that the line starts with.
#[derive(Debug)]
#[non_exhaustive]
pub enum MetadataError {
    /// The file is there but cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What was being done: `open` or `read`.
        operation: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is damaged: it is not JSON, or not of this shape.
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        cause: String,
    },
    /// The file could not be replaced; the one before is still there.
    Write {
        /// The file being written or renamed, or the directory being synced.
        path: PathBuf,
        /// What was being done: `open`, `write`, `sync` or `rename`.
        operation: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read {
                path,
                operation,
                source,
            } => {
                let path = path.display();
                let cause = os_error(source);
                write!(
                    f,
                    "failed to read metadata from {path} - {operation} {path}: {cause}"
                )
            }
            Self::Parse { path, cause } => {
                write!(f, "failed to parse metadata in {} - {cause}", path.display())
            }
            Self::Write {
                path,
                operation,
                source,
            } => write!(f, "{operation} {}: {}", path.display(), os_error(source)),
        }
    }
}

impl std::error::Error for MetadataError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => Some(source),
            Self::Parse { .. } => None,
        }
    }
}
