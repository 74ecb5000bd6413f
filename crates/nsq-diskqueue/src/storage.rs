//! The part of a file system that a queue needs, so that tests can provide another.

mod fs;
mod read_only;

pub use fs::FsStorage;
pub use read_only::ReadOnly;

use std::path::Path;
use std::{fmt, io};

/// The part of a file system that a queue needs. Shared by all queues.
pub trait Storage: fmt::Debug + Send + Sync {
    /// Opens a file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageFile>>;

    /// The length of a file in bytes; [`io::ErrorKind::NotFound`] if it does not exist.
    fn len(&self, path: &Path) -> io::Result<u64>;

    /// Gives a file another name, replacing what has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names, valid as UTF-8, of all files of a directory that begin with `prefix`, in any order.
    fn list(&self, directory: &Path, prefix: &str) -> io::Result<Vec<String>>;

    /// Returns when the creations, renames and removals in a directory survive a power loss.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;

    /// Bytes that may still be written to a directory.
    fn free_bytes(&self, directory: &Path) -> io::Result<u64>;
}

/// An open file. Calls may be short, as those of the operating system, and may fail with
/// [`io::ErrorKind::Interrupted`] without having done anything.
pub trait StorageFile: fmt::Debug + Send + Sync {
    /// Appends at most `len` bytes to `buffer`, from `offset` on; 0 at the end of the file.
    fn read_at(&self, buffer: &mut Vec<u8>, len: usize, offset: u64) -> io::Result<usize>;

    /// Writes a part of `bytes` from its start to `offset`, and says how many bytes.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Cuts the file, or extends it by zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Returns when what was written survives a power loss. If it fails, what was written since the last success
    /// may be lost even if a later call succeeds.
    fn sync(&self) -> io::Result<()>;
}

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, to read.
    Read,
    /// To read and write, with its content; created if missing.
    Write,
    /// To write, without its content; created if missing.
    Replace,
    /// To write; fails with [`io::ErrorKind::AlreadyExists`] if it is there.
    Create,
}

/// Appends the `len` bytes at `offset` to `buffer`; fewer only at the end of the file.
pub(crate) fn read_fully(
    file: &dyn StorageFile,
    buffer: &mut Vec<u8>,
    len: usize,
    offset: u64,
) -> io::Result<usize> {
    let mut done = 0;
    while done < len {
        match file.read_at(buffer, len - done, offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Writes all of `bytes` to `offset`. On failure, says how many of them are written.
pub(crate) fn write_fully(
    file: &dyn StorageFile,
    bytes: &[u8],
    offset: u64,
) -> Result<(), (usize, io::Error)> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match file.write_at(rest, offset + done as u64) {
            Ok(0) => return Err((done, io::ErrorKind::WriteZero.into())),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((done, error)),
        }
    }
    Ok(())
}
