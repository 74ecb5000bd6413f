//! One nsqd per data directory.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nsq_flags::text::os_error;
use rustix::fs::{FlockOperation, flock};

/// The exclusive use of a data directory, from [`acquire`](Self::acquire) until this is dropped or the
/// process ends.
///
/// It is a `flock` of the directory itself, as upstream has it, so that the two exclude each other; no
/// file is left behind. Upstream: internal/dirlock.
#[derive(Debug)]
pub struct DirLock {
    /// The lock goes with the descriptor.
    _directory: File,
}

impl DirLock {
    /// Locks `data_path`, or the working directory if it is empty. Does not wait.
    ///
    /// # Errors
    /// The directory does not exist or cannot be opened, or another process has it.
    pub fn acquire(data_path: &Path) -> Result<Self, DirLockError> {
        let path = if data_path.as_os_str().is_empty() {
            std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
        } else {
            data_path.to_owned()
        };
        let directory = match open_directory(&path) {
            Ok(directory) => directory,
            Err(source) => return Err(DirLockError::Open { path, source }),
        };
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self {
                _directory: directory,
            }),
            Err(errno) => Err(DirLockError::Lock {
                path,
                source: errno.into(),
            }),
        }
    }
}

/// Opens a directory and nothing else: upstream locks whatever the path leads to, and fails later.
fn open_directory(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_dir() {
        File::open(path)
    } else {
        Err(rustix::io::Errno::NOTDIR.into())
    }
}

/// Why a data directory could not be locked. Shows as upstream's text.
#[derive(Debug)]
#[non_exhaustive]
pub enum DirLockError {
    /// It does not exist, is no directory, or may not be read.
    Open {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is locked, or on a file system without locks.
    Lock {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for DirLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed to lock data-path: ")?;
        match self {
            Self::Open { path, source } => write!(f, "open {}: {}", path.display(), os_error(source)),
            Self::Lock { path, source } => write!(
                f,
                "cannot flock directory {} - {} (possibly in use by another instance of nsqd)",
                path.display(),
                os_error(source)
            ),
        }
    }
}

impl std::error::Error for DirLockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { source, .. } | Self::Lock { source, .. } => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        DirLock::acquire(path).unwrap_err().to_string()
    }

    #[test]
    fn a_directory_is_free_again_once_its_lock_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let lock = DirLock::acquire(directory.path()).unwrap();
        assert_eq!(
            refusal(directory.path()),
            format!(
                "failed to lock data-path: cannot flock directory {} - resource temporarily unavailable \
                 (possibly in use by another instance of nsqd)",
                directory.path().display()
            )
        );
        drop(lock);
        DirLock::acquire(directory.path()).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_does_not_exist_is_not_made() {
        assert_eq!(
            refusal(Path::new("/nonexistent-dir")),
            "failed to lock data-path: open /nonexistent-dir: no such file or directory"
        );
    }

    #[test]
    fn a_file_is_no_data_directory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(
            refusal(file.path()),
            format!(
                "failed to lock data-path: open {}: not a directory",
                file.path().display()
            )
        );
    }

    #[test]
    fn no_path_is_the_working_directory() {
        let lock = DirLock::acquire(Path::new("")).unwrap();
        let working_directory = std::env::current_dir().unwrap();
        assert!(refusal(&working_directory).contains("cannot flock directory"));
        drop(lock);
    }
}
