//! Things that happened inside a queue and deserve a line in the log.

use crate::Position;
use std::fmt;
use std::path::PathBuf;

/// How much attention an [`Event`] deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Part of normal operation.
    Info,
    /// Handled without loss.
    Warning,
    /// Something is lost or does not work.
    Error,
}

/// Something that happened inside a queue and deserves a line in the log. Not an error of the call during which
/// it happened: what could be done about it has been done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A data file was opened to append to it.
    OpenedForWriting {
        /// The data file.
        path: PathBuf,
    },
    /// A data file was opened to read from it.
    OpenedForReading {
        /// The data file.
        path: PathBuf,
    },
    /// All records are being dropped.
    Emptying,
    /// The queue is being closed.
    Closing,
    /// The queue is being deleted.
    Deleting,
    /// The metadata file is not usable; reading starts at the first data file that exists.
    MetadataUnreadable {
        /// What is wrong with it, in upstream's words.
        cause: String,
    },
    /// The data file that was written last is longer than the metadata says: it was written to after the last
    /// sync. Its records are kept; writing goes on in a new file.
    MetadataBehind {
        /// The data file.
        path: PathBuf,
        /// Its length according to the metadata.
        write_offset: u64,
        /// Its length.
        len: u64,
    },
    /// The data file that was written last is shorter than the metadata says: its end is lost. Writing goes on in
    /// a new file.
    MetadataAhead {
        /// The data file.
        path: PathBuf,
        /// Its length according to the metadata.
        write_offset: u64,
        /// Its length, if it exists.
        len: Option<u64>,
    },
    /// The read position lies behind the write position; reading starts at the first data file that exists.
    ReadBeyondWrite {
        /// Where the metadata says that the next record to read is.
        read: Position,
        /// Where the metadata says that the next record will be written.
        write: Position,
    },
    /// There are data files before the read position, and the metadata does not prove by its depth that it can be
    /// believed; reading starts at the first data file that exists.
    ReadPositionDoubtful {
        /// Where the metadata says that the next record to read is.
        read: Position,
        /// Records from there on, according to the metadata.
        depth: i64,
    },
    /// There was no way to know the depth but to count the records in the files.
    Recounted {
        /// According to the metadata.
        depth_before: i64,
        /// According to the files.
        depth: u64,
    },
    /// What stands at a place of a data file is not a record.
    Damaged {
        /// The data file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        fault: Fault,
    },
    /// A damaged part of a data file was passed over.
    Skipped {
        /// The data file.
        path: PathBuf,
        /// Start of the part.
        from: u64,
        /// End of the part: the next record, or the end of the file.
        to: u64,
        /// Where its bytes are kept now. Without, the whole data file will be kept when all of its records are
        /// consumed.
        saved: Option<PathBuf>,
    },
    /// A sync failed, and then a part of a data file could not be read back as it had been written. Its records
    /// are lost, though they were appended without an error.
    LostAfterFailedSync {
        /// The data file.
        path: PathBuf,
        /// Where the part that was not safe begins.
        from: u64,
    },
    /// A data file that held damage was set aside after its last record was consumed.
    SetAside {
        /// The data file.
        path: PathBuf,
        /// Its new name.
        to: PathBuf,
    },
    /// The depth did not fit the records that were there, found when there was nothing more to read.
    DepthAtTail {
        /// Records that were expected beyond the tail; negative if more were found than expected.
        surplus: i64,
    },
    /// It could not be written down which records are deferred: after the next start they are not.
    DuesLost {
        /// What went wrong.
        cause: String,
    },
    /// A file that is not needed any more could not be removed; it stays.
    RemoveFailed {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: String,
    },
}

/// What is wrong with a part of a data file, displayed in upstream's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The file does not exist.
    Missing,
    /// The file ends before the place where a record should be.
    End,
    /// The file ends within a record.
    Truncated,
    /// The length of a record is impossible.
    RecordLen(i32),
    /// The length of a record is possible, but neither its content nor what follows it looks like a record.
    Implausible,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no such file or directory"),
            Self::End => f.write_str("EOF"),
            Self::Truncated => f.write_str("unexpected EOF"),
            Self::RecordLen(len) => write!(f, "invalid message read size ({len})"),
            Self::Implausible => f.write_str("no record"),
        }
    }
}

impl Event {
    /// How much attention it deserves.
    pub fn level(&self) -> Level {
        match self {
            Self::OpenedForWriting { .. }
            | Self::OpenedForReading { .. }
            | Self::Emptying
            | Self::Closing
            | Self::Deleting => Level::Info,
            Self::MetadataBehind { .. }
            | Self::Recounted { .. }
            | Self::Skipped { .. }
            | Self::SetAside { .. } => Level::Warning,
            Self::MetadataUnreadable { .. }
            | Self::MetadataAhead { .. }
            | Self::ReadBeyondWrite { .. }
            | Self::ReadPositionDoubtful { .. }
            | Self::Damaged { .. }
            | Self::DepthAtTail { .. }
            | Self::LostAfterFailedSync { .. }
            | Self::DuesLost { .. }
            | Self::RemoveFailed { .. } => Level::Error,
        }
    }

    /// The line for the log, with the name of the queue; upstream's words where upstream has such a line.
    pub fn log_line(&self, queue: &str) -> String {
        let separator = if self.level() == Level::Info { ": " } else { " " };
        format!("DISKQUEUE({queue}){separator}{self}")
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenedForWriting { path } => write!(f, "writeOne() opened {}", path.display()),
            Self::OpenedForReading { path } => write!(f, "readOne() opened {}", path.display()),
            Self::Emptying => f.write_str("emptying"),
            Self::Closing => f.write_str("closing"),
            Self::Deleting => f.write_str("deleting"),
            Self::MetadataUnreadable { cause } => write!(f, "failed to retrieveMetaData - {cause}"),
            Self::MetadataBehind {
                path,
                write_offset,
                len,
            } => write!(
                f,
                "{} metadata writePos {write_offset} < file size of {len}, skipping to new file",
                path.display()
            ),
            Self::MetadataAhead {
                path,
                write_offset,
                len,
            } => write!(
                f,
                "{} metadata writePos {write_offset} > file size of {}, data loss, skipping to new file",
                path.display(),
                len.unwrap_or(0)
            ),
            Self::ReadBeyondWrite { read, write } => {
                write!(
                    f,
                    "read position {read} > write position {write}, corruption, starting at the first file"
                )
            }
            Self::ReadPositionDoubtful { read, depth } => {
                write!(
                    f,
                    "metadata depth {depth} does not match what follows {read}, starting at the first file"
                )
            }
            Self::Recounted { depth_before, depth } => {
                write!(
                    f,
                    "metadata depth {depth_before} does not match the files, counted {depth}"
                )
            }
            Self::Damaged { path, offset, fault } => {
                write!(f, "reading at {offset} of {} - {fault}", path.display())
            }
            Self::Skipped {
                path,
                from,
                to,
                saved: Some(saved),
            } => {
                write!(
                    f,
                    "skipping {from}-{to} of {}, saving it as {}",
                    path.display(),
                    saved.display()
                )
            }
            Self::Skipped {
                path,
                from,
                to,
                saved: None,
            } => {
                write!(f, "skipping {from}-{to} of {}, keeping the file", path.display())
            }
            Self::LostAfterFailedSync { path, from } => {
                write!(
                    f,
                    "part of {} from {from} on was lost by the operating system after a failed sync",
                    path.display()
                )
            }
            Self::SetAside { path, to } => {
                write!(f, "saving bad file {} as {}", path.display(), to.display())
            }
            Self::DepthAtTail { surplus } if *surplus >= 0 => {
                write!(f, "positive depth at tail ({surplus}), data loss, resetting 0...")
            }
            Self::DepthAtTail { surplus } => {
                write!(
                    f,
                    "negative depth at tail ({surplus}), metadata corruption, resetting 0..."
                )
            }
            Self::DuesLost { cause } => write!(f, "failed to keep the times of deferred messages - {cause}"),
            Self::RemoveFailed { path, cause } => write!(f, "failed to Remove({}) - {cause}", path.display()),
        }
    }
}
