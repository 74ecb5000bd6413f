//! A file system in memory that knows what would survive a power loss, and fails on demand.
//!
//! It tells what a program sees from what is on the platter: writes become durable when their file is synced,
//! creations, renames and removals when their directory is. [`MemStorage::image`] gives the files as they would be
//! found after a crash at this moment; [`MemStorage::stop_after`] places that moment.

mod disk;

use disk::{Disk, InodeId};
use nsq_diskqueue::{OpenMode, Storage, StorageFile};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The kinds of operation that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// [`Storage::open`]
    Open,
    /// [`Storage::len`] and [`StorageFile::len`]
    Len,
    /// [`StorageFile::read_at`]
    Read,
    /// [`StorageFile::write_at`]
    Write,
    /// [`StorageFile::set_len`]
    SetLen,
    /// [`StorageFile::sync`]
    Sync,
    /// [`Storage::rename`]
    Rename,
    /// [`Storage::remove`]
    Remove,
    /// [`Storage::list`]
    List,
    /// [`Storage::sync_directory`]
    SyncDirectory,
}

/// What a crash does to what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing is lost: only the process was killed.
    Nothing,
    /// Everything is lost that was not synced.
    Everything,
    /// Each change since the last sync is kept, lost or torn, whatever came after it; of the changes to the
    /// directory a first part is kept. The seed decides.
    Random(u64),
}

/// A file system in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemStorage {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    disk: Disk,
    handles: usize,
    handles_max: Option<usize>,
    capacity: Option<u64>,
    operations: u64,
    stop_after: Option<u64>,
    stopped: bool,
    faults: Vec<PlannedFault>,
    calls: BTreeMap<Operation, u64>,
    short_io: Option<Seed>,
    forgetful: bool,
    unreadable: Vec<(PathBuf, Range<u64>)>,
}

#[derive(Debug)]
struct PlannedFault {
    operation: Operation,
    path_part: String,
    /// Calls that still succeed.
    skip: u64,
    /// Calls that then fail.
    times: u64,
    errno: i32,
}

/// "No space left on device" as an operating system error.
pub const ENOSPC: i32 = 28;
/// "Too many open files" as an operating system error.
pub const EMFILE: i32 = 24;
/// "Input/output error" as an operating system error.
pub const EIO: i32 = 5;
/// "Permission denied" as an operating system error.
pub const EACCES: i32 = 13;

impl MemStorage {
    /// An empty file system without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The files as a crash at this moment leaves them. The image has no faults and nothing pending.
    pub fn image(&self, loss: Loss) -> Self {
        let disk = self.shared.lock().disk.image(loss);
        Self {
            shared: Arc::new(Mutex::new(Shared {
                disk,
                ..Shared::default()
            })),
        }
    }

    /// Lets `count` more operations succeed that change something or sync; the next one fails, and everything
    /// after it, as if the machine had stopped.
    pub fn stop_after(&self, count: u64) {
        let mut shared = self.shared.lock();
        shared.stop_after = Some(shared.operations + count);
    }

    /// Operations that changed something or synced, so far.
    pub fn operations(&self) -> u64 {
        self.shared.lock().operations
    }

    /// Calls of one kind so far, also those that failed.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.shared.lock().calls.get(&operation).copied().unwrap_or(0)
    }

    /// Lets `operation` fail with `errno` for `times` calls, after `skip` calls that succeed, on files whose path
    /// contains `path_part`.
    pub fn fail(&self, operation: Operation, path_part: &str, skip: u64, times: u64, errno: i32) {
        let path_part = path_part.to_owned();
        self.shared.lock().faults.push(PlannedFault {
            operation,
            path_part,
            skip,
            times,
            errno,
        });
    }

    /// Takes back all that makes operations fail: planned faults, limits, unreadable bytes, a stop.
    pub fn heal(&self) {
        let mut shared = self.shared.lock();
        shared.faults.clear();
        shared.capacity = None;
        shared.handles_max = None;
        shared.stop_after = None;
        shared.stopped = false;
        shared.unreadable.clear();
    }

    /// Limits the bytes of all files together; a write beyond is short, then fails with [`ENOSPC`].
    pub fn limit_bytes(&self, max: u64) {
        self.shared.lock().capacity = Some(max);
    }

    /// Limits the files open at once; opening more fails with [`EMFILE`].
    pub fn limit_handles(&self, max: usize) {
        self.shared.lock().handles_max = Some(max);
    }

    /// Makes reads that touch `bytes` of a file fail with [`EIO`].
    pub fn make_unreadable(&self, path: impl Into<PathBuf>, bytes: Range<u64>) {
        self.shared.lock().unreadable.push((path.into(), bytes));
    }

    /// Makes reads and writes short, and interrupted now and then.
    pub fn shorten_io(&self, seed: u64) {
        self.shared.lock().short_io = Some(Seed(seed));
    }

    /// After a failed sync of a file, reading gives what is durable rather than what was written, as when the
    /// operating system drops pages it could not write.
    pub fn forget_on_failed_sync(&self) {
        self.shared.lock().forgetful = true;
    }

    /// Files open now.
    pub fn handles(&self) -> usize {
        self.shared.lock().handles
    }

    /// Bytes of all files together.
    pub fn bytes_used(&self) -> u64 {
        self.shared.lock().disk.bytes_used()
    }

    /// The content of a file as a program sees it.
    pub fn content(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let shared = self.shared.lock();
        shared
            .disk
            .lookup(path.as_ref())
            .map(|inode| shared.disk.content(inode).to_vec())
    }

    /// Gives a file content that is durable at once.
    pub fn put(&self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) {
        self.shared.lock().disk.put(path.into(), content.into());
    }

    /// Changes the content of an existing file at rest.
    ///
    /// # Panics
    ///
    /// If there is no such file.
    pub fn damage(&self, path: impl AsRef<Path>, change: impl FnOnce(&mut Vec<u8>)) {
        let path = path.as_ref();
        let mut content = self.content(path).expect("the file to damage exists");
        change(&mut content);
        self.put(path, content);
    }

    /// The names of all files, sorted.
    pub fn names(&self) -> Vec<String> {
        let shared = self.shared.lock();
        shared
            .disk
            .paths()
            .map(|path| {
                path.file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    }

    /// Counts a call and says whether it may happen.
    fn enter(&self, operation: Operation, path: &Path) -> io::Result<parking_lot::MutexGuard<'_, Shared>> {
        let mut shared = self.shared.lock();
        *shared.calls.entry(operation).or_default() += 1;
        if shared.stopped {
            return Err(stopped());
        }
        let path = path.to_string_lossy();
        let planned = |fault: &&mut PlannedFault| {
            fault.operation == operation && fault.times > 0 && path.contains(&fault.path_part)
        };
        if let Some(fault) = shared.faults.iter_mut().find(planned) {
            if fault.skip == 0 {
                fault.times -= 1;
                let errno = fault.errno;
                if operation == Operation::Sync {
                    let forgetful = shared.forgetful;
                    shared.disk.fail_sync(Path::new(path.as_ref()), forgetful);
                }
                return Err(io::Error::from_raw_os_error(errno));
            }
            fault.skip -= 1;
        }
        if !matches!(
            operation,
            Operation::Open | Operation::Len | Operation::Read | Operation::List
        ) {
            shared.change()?;
        }
        Ok(shared)
    }
}

impl Shared {
    /// Counts an operation that changes something or syncs, and says whether it may happen.
    fn change(&mut self) -> io::Result<()> {
        if self.stop_after.is_some_and(|stop| self.operations >= stop) {
            self.stopped = true;
            return Err(stopped());
        }
        self.operations += 1;
        Ok(())
    }

    /// How much of `len` bytes one call transfers.
    fn part_of(&mut self, len: usize) -> io::Result<usize> {
        match &mut self.short_io {
            Some(_) if len == 0 => Ok(0),
            Some(seed) => match seed.below(8) {
                0 => Err(io::ErrorKind::Interrupted.into()),
                1..4 => Ok(1 + seed.below_len(len)),
                _ => Ok(len),
            },
            None => Ok(len),
        }
    }
}

impl Storage for MemStorage {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        let mut shared = self.enter(Operation::Open, path)?;
        if shared.handles_max.is_some_and(|max| shared.handles >= max) {
            return Err(io::Error::from_raw_os_error(EMFILE));
        }
        let inode = match (shared.disk.lookup(path), mode) {
            (None, OpenMode::Read) => return Err(io::ErrorKind::NotFound.into()),
            (Some(_), OpenMode::Create) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(inode), OpenMode::Read | OpenMode::Write) => inode,
            (Some(inode), OpenMode::Replace) => {
                shared.change()?;
                shared.disk.set_len(inode, 0);
                inode
            }
            (None, _) => {
                shared.change()?;
                shared.disk.create(path)
            }
        };
        shared.handles += 1;
        drop(shared);
        Ok(Box::new(MemFile {
            storage: self.clone(),
            path: path.to_owned(),
            inode,
        }))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        let shared = self.enter(Operation::Len, path)?;
        let inode = shared.disk.lookup(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(shared.disk.content(inode).len() as u64)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.enter(Operation::Rename, from)?.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.enter(Operation::Remove, path)?.disk.remove(path)
    }

    fn list(&self, directory: &Path, prefix: &str) -> io::Result<Vec<String>> {
        let shared = self.enter(Operation::List, directory)?;
        let in_directory = shared
            .disk
            .paths()
            .filter(|path| path.parent() == Some(directory));
        let names = in_directory
            .filter_map(|path| path.file_name()?.to_str())
            .map(str::to_owned);
        Ok(names.filter(|name| name.starts_with(prefix)).collect())
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.enter(Operation::SyncDirectory, directory)?
            .disk
            .sync_directory();
        Ok(())
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        let shared = self.shared.lock();
        let free = |capacity: u64| capacity.saturating_sub(shared.disk.bytes_used());
        Ok(shared.capacity.map_or(u64::MAX, free))
    }
}

#[derive(Debug)]
struct MemFile {
    storage: MemStorage,
    path: PathBuf,
    inode: InodeId,
}

impl StorageFile for MemFile {
    fn read_at(&self, buffer: &mut Vec<u8>, len: usize, offset: u64) -> io::Result<usize> {
        let mut shared = self.storage.enter(Operation::Read, &self.path)?;
        let len = shared.part_of(len)?;
        let end = offset.saturating_add(len as u64);
        let touched = |(path, bytes): &(PathBuf, Range<u64>)| {
            *path == self.path && bytes.start < end && offset < bytes.end
        };
        if shared.unreadable.iter().any(touched) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let content = shared.disk.content(self.inode);
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| content.get(offset..))
            .unwrap_or_default();
        let part = &rest[..len.min(rest.len())];
        buffer.extend_from_slice(part);
        Ok(part.len())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut shared = self.storage.enter(Operation::Write, &self.path)?;
        let mut len = shared.part_of(bytes.len())?;
        if let Some(capacity) = shared.capacity {
            let own = shared.disk.content(self.inode).len() as u64;
            let room = capacity.saturating_sub(shared.disk.bytes_used()) + own.saturating_sub(offset);
            len = len.min(usize::try_from(room).unwrap_or(usize::MAX));
            if len == 0 && !bytes.is_empty() {
                return Err(io::Error::from_raw_os_error(ENOSPC));
            }
        }
        shared.disk.write(self.inode, offset, &bytes[..len]);
        Ok(len)
    }

    fn len(&self) -> io::Result<u64> {
        let shared = self.storage.enter(Operation::Len, &self.path)?;
        Ok(shared.disk.content(self.inode).len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.storage
            .enter(Operation::SetLen, &self.path)?
            .disk
            .set_len(self.inode, len);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.storage
            .enter(Operation::Sync, &self.path)?
            .disk
            .sync(self.inode);
        Ok(())
    }
}

impl Drop for MemFile {
    fn drop(&mut self) {
        self.storage.shared.lock().handles -= 1;
    }
}

fn stopped() -> io::Error {
    io::Error::other("the machine has stopped")
}

/// A small generator, so that a run is repeated by its seed alone (`SplitMix64`).
#[derive(Debug, Clone)]
struct Seed(u64);

impl Seed {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn below_len(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap_or(0)
    }
}
