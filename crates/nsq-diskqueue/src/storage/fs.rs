//! The file system of the operating system.

use super::{OpenMode, Storage, StorageFile};
use rustix::buffer::spare_capacity;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Upstream creates all files with this mode, before the umask.
const FILE_MODE: u32 = 0o600;

/// The file system of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct FsStorage;

impl Storage for FsStorage {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        let mut options = OpenOptions::new();
        options.mode(FILE_MODE);
        match mode {
            OpenMode::Read => options.read(true),
            OpenMode::Write => options.read(true).write(true).create(true).truncate(false),
            OpenMode::Replace => options.write(true).create(true).truncate(true),
            OpenMode::Create => options.write(true).create_new(true),
        };
        let file = options.open(path)?;
        if mode == OpenMode::Read {
            refuse_directory(&file.metadata()?)?;
        }
        Ok(Box::new(FsFile(file)))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        let metadata = fs::metadata(path)?;
        refuse_directory(&metadata)?;
        Ok(metadata.len())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, directory: &Path, prefix: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(or_here(directory))? {
            names.extend(
                entry?
                    .file_name()
                    .into_string()
                    .ok()
                    .filter(|name| name.starts_with(prefix)),
            );
        }
        Ok(names)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        File::open(or_here(directory))?.sync_all()
    }

    fn free_bytes(&self, directory: &Path) -> io::Result<u64> {
        let space = rustix::fs::statvfs(or_here(directory))?;
        // What is reserved for the super-user is not free for a daemon.
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}

/// A directory that has the name of a data file holds no records: to a reader, the file is not there.
fn refuse_directory(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_dir() {
        Err(io::ErrorKind::NotFound.into())
    } else {
        Ok(())
    }
}

/// An empty path means the working directory when names are joined to it, but cannot be opened.
fn or_here(directory: &Path) -> &Path {
    if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    }
}

#[derive(Debug)]
struct FsFile(File);

impl StorageFile for FsFile {
    fn read_at(&self, buffer: &mut Vec<u8>, len: usize, offset: u64) -> io::Result<usize> {
        let before = buffer.len();
        buffer.reserve_exact(len);
        rustix::io::pread(&self.0, spare_capacity(buffer), offset)?;
        // The allocator may have given more room than was asked for.
        buffer.truncate(before + len);
        Ok(buffer.len() - before)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        // The length of the file counts as data here: it is needed to read the data back.
        self.0.sync_data()
    }
}
