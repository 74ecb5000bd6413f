//! Why an operation on a queue failed.

use crate::Appended;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Why an operation failed. The queue is as usable as before.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused; trying again later may succeed. No position has moved beyond what is in the
    /// files, and nothing has been given up.
    Io {
        /// What was tried.
        action: Action,
        /// On which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A record is shorter or longer than the queue allows; nothing was written.
    RecordLen {
        /// Length of the record, in bytes.
        len: u32,
        /// [`Options::record_len_min`](crate::Options::record_len_min)
        min: u32,
        /// [`Options::record_len_max`](crate::Options::record_len_max)
        max: u32,
    },
}

impl Error {
    pub(crate) fn io(action: Action, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// What was tried, and on which file, if the operating system refused.
    pub fn io_action(&self) -> Option<(Action, &Path)> {
        match self {
            Self::Io { action, path, .. } => Some((*action, path)),
            Self::RecordLen { .. } => None,
        }
    }

    /// The kind of refusal, if the operating system refused.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            Self::RecordLen { .. } => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, source } => {
                write!(f, "{action} {}: {}", path.display(), system_text(source))
            }
            Self::RecordLen { len, min, max } => {
                write!(
                    f,
                    "invalid message write size ({len}) minMsgSize={min} maxMsgSize={max}"
                )
            }
        }
    }
}

/// The text of a system error as Go prints it: in lower case, without the number that Rust appends.
pub(crate) fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text
        .split_once(" (os error")
        .map_or(text.as_str(), |(text, _)| text);
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::RecordLen { .. } => None,
        }
    }
}

/// What was tried on a file when the operating system refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Opening, creating or asking for the size.
    Open,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Forcing to the disk: what was written since the last sync may not survive a power loss.
    Sync,
    /// Replacing by another file.
    Rename,
    /// Removing.
    Remove,
    /// Listing the directory.
    List,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::List => "list",
        })
    }
}

/// Why [`DiskQueue::append`](crate::DiskQueue::append) failed, and how far it came.
#[derive(Debug)]
pub struct AppendError {
    /// So many records, from the start of the batch, are in the queue: append only the others again. All of them
    /// if only the sync that was due failed.
    pub written: usize,
    /// Which of them were handed out, if that was asked for.
    pub appended: Appended,
    /// The cause.
    pub source: Error,
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl std::error::Error for AppendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.source)
    }
}
