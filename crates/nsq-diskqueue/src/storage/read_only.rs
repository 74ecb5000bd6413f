//! Looking at files without changing any.

use super::{OpenMode, Storage, StorageFile};
use std::io;
use std::path::Path;

/// Another storage that cannot be changed: what would write to it, rename or remove does nothing, and succeeds.
///
/// A queue on it is read to its end like any other, and leaves no trace.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOnly<S>(pub S);

impl<S: Storage> Storage for ReadOnly<S> {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        let file = match self.0.open(path, OpenMode::Read) {
            Ok(file) => Some(file),
            Err(error) if mode != OpenMode::Read && error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Box::new(ReadOnlyFile(file)))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        self.0.len(path)
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, directory: &Path, prefix: &str) -> io::Result<Vec<String>> {
        self.0.list(directory, prefix)
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn free_bytes(&self, directory: &Path) -> io::Result<u64> {
        self.0.free_bytes(directory)
    }
}

/// The file that is there, if there is one.
#[derive(Debug)]
struct ReadOnlyFile(Option<Box<dyn StorageFile>>);

impl StorageFile for ReadOnlyFile {
    fn read_at(&self, buffer: &mut Vec<u8>, len: usize, offset: u64) -> io::Result<usize> {
        self.0
            .as_ref()
            .map_or(Ok(0), |file| file.read_at(buffer, len, offset))
    }

    fn write_at(&self, bytes: &[u8], _: u64) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn len(&self) -> io::Result<u64> {
        self.0.as_ref().map_or(Ok(0), |file| file.len())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
