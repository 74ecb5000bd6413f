//! Opening: from metadata that fits the files, and from whatever else there is.

use super::{DiskQueue, Writer};
use crate::aside::Aside;
use crate::dues::Dues;
use crate::handed_out::HandedOut;
use crate::index::QueueFiles;
use crate::metadata::{METADATA_LEN_MAX, Metadata};
use crate::names::{FILE_NUMBER_MAX, Names};
use crate::scan::{Rules, Scanner};
use crate::storage::{OpenMode, Storage, read_fully};
use crate::sync_job::Unsynced;
use crate::{Action, DirectoryIndex, Error, Event, Options, Position};
use std::io;
use std::sync::Arc;

impl DiskQueue {
    /// Opens a queue, or makes a new one; writes nothing.
    ///
    /// Costs a few system calls if the metadata fits the files. After a crash, also counts the records that were
    /// written after the last sync. If the metadata is missing or cannot be right while there are data files,
    /// counts all records: nothing else knows how many there are.
    ///
    /// # Errors
    ///
    /// If the operating system refuses to open, read or list files that exist. Damage is not an error; it is
    /// [reported](Self::take_events).
    pub fn open(storage: Arc<dyn Storage>, options: Options) -> Result<Self, Error> {
        let mut queue = Self {
            storage,
            names: Arc::new(Names::new(options.path, options.name)),
            rules: Rules {
                len_min: options.record_len_min,
                len_max: options.record_len_max,
                plausible: options.plausible,
            },
            max_bytes_per_file: options.max_bytes_per_file,
            sync_every: options.sync_every,
            syncs_itself: options.syncs_itself,
            write: Position::default(),
            writer: Writer::default(),
            named: false,
            unsynced: Vec::new(),
            syncing: false,
            due: false,
            opened_at: 0,
            cursor: Position::default(),
            reader: None,
            handed_out: HandedOut::default(),
            aside: Aside::default(),
            superseded: Vec::new(),
            superseding: 0,
            dues: Dues::default(),
            keeps_deferred: options.keeps_deferred,
            appended_at: None,
            unread: 0,
            passed: Vec::new(),
            unremoved: Vec::new(),
            operations: 0,
            persisted: None,
            events: Vec::new(),
        };
        match queue.load_metadata()? {
            Some(metadata) => queue.start_from(metadata, options.index.as_deref())?,
            None => queue.start_over(options.index.as_deref(), 0)?,
        }
        if DirectoryIndex::has_aside(options.index.as_deref(), queue.name()) {
            queue.aside = Aside::open(queue.storage.as_ref(), &queue.names, queue.position())?;
        }
        if queue.keeps_deferred && DirectoryIndex::has_dues(options.index.as_deref(), queue.name()) {
            queue.dues = Dues::open(queue.storage.as_ref(), &queue.names)?;
        }
        queue.opened_at = queue.position().file;
        queue.handed_out.start_at(queue.aside.next_ticket());
        Ok(queue)
    }

    /// The content of the metadata file, if it exists and can be understood.
    fn load_metadata(&mut self) -> Result<Option<Metadata>, Error> {
        let path = self.names.metadata();
        let file = match self.storage.open(&path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(Action::Open, path)(error)),
        };
        let mut text = Vec::new();
        read_fully(file.as_ref(), &mut text, METADATA_LEN_MAX, 0).map_err(Error::io(Action::Read, path))?;
        match Metadata::decode(&text) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) => {
                self.event(Event::MetadataUnreadable {
                    cause: error.to_string(),
                });
                Ok(None)
            }
        }
    }

    /// Starts where the metadata says, as far as the files agree.
    fn start_from(&mut self, metadata: Metadata, index: Option<&DirectoryIndex>) -> Result<(), Error> {
        let Metadata { depth, read, write } = metadata;
        if read > write {
            self.event(Event::ReadBeyondWrite { read, write });
            return self.start_over(None, depth);
        }
        self.persisted = Some(metadata);
        self.cursor = read;
        self.write = write;
        self.writer.synced = write.offset;
        self.unread = depth;
        if !self.remove_consumed_leftovers(depth)? {
            self.event(Event::ReadPositionDoubtful { read, depth });
            self.start_over(None, depth)?;
            // The metadata stays until the next sync. If what is appended until then went to the files that it speaks
            // of, it could come to fit them, and would be believed after a crash.
            if write.file >= self.write.file && write.file < FILE_NUMBER_MAX {
                self.write = Position::start_of(write.file + 1);
            }
            return Ok(());
        }

        let len = self.file_len(write.file)?;
        let newer = self.has_newer(index, len == Some(write.offset))?;
        if len.unwrap_or(0) < write.offset {
            let path = self.data_path(write.file);
            self.event(Event::MetadataAhead {
                path,
                write_offset: write.offset,
                len,
            });
            self.write = Position::start_of(self.last_file(newer)? + 1);
            self.writer.synced = 0;
            return self.recount(depth);
        }
        let depth_is_possible = self.depth_is_possible(depth);
        if len.unwrap_or(0) > write.offset || newer {
            self.take_in_unsynced_tail(len.unwrap_or(0), newer)?;
        }
        if depth_is_possible {
            Ok(())
        } else {
            self.recount(depth)
        }
    }

    /// Starts at the first data file there is; writes to a new one behind the last.
    fn start_over(&mut self, index: Option<&DirectoryIndex>, depth: i64) -> Result<(), Error> {
        if index.is_some_and(|index| index.queue(self.names.queue()).is_none()) {
            return Ok(());
        }
        let QueueFiles { data, temporary, .. } = self.list_files()?;
        for name in temporary {
            self.remove_file(&self.names.directory().join(name));
        }
        let (Some(first), Some(last)) = (data.first(), data.last()) else {
            return Ok(());
        };
        self.cursor = Position::start_of(*first);
        self.write = Position::start_of(last + 1);
        self.recount(depth)
    }

    /// Keeps the records that were written after the metadata: of the file being written then, and of later ones.
    fn take_in_unsynced_tail(&mut self, len: u64, newer: bool) -> Result<(), Error> {
        let Position { file, offset } = self.write;
        let last = self.last_file(newer)?;
        if len > offset {
            let path = self.data_path(file);
            self.event(Event::MetadataBehind {
                path,
                write_offset: offset,
                len,
            });
        }
        self.count_as_unread(self.count_in(file, offset, None)?);
        self.unsynced.push(Unsynced {
            file,
            handle: None,
            from: offset,
            end: None,
            suspect: false,
        });
        if newer {
            for file in self.list_files()?.data.into_iter().filter(|newer| *newer > file) {
                self.count_as_unread(self.count_in(file, 0, None)?);
                self.unsynced.push(Unsynced {
                    file,
                    handle: None,
                    from: 0,
                    end: None,
                    suspect: false,
                });
            }
        }
        self.write = Position::start_of(last + 1);
        self.writer.synced = 0;
        self.skip_exhausted_files()
    }

    /// Whether there are data files behind the one being written according to the metadata.
    ///
    /// Their numbers may have a gap: files that are consumed are removed even while the metadata cannot be written.
    /// Without an index, only a file that the metadata does not `fit` makes it worth listing the directory.
    fn has_newer(&self, index: Option<&DirectoryIndex>, fits: bool) -> Result<bool, Error> {
        let file = self.write.file;
        let last_of = |files: &QueueFiles| files.data.last().copied();
        Ok(match index {
            Some(index) => index.queue(self.names.queue()).and_then(last_of) > Some(file),
            None if fits => self.file_len(file + 1)?.is_some(),
            None => last_of(&self.list_files()?) > Some(file),
        })
    }

    /// Counts all unread records in the files.
    fn recount(&mut self, depth_before: i64) -> Result<(), Error> {
        let depth = self.count_unread()?;
        self.unread = i64::try_from(depth).unwrap_or(i64::MAX);
        self.event(Event::Recounted { depth_before, depth });
        self.skip_exhausted_files()
    }

    fn count_unread(&self) -> Result<u64, Error> {
        let cursor = self.cursor;
        let mut depth = 0;
        for file in self.list_files()?.data {
            if file >= cursor.file && file <= self.write.file {
                let offset = if file == cursor.file { cursor.offset } else { 0 };
                let end = (file == self.write.file).then_some(self.write.offset);
                depth += self.count_in(file, offset, end)?;
            }
        }
        Ok(depth)
    }

    /// Counts the records of a file from `offset` to `end` or the end of the file; none if it does not exist.
    fn count_in(&self, file: u64, offset: u64, end: Option<u64>) -> Result<u64, Error> {
        let path = self.data_path(file);
        let handle = match self.storage.open(&path, OpenMode::Read) {
            Ok(handle) => handle,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(Error::io(Action::Open, path)(error)),
        };
        let limit = end.map_or_else(|| handle.len(), Ok);
        limit
            .and_then(|limit| Scanner::count(handle.as_ref(), offset, limit, self.rules))
            .map_err(Error::io(Action::Read, path))
    }

    /// Whether so many records can lie between the positions, as far as that is known without looking.
    fn depth_is_possible(&self, depth: i64) -> bool {
        let (cursor, write) = (self.cursor, self.write);
        if cursor == write {
            return depth == 0;
        }
        if cursor.file < write.file {
            return depth > 0;
        }
        let room = write.offset.saturating_sub(cursor.offset);
        let shortest = 4 + u64::from(self.rules.len_min);
        u64::try_from(depth).is_ok_and(|depth| depth > 0 && depth <= room / shortest)
    }

    /// Removes files before the read position: a crash between a sync and their removal leaves them.
    ///
    /// Metadata has no checksum, and a single wrong bit in it could make waiting records look consumed. So it
    /// must first prove itself by naming the very depth that the files have; if it does not, returns false and
    /// removes nothing.
    fn remove_consumed_leftovers(&mut self, depth: i64) -> Result<bool, Error> {
        let mut file = self.cursor.file;
        while let Some(previous) = file.checked_sub(1) {
            if self.file_len(previous)?.is_none() {
                break;
            }
            if file == self.cursor.file && u64::try_from(depth) != Ok(self.count_unread()?) {
                return Ok(false);
            }
            self.remove_file(&self.data_path(previous));
            file = previous;
        }
        Ok(true)
    }

    /// The number of the last data file, from the write position on.
    fn last_file(&self, newer: bool) -> Result<u64, Error> {
        let listed = if newer {
            self.list_files()?.data.last().copied()
        } else {
            None
        };
        Ok(listed.unwrap_or(self.write.file).max(self.write.file))
    }

    fn list_files(&self) -> Result<QueueFiles, Error> {
        let prefix = self.names.prefix();
        let index = DirectoryIndex::scan_prefix(self.storage.as_ref(), self.names.directory(), &prefix)?;
        Ok(index.into_queue(self.names.queue()))
    }

    /// Length of a data file; none if it does not exist.
    fn file_len(&self, file: u64) -> Result<Option<u64>, Error> {
        let path = self.data_path(file);
        match self.storage.len(&path) {
            Ok(len) => Ok(Some(len)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(Action::Open, path)(error)),
        }
    }
}
