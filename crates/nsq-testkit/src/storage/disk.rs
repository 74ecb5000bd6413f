//! Files as a program sees them, and as the platter has them.

use super::{Loss, Seed};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Which file, whatever its name.
pub(super) type InodeId = usize;

/// A change that is not durable is torn at multiples of this, in bytes.
const SECTOR_LEN: usize = 512;

#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    names: Names,
    /// The names as of the last sync of the directory.
    durable_names: Names,
    /// What has happened to the names since, in order.
    pending: Vec<Renaming>,
    inodes: Vec<Inode>,
}

type Names = BTreeMap<PathBuf, InodeId>;

#[derive(Debug, Clone)]
enum Renaming {
    Create(PathBuf, InodeId),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Debug, Clone, Default)]
struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
    /// What has happened to the content since the last sync, in order.
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    SetLen(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Self::SetLen(len) => content.resize(*len, 0),
        }
    }

    /// Applies it as a crash would.
    fn apply_partly(&self, content: &mut Vec<u8>, seed: &mut Seed) {
        match (seed.below(4), self) {
            (0, _) => {}
            (1, Self::Write(offset, bytes)) => {
                // The length reaches the disk apart from the data.
                if seed.below(2) == 0 {
                    Self::SetLen(content.len().max(offset + bytes.len())).apply(content);
                }
                let mut start = *offset;
                let end = offset + bytes.len();
                while start < end {
                    let stop = (start / SECTOR_LEN + 1) * SECTOR_LEN;
                    let stop = stop.min(end);
                    // Torn within a sector, too: more than disks do, but file systems may.
                    let keep = if seed.below(4) == 0 {
                        seed.below_len(stop - start)
                    } else {
                        stop - start
                    };
                    if seed.below(2) == 0 {
                        Self::Write(start, bytes[start - offset..start - offset + keep].to_vec())
                            .apply(content);
                    }
                    start = stop;
                }
            }
            _ => self.apply(content),
        }
    }
}

impl Renaming {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Create(path, inode) => {
                names.insert(path.clone(), *inode);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Self::Remove(path) => {
                names.remove(path);
            }
        }
    }
}

impl Disk {
    pub(super) fn lookup(&self, path: &Path) -> Option<InodeId> {
        self.names.get(path).copied()
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.names.keys().map(PathBuf::as_path)
    }

    pub(super) fn content(&self, inode: InodeId) -> &[u8] {
        &self.inodes[inode].content
    }

    pub(super) fn bytes_used(&self) -> u64 {
        self.names
            .values()
            .map(|inode| self.content(*inode).len() as u64)
            .sum()
    }

    pub(super) fn create(&mut self, path: &Path) -> InodeId {
        let inode = self.inodes.len();
        self.inodes.push(Inode::default());
        self.rename_by(Renaming::Create(path.to_owned(), inode));
        inode
    }

    pub(super) fn put(&mut self, path: PathBuf, content: Vec<u8>) {
        let inode = self.inodes.len();
        self.inodes.push(Inode {
            durable: content.clone(),
            content,
            pending: Vec::new(),
        });
        self.names.insert(path.clone(), inode);
        self.durable_names.insert(path, inode);
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.lookup(from).ok_or(io::ErrorKind::NotFound)?;
        self.rename_by(Renaming::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.lookup(path).ok_or(io::ErrorKind::NotFound)?;
        self.rename_by(Renaming::Remove(path.to_owned()));
        Ok(())
    }

    fn rename_by(&mut self, renaming: Renaming) {
        renaming.apply(&mut self.names);
        self.pending.push(renaming);
    }

    pub(super) fn sync_directory(&mut self) {
        self.durable_names = self.names.clone();
        self.pending.clear();
    }

    pub(super) fn write(&mut self, inode: InodeId, offset: u64, bytes: &[u8]) {
        let offset = usize::try_from(offset).expect("a file in memory is small");
        self.change(inode, Change::Write(offset, bytes.to_vec()));
    }

    pub(super) fn set_len(&mut self, inode: InodeId, len: u64) {
        let len = usize::try_from(len).expect("a file in memory is small");
        self.change(inode, Change::SetLen(len));
    }

    fn change(&mut self, inode: InodeId, change: Change) {
        let inode = &mut self.inodes[inode];
        change.apply(&mut inode.content);
        inode.pending.push(change);
    }

    pub(super) fn sync(&mut self, inode: InodeId) {
        let inode = &mut self.inodes[inode];
        for change in inode.pending.drain(..) {
            change.apply(&mut inode.durable);
        }
    }

    /// What is pending will not become durable by a later sync, though it is still seen, unless `forget`.
    pub(super) fn fail_sync(&mut self, path: &Path, forget: bool) {
        let Some(inode) = self.lookup(path) else { return };
        let inode = &mut self.inodes[inode];
        // The length is kept, as file systems do: the data is what is missing.
        let len = inode.content.len();
        inode.pending.clear();
        inode.durable.resize(len, 0);
        if forget {
            inode.content.clone_from(&inode.durable);
        }
    }

    /// The files as a crash leaves them.
    pub(super) fn image(&self, loss: Loss) -> Self {
        let mut seed = Seed(if let Loss::Random(seed) = loss { seed } else { 0 });
        let mut names = self.durable_names.clone();
        let kept = match loss {
            Loss::Nothing => self.pending.len(),
            Loss::Everything => 0,
            Loss::Random(_) => seed.below_len(self.pending.len() + 1),
        };
        self.pending[..kept]
            .iter()
            .for_each(|renaming| renaming.apply(&mut names));
        let inodes = self.inodes.iter().map(|inode| {
            let content = match loss {
                Loss::Nothing => inode.content.clone(),
                Loss::Everything => inode.durable.clone(),
                Loss::Random(_) => {
                    let mut content = inode.durable.clone();
                    inode
                        .pending
                        .iter()
                        .for_each(|change| change.apply_partly(&mut content, &mut seed));
                    content
                }
            };
            Inode {
                durable: content.clone(),
                content,
                pending: Vec::new(),
            }
        });
        Self {
            inodes: inodes.collect(),
            durable_names: names.clone(),
            names,
            pending: Vec::new(),
        }
    }
}
