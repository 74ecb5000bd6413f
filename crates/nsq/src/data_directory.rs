//! The directory that nsqd keeps its files in.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nsq_flags::text::os_error;
use nsqd::dirlock::{DirLock, DirLockError};

/// Makes the directory if there is none, and takes it for this process alone.
pub(crate) fn take(path: &Path) -> Result<DirLock, DataDirectoryError> {
    fs::create_dir_all(path).map_err(|source| DataDirectoryError::Make {
        path: path.to_owned(),
        source,
    })?;
    DirLock::acquire(path).map_err(DataDirectoryError::Lock)
}

/// Why the data directory cannot be used.
#[derive(Debug)]
pub(crate) enum DataDirectoryError {
    Make { path: PathBuf, source: io::Error },
    Lock(DirLockError),
}

impl fmt::Display for DataDirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Make { path, source } => {
                write!(
                    f,
                    "cannot make data directory {}: {}",
                    path.display(),
                    os_error(source)
                )
            }
            Self::Lock(error) => error.fmt(f),
        }?;
        f.write_str("; --data-path names another")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_not_there_is_made_with_those_above_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("share/nsq");
        let lock = take(&path).unwrap();
        assert!(path.is_dir());
        assert!(take(&path).unwrap_err().to_string().contains("cannot flock"));
        drop(lock);
        take(&path).unwrap();
    }

    #[test]
    fn what_cannot_be_made_is_named_with_the_way_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().join("nsq");
        assert_eq!(
            take(&path).unwrap_err().to_string(),
            format!(
                "cannot make data directory {}: not a directory; --data-path names another",
                path.display()
            )
        );
    }
}
