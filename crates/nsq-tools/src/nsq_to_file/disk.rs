//! The file system, as far as files are archived on it; small, so that tests can make it fail.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// How a file that may exist is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// What is there stays, and more is written behind it.
    Append,
    /// It must not exist.
    Exclusive,
}

/// Where files are written.
pub(super) trait Disk: Send + 'static {
    /// An open file.
    type File: OpenFile + Send;

    /// Opens a file for writing, making the directories above it.
    fn open(&self, path: &Path, opening: Opening) -> io::Result<Self::File>;

    /// Whether there is something of this name.
    fn exists(&self, path: &Path) -> bool;

    /// Moves a finished file to where nothing is yet, making the directories above it.
    ///
    /// # Errors
    /// Also [`io::ErrorKind::AlreadyExists`]. The file is still where it was, or in both places.
    fn move_to_new(&self, from: &Path, to: &Path) -> io::Result<()>;
}

/// A file that is written from its end on.
pub(super) trait OpenFile {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has something in it that does not end with a newline.
    fn ends_within_a_line(&mut self) -> io::Result<bool>;

    /// Writes all of `bytes`.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what has been written survive a crash of the machine.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
}

/// The file system of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SystemDisk;

/// Permissions of new directories and files, before the umask. Upstream: `apps/nsq_to_file/file_logger.go`.
const DIRECTORY_MODE: u32 = 0o770;
const FILE_MODE: u32 = 0o666;

impl Disk for SystemDisk {
    type File = File;

    fn open(&self, path: &Path, opening: Opening) -> io::Result<File> {
        make_parent(path)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).mode(FILE_MODE);
        match opening {
            Opening::Append => options.create(true),
            Opening::Exclusive => options.create_new(true),
        };
        let file = options.open(path)?;
        sync_parent(path)?;
        Ok(file)
    }

    fn exists(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok()
    }

    fn move_to_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        make_parent(to)?;
        // Unlike a rename, a link replaces nothing.
        match fs::hard_link(from, to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_to_new(from, to)?,
            linked => linked?,
        }
        sync_parent(to)?;
        fs::remove_file(from)?;
        sync_parent(from)
    }
}

/// Copies to another file system, so that the copy appears under its name when it is complete.
fn copy_to_new(from: &Path, to: &Path) -> io::Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    let part = to.with_file_name(name);
    let copied = fs::copy(from, &part)
        .and_then(|_| File::open(&part)?.sync_all())
        .and_then(|()| fs::hard_link(&part, to));
    // A part that is left behind is seen by its name; the outcome of the copy matters more.
    let _ = fs::remove_file(&part);
    copied
}

fn make_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(parent),
        _ => Ok(()),
    }
}

/// Makes a name survive a crash of the machine.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

impl OpenFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn ends_within_a_line(&mut self) -> io::Result<bool> {
        if OpenFile::len(self)? == 0 {
            return Ok(false);
        }
        let mut last = [0];
        self.seek(SeekFrom::End(-1))?;
        self.read_exact(&mut last)?;
        Ok(last != *b"\n")
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}
