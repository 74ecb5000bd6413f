//! Records kept beside the data files, so that they do not hold back the read position.
//!
//! A queue is consumed in about the order it was written, but some records stay for long. The metadata file has
//! one position only; what lies behind it is delivered again after a crash. So a record that has held it back for
//! too long is copied here, and the position moves on.

use crate::names::Names;
use crate::storage::{OpenMode, Storage, StorageFile, read_fully, write_fully};
use crate::{Action, Error, Position};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

/// Bytes before the part of an entry that the checksum covers: its length and the checksum.
const HEAD_LEN: usize = 8;

/// Kind, ticket and origin.
const FIELDS_LEN: usize = 1 + 8 + 16;

const KEPT: u8 = 1;
const DONE: u8 = 2;
const DEFERRED: u8 = 3;

/// Tickets from here on are those of deferred records, which never were in a data file.
pub(crate) const DEFERRED_TICKETS: u64 = 1 << 46;

/// Bytes of records that are read at once, about.
const CHUNK_LEN: usize = 1024 * 1024;

/// Records that are copied at once, at most.
const CHUNK_RECORDS: usize = 8192;

/// The file is written anew when it is this much larger than twice what it has to hold.
const WASTE_MAX: u64 = 4 * 1024 * 1024;

/// The records of a queue that are kept aside, in one file, to which is appended.
///
/// | bytes | |
/// |---|---|
/// | 4 | length of what follows the checksum, big-endian |
/// | 4 | CRC-32 of what follows |
/// | 1 | 1: a record is kept; 2: it is done; 3: a deferred record is kept |
/// | 8 | its ticket, big-endian |
/// | 8 | number of the data file where it was; or until when it is deferred, in ns since 1970; big-endian |
/// | 8 | its offset there, big-endian |
/// | as many | the record, if it is kept |
///
/// An entry that is cut off or does not have its checksum ends the file. While nothing is kept aside the file is
/// empty or does not exist.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    handle: Option<Arc<dyn StorageFile>>,
    /// Where the next entry goes.
    end: u64,
    live: BTreeMap<u64, Place>,
    /// The deferred records. There may be very many of them.
    waiting: BTreeMap<u64, Spot>,
    live_bytes: u64,
    /// Tickets of records that an earlier process has left, and that are not handed out yet.
    unread: VecDeque<u64>,
    /// Deferred records that an earlier process has left, for the owner to take.
    left: Vec<(u64, i64)>,
    /// There may be a file.
    exists: bool,
    /// Deferred records so far.
    deferred: u64,
    /// Counts changes to the file; those up to `synced` survive a power loss.
    changes: u64,
    synced: u64,
    /// The name of the file survives a power loss.
    named: bool,
    /// A sync failed, and another one is not enough: the file has to be written anew.
    is_suspect: bool,
}

/// Where a record lies in the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    kind: u8,
    origin: Position,
    offset: u64,
    len: u32,
}

/// Where a deferred record lies in the file, in as few bytes as can be.
#[derive(Debug, Clone, Copy)]
struct Spot {
    offset_high: u32,
    offset_low: u32,
    len: u32,
}

/// What an earlier process has left.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) ticket: u64,
    pub(crate) data: Bytes,
}

/// What is to be kept aside.
#[derive(Debug)]
pub(crate) struct Keep {
    pub(crate) ticket: u64,
    pub(crate) origin: Position,
    pub(crate) record: Vec<u8>,
}

impl Aside {
    /// Finds what an earlier process has left. What lies at or behind `position` is in the data files as well.
    pub(crate) fn open(storage: &dyn Storage, names: &Names, position: Position) -> Result<Self, Error> {
        let path = names.aside();
        let mut aside = Self::default();
        let file = match storage.open(&path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(aside),
            Err(error) => return Err(Error::io(Action::Open, path)(error)),
        };
        aside.exists = true;
        aside
            .load(file.as_ref(), position)
            .map_err(Error::io(Action::Read, path))?;
        aside.unread = aside.live.keys().copied().collect();
        aside
            .left
            .retain(|(ticket, _)| aside.waiting.contains_key(ticket));
        aside.left.sort_unstable();
        aside.left.dedup_by_key(|(ticket, _)| *ticket);
        Ok(aside)
    }

    fn load(&mut self, file: &dyn StorageFile, position: Position) -> io::Result<()> {
        let len = file.len()?;
        while let Some(entry) = read_entry(file, self.end, len)? {
            let start = self.end;
            self.end += (HEAD_LEN + entry.len()) as u64;
            let Some((kind, ticket, origin)) = decode(&entry) else {
                continue;
            };
            let place = Place {
                kind,
                origin,
                offset: start + (HEAD_LEN + FIELDS_LEN) as u64,
                len: u32::try_from(entry.len() - FIELDS_LEN).unwrap_or(u32::MAX),
            };
            match kind {
                DONE => {
                    self.forget(ticket);
                }
                KEPT if origin < position => self.remember(ticket, place),
                DEFERRED => {
                    self.deferred = self.deferred.max((ticket % DEFERRED_TICKETS) + 1);
                    self.remember(ticket, place);
                    self.left
                        .push((ticket, i64::try_from(origin.file).unwrap_or(i64::MAX)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A number above all tickets of records in the file that were in a data file.
    pub(crate) fn next_ticket(&self) -> u64 {
        let mut tickets = self.live.iter();
        tickets.next_back().map_or(0, |(ticket, _)| ticket + 1)
    }

    /// Records that are not done.
    pub(crate) fn len(&self) -> u64 {
        (self.live.len() + self.waiting.len()) as u64
    }

    /// Deferred records that an earlier process has left, with the times until which they are; once.
    pub(crate) fn take_left(&mut self) -> Vec<(u64, i64)> {
        std::mem::take(&mut self.left)
    }

    /// Records that are not handed out.
    pub(crate) fn unread(&self) -> u64 {
        self.unread.len() as u64
    }

    /// Whether entries may not survive a power loss.
    pub(crate) fn is_unsynced(&self) -> bool {
        self.changes > self.synced
    }

    /// The file, if a sync has to cover it.
    pub(crate) fn to_sync(&self) -> Option<Arc<dyn StorageFile>> {
        self.handle.clone().filter(|_| self.is_unsynced())
    }

    /// How often the file was changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether the name of the file survives a power loss, if there is one.
    pub(crate) fn is_named(&self) -> bool {
        !self.exists || self.named
    }

    /// The names of all files survive a power loss that were there after so many changes.
    pub(crate) fn mark_named(&mut self, changes: u64) {
        self.named |= changes > 0;
    }

    /// So many changes survive a power loss.
    pub(crate) fn mark_synced(&mut self, changes: u64) {
        self.synced = self.synced.max(changes);
    }

    /// A sync of it has failed.
    pub(crate) fn mark_suspect(&mut self) {
        self.is_suspect |= self.is_unsynced();
    }

    /// Nothing in it is needed any more.
    pub(crate) fn mark_needless(&mut self) {
        self.is_suspect = false;
    }

    /// Writes the file anew if a sync of it has failed: what another sync would say means nothing.
    pub(crate) fn repair(&mut self, storage: &dyn Storage, names: &Names) -> Result<(), Error> {
        if self.is_suspect {
            self.rewrite(storage, names)?;
        }
        Ok(())
    }

    /// Closes the file until it is needed, unless a sync has to cover it.
    pub(crate) fn release_handle(&mut self) {
        if !self.is_unsynced() {
            self.handle = None;
        }
    }

    /// Hands out records that an earlier process has left: about `max_bytes` of them, and at least one.
    pub(crate) fn read(
        &mut self,
        storage: &dyn Storage,
        names: &Names,
        max_bytes: usize,
    ) -> Result<Vec<Left>, Error> {
        let mut records = Vec::new();
        let mut bytes = 0;
        while let Some(ticket) = self.unread.front().copied() {
            let record = match self.record(storage, names, ticket) {
                Ok(record) => record,
                Err(_) if !records.is_empty() => break,
                Err(error) => return Err(error),
            };
            bytes += record.len();
            if bytes > max_bytes && !records.is_empty() {
                break;
            }
            self.unread.pop_front();
            records.push(Left {
                ticket,
                data: Bytes::from(record),
            });
        }
        Ok(records)
    }

    /// The next records that are not done, from `from` on, for the data files: about a mebibyte of them, and at least
    /// one while there are any.
    pub(crate) fn records_from(
        &mut self,
        storage: &dyn Storage,
        names: &Names,
        from: u64,
    ) -> Result<Vec<Left>, Error> {
        let kept = self.live.range(from..).map(|(ticket, _)| *ticket);
        let waiting = self.waiting.range(from..).map(|(ticket, _)| *ticket);
        let tickets: Vec<_> = kept.chain(waiting).take(CHUNK_RECORDS).collect();
        let mut records = Vec::new();
        let mut bytes = 0;
        for ticket in tickets {
            let data = Bytes::from(self.record(storage, names, ticket)?);
            bytes += data.len();
            records.push(Left { ticket, data });
            if bytes >= CHUNK_LEN {
                break;
            }
        }
        Ok(records)
    }

    /// Reads deferred records, as many of the first as are about a mebibyte, and at least one. `None` stands for one
    /// that is not here.
    pub(crate) fn read_deferred(
        &mut self,
        storage: &dyn Storage,
        names: &Names,
        tickets: &[u64],
    ) -> Result<Vec<Option<Bytes>>, Error> {
        let mut records = Vec::new();
        let mut bytes = 0;
        for ticket in tickets {
            if bytes >= CHUNK_LEN {
                break;
            }
            if !self.waiting.contains_key(ticket) {
                records.push(None);
                continue;
            }
            match self.record(storage, names, *ticket) {
                Ok(record) => {
                    bytes += record.len();
                    records.push(Some(Bytes::from(record)));
                }
                Err(_) if !records.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }

    /// Where a record lies that is not done.
    fn place(&self, ticket: u64) -> Option<(u64, u32)> {
        let kept = self.live.get(&ticket).map(|place| (place.offset, place.len));
        kept.or_else(|| self.waiting.get(&ticket).map(|spot| (spot.offset(), spot.len)))
    }

    fn record(&mut self, storage: &dyn Storage, names: &Names, ticket: u64) -> Result<Vec<u8>, Error> {
        let Some((offset, len)) = self.place(ticket) else {
            return Ok(Vec::new());
        };
        let file = self.file(storage, names)?;
        let mut record = Vec::with_capacity(len as usize);
        read_fully(file.as_ref(), &mut record, len as usize, offset)
            .and_then(|read| {
                if read == len as usize {
                    Ok(record)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                }
            })
            .map_err(Error::io(Action::Read, names.aside()))
    }

    /// Keeps records aside. They are with the operating system when this returns.
    pub(crate) fn keep(
        &mut self,
        storage: &dyn Storage,
        names: &Names,
        records: &[Keep],
    ) -> Result<(), Error> {
        let records = records
            .iter()
            .map(|keep| (KEPT, keep.ticket, keep.origin, &keep.record[..]));
        self.write(storage, names, records)
    }

    /// Keeps deferred records, and returns the ticket of the first; those of the others follow. They are with the
    /// operating system when this returns.
    pub(crate) fn defer(
        &mut self,
        storage: &dyn Storage,
        names: &Names,
        records: &[(i64, Vec<u8>)],
    ) -> Result<u64, Error> {
        let first_ticket = DEFERRED_TICKETS + self.deferred;
        let entries = (first_ticket..).zip(records).map(|(ticket, (due_ns, record))| {
            let until = Position::start_of(u64::try_from(*due_ns).unwrap_or(0));
            (DEFERRED, ticket, until, &record[..])
        });
        self.write(storage, names, entries)?;
        self.deferred += records.len() as u64;
        Ok(first_ticket)
    }

    fn write<'a>(
        &mut self,
        storage: &dyn Storage,
        names: &Names,
        records: impl Iterator<Item = (u8, u64, Position, &'a [u8])>,
    ) -> Result<(), Error> {
        let mut entries = Vec::new();
        let mut places = Vec::new();
        for (kind, ticket, origin, record) in records {
            let place = Place {
                kind,
                origin,
                offset: self.end + (entries.len() + HEAD_LEN + FIELDS_LEN) as u64,
                len: u32::try_from(record.len()).unwrap_or(u32::MAX),
            };
            encode(&mut entries, kind, ticket, origin, record);
            places.push((ticket, place));
        }
        self.append(storage, names, &entries)?;
        for (ticket, place) in places {
            self.remember(ticket, place);
        }
        Ok(())
    }

    /// Forgets records that are done; tickets of others are passed over. Returns how many were here.
    ///
    /// If that cannot be written, the next sync does.
    pub(crate) fn done(&mut self, storage: &dyn Storage, names: &Names, tickets: &[u64]) -> u64 {
        let mut entries = Vec::new();
        let mut count = 0;
        for ticket in tickets {
            if self.forget(*ticket) {
                encode(&mut entries, DONE, *ticket, Position::default(), &[]);
                count += 1;
            }
        }
        if count == 0 {
            return 0;
        }
        if self.len() == 0 && self.cut(storage, names).is_ok() {
            return count;
        }
        if self.append(storage, names, &entries).is_err() {
            // The file still has them: the next sync writes it anew.
            self.changes += 1;
            self.is_suspect = true;
        } else if self.end > 2 * self.live_bytes + WASTE_MAX {
            // Tried again with the next that are done.
            let _ = self.rewrite(storage, names);
        }
        count
    }

    /// Forgets a record here, though not in the file.
    pub(crate) fn drop_record(&mut self, ticket: u64) {
        self.forget(ticket);
    }

    /// Drops everything, and the file. Returns whether there was one.
    ///
    /// If the file can neither be cut nor removed, what it holds may come back after a crash.
    pub(crate) fn remove(&mut self, storage: &dyn Storage, names: &Names) -> bool {
        let existed = self.exists;
        if existed && storage.remove(&names.aside()).is_err() {
            // Missing is as good; any other reason leaves this.
            let _ = self.cut(storage, names);
        }
        *self = Self {
            deferred: self.deferred,
            changes: self.changes,
            synced: self.changes,
            ..Self::default()
        };
        existed
    }

    /// Leaves an empty file.
    fn cut(&mut self, storage: &dyn Storage, names: &Names) -> Result<(), Error> {
        let file = self.file(storage, names)?;
        file.set_len(0).map_err(Error::io(Action::Write, names.aside()))?;
        self.end = 0;
        self.changes += 1;
        Ok(())
    }

    fn append(&mut self, storage: &dyn Storage, names: &Names, entries: &[u8]) -> Result<(), Error> {
        let file = self.file(storage, names)?;
        write_fully(file.as_ref(), entries, self.end)
            .map_err(|(_, error)| Error::io(Action::Write, names.aside())(error))?;
        self.end += entries.len() as u64;
        self.changes += 1;
        Ok(())
    }

    /// Writes the file anew with nothing but what it has to hold.
    fn rewrite(&mut self, storage: &dyn Storage, names: &Names) -> Result<(), Error> {
        let temporary = names.aside_temporary();
        let copy = storage
            .open(&temporary, OpenMode::Replace)
            .map_err(Error::io(Action::Open, &temporary))?;
        let (mut end, mut places, mut spots) = (0, Vec::new(), Vec::new());
        let mut from = 0;
        loop {
            // Some at a time: together they may be more than there is memory.
            let records = self.records_from(storage, names, from)?;
            let Some(last) = records.last() else { break };
            from = last.ticket + 1;
            let mut entries = Vec::new();
            for Left { ticket, data } in &records {
                let offset = end + (entries.len() + HEAD_LEN + FIELDS_LEN) as u64;
                if let Some(place) = self.live.get(ticket) {
                    encode(&mut entries, KEPT, *ticket, place.origin, data);
                    places.push((*ticket, offset));
                } else {
                    let until = self.until(storage, names, *ticket)?;
                    encode(&mut entries, DEFERRED, *ticket, until, data);
                    spots.push((*ticket, Spot::new(offset, data.len())));
                }
            }
            write_fully(copy.as_ref(), &entries, end)
                .map_err(|(_, error)| Error::io(Action::Write, &temporary)(error))?;
            end += entries.len() as u64;
        }
        copy.sync().map_err(Error::io(Action::Sync, &temporary))?;
        storage
            .rename(&temporary, &names.aside())
            .map_err(Error::io(Action::Rename, names.aside()))?;
        self.handle = None;
        self.end = end;
        for (ticket, offset) in places {
            if let Some(place) = self.live.get_mut(&ticket) {
                place.offset = offset;
            }
        }
        for (ticket, spot) in spots {
            self.waiting.insert(ticket, spot);
        }
        self.synced = self.changes;
        self.is_suspect = false;
        // The new name has to be synced, too.
        self.named = false;
        Ok(())
    }

    /// Until when a record is deferred, as the file says.
    fn until(&mut self, storage: &dyn Storage, names: &Names, ticket: u64) -> Result<Position, Error> {
        let Some(spot) = self.waiting.get(&ticket).copied() else {
            return Ok(Position::default());
        };
        let file = self.file(storage, names)?;
        let mut fields = Vec::with_capacity(FIELDS_LEN);
        let start = spot.offset().saturating_sub(FIELDS_LEN as u64);
        read_fully(file.as_ref(), &mut fields, FIELDS_LEN, start)
            .map_err(Error::io(Action::Read, names.aside()))?;
        Ok(decode(&fields).map_or_else(Position::default, |(_, _, until)| until))
    }

    fn file(&mut self, storage: &dyn Storage, names: &Names) -> Result<Arc<dyn StorageFile>, Error> {
        if let Some(handle) = &self.handle {
            return Ok(Arc::clone(handle));
        }
        let path = names.aside();
        let handle: Arc<dyn StorageFile> = storage
            .open(&path, OpenMode::Write)
            .map_err(Error::io(Action::Open, path))?
            .into();
        if self.end == 0 {
            // What was not removed when it should have been.
            handle
                .set_len(0)
                .map_err(Error::io(Action::Write, names.aside()))?;
        }
        self.exists = true;
        self.handle = Some(Arc::clone(&handle));
        Ok(handle)
    }

    fn remember(&mut self, ticket: u64, place: Place) {
        self.forget(ticket);
        self.live_bytes += entry_len(place.len);
        if place.kind == DEFERRED {
            self.waiting
                .insert(ticket, Spot::new(place.offset, place.len as usize));
        } else {
            self.live.insert(ticket, place);
        }
    }

    /// Returns whether it was here.
    fn forget(&mut self, ticket: u64) -> bool {
        let kept = self.live.remove(&ticket).map(|place| place.len);
        let len = kept.or_else(|| self.waiting.remove(&ticket).map(|spot| spot.len));
        self.live_bytes -= len.map_or(0, entry_len);
        len.is_some()
    }
}

impl Spot {
    fn new(offset: u64, len: usize) -> Self {
        let low = offset & u64::from(u32::MAX);
        Self {
            offset_high: u32::try_from(offset >> 32).unwrap_or(u32::MAX),
            offset_low: u32::try_from(low).unwrap_or(u32::MAX),
            len: u32::try_from(len).unwrap_or(u32::MAX),
        }
    }

    fn offset(self) -> u64 {
        (u64::from(self.offset_high) << 32) | u64::from(self.offset_low)
    }
}

fn entry_len(record_len: u32) -> u64 {
    (HEAD_LEN + FIELDS_LEN) as u64 + u64::from(record_len)
}

fn encode(entries: &mut Vec<u8>, kind: u8, ticket: u64, origin: Position, record: &[u8]) {
    let mut hasher = crc32fast::Hasher::new();
    let mut fields = [0; FIELDS_LEN];
    let parts: [&[u8]; 4] = [
        &[kind],
        &ticket.to_be_bytes(),
        &origin.file.to_be_bytes(),
        &origin.offset.to_be_bytes(),
    ];
    for (field, byte) in fields.iter_mut().zip(parts.concat()) {
        *field = byte;
    }
    hasher.update(&fields);
    hasher.update(record);
    let len = u32::try_from(FIELDS_LEN + record.len()).unwrap_or(u32::MAX);
    entries.extend_from_slice(&len.to_be_bytes());
    entries.extend_from_slice(&hasher.finalize().to_be_bytes());
    entries.extend_from_slice(&fields);
    entries.extend_from_slice(record);
}

/// What the checksum of the entry at `offset` covers; `None` if there is no whole entry.
fn read_entry(file: &dyn StorageFile, offset: u64, end: u64) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::with_capacity(HEAD_LEN);
    read_fully(file, &mut head, HEAD_LEN, offset)?;
    let Some((len, rest)) = head.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let Some(checksum) = rest.first_chunk::<4>() else {
        return Ok(None);
    };
    let len = u32::from_be_bytes(*len) as usize;
    let left = end.saturating_sub(offset + HEAD_LEN as u64);
    if len < FIELDS_LEN || len as u64 > left {
        return Ok(None);
    }
    let mut entry = Vec::with_capacity(len);
    read_fully(file, &mut entry, len, offset + HEAD_LEN as u64)?;
    let is_whole = entry.len() == len && crc32fast::hash(&entry) == u32::from_be_bytes(*checksum);
    Ok(is_whole.then_some(entry))
}

/// Kind, ticket and origin.
fn decode(entry: &[u8]) -> Option<(u8, u64, Position)> {
    let (kind, rest) = entry.split_first()?;
    let (ticket, rest) = rest.split_first_chunk::<8>()?;
    let (file, rest) = rest.split_first_chunk::<8>()?;
    let (offset, _) = rest.split_first_chunk::<8>()?;
    let origin = Position {
        file: u64::from_be_bytes(*file),
        offset: u64::from_be_bytes(*offset),
    };
    Some((*kind, u64::from_be_bytes(*ticket), origin))
}
