//! Keeping damaged parts of data files for an operator.

use super::DiskQueue;
use crate::storage::{OpenMode, StorageFile, read_fully, write_fully};
use std::io;
use std::path::{Path, PathBuf};

/// Bytes copied at once.
const COPY_LEN: usize = 256 * 1024;

impl DiskQueue {
    /// Copies the damaged part `from..to` of data file `number` to a file of its own, and says which. `None` if
    /// that is not possible now.
    ///
    /// Never touches an existing file. A part that was saved before, in a run that ended before its sync, is
    /// recognised.
    pub(super) fn save_damage(
        &self,
        file: &dyn StorageFile,
        number: u64,
        from: u64,
        to: u64,
    ) -> Option<PathBuf> {
        for offset in [None, Some(from)] {
            let path = self.names.quarantine(number, offset);
            match self.copy_to_new(file, &path, from, to) {
                Ok(()) => return Some(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if self.is_copy(file, &path, from, to).unwrap_or(false) {
                        return Some(path);
                    }
                }
                Err(_) => return None,
            }
        }
        None
    }

    fn copy_to_new(&self, file: &dyn StorageFile, path: &Path, from: u64, to: u64) -> io::Result<()> {
        let copy = self.storage.open(path, OpenMode::Create)?;
        let copied = || {
            each_part(file, from, to, |offset, part| {
                write_fully(copy.as_ref(), part, offset - from).map_err(|(_, error)| error)?;
                Ok(true)
            })?;
            copy.sync()
        };
        copied().inspect_err(|_| {
            // Half a copy would look like a whole one. If it cannot be removed, nothing refers to it.
            let _ = self.storage.remove(path);
        })
    }

    fn is_copy(&self, file: &dyn StorageFile, path: &Path, from: u64, to: u64) -> io::Result<bool> {
        if self.storage.len(path)? != to - from {
            return Ok(false);
        }
        let copy = self.storage.open(path, OpenMode::Read)?;
        each_part(file, from, to, |offset, part| {
            let mut other = Vec::with_capacity(part.len());
            read_fully(copy.as_ref(), &mut other, part.len(), offset - from)?;
            Ok(other == part)
        })
    }
}

/// Calls `visit` with the offset and bytes of each part of `from..to`, while it returns true; says whether it
/// always did.
fn each_part(
    file: &dyn StorageFile,
    from: u64,
    to: u64,
    mut visit: impl FnMut(u64, &[u8]) -> io::Result<bool>,
) -> io::Result<bool> {
    let mut part = Vec::with_capacity(COPY_LEN);
    let mut offset = from;
    while offset < to {
        part.clear();
        let len = usize::try_from(to - offset).map_or(COPY_LEN, |left| left.min(COPY_LEN));
        let count = read_fully(file, &mut part, len, offset)?;
        if count == 0 {
            break;
        }
        if !visit(offset, &part)? {
            return Ok(false);
        }
        offset += count as u64;
    }
    Ok(true)
}
