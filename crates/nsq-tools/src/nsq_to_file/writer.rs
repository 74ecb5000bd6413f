//! The files of one topic: which one is open, what is in it, when the next one begins.
//!
//! Nothing here knows of messages or threads. Whoever [writes](Writer::write) a body may take it for safe after the
//! next [`sync`](Writer::sync), not before.
//!
//! Upstream: `apps/nsq_to_file/file_logger.go`.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use nsq_flags::GoDuration;
use nsq_flags::text::os_error;
use nsq_runtime::Moment;

use super::disk::{Disk, OpenFile, Opening};
use super::name::TopicNaming;

/// Bytes that wait for a write. A member of a compressed file waits for its end, so that whoever kills the process
/// finds whole members; one that gets this long is written in parts.
const BUFFER_SIZE_MAX: usize = 4 * 1024 * 1024;

/// How files are written and when the next one begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// How much to compress, if at all.
    pub(super) gzip: Option<Compression>,
    /// Bytes, before compression, after which a file is finished.
    pub(super) rotate_size: Option<u64>,
    /// Age at which a file is finished.
    pub(super) rotate_interval: Option<Duration>,
    /// Files are opened for messages only, not because it is time for them.
    pub(super) skip_empty_files: bool,
}

impl Settings {
    fn opening(&self) -> Opening {
        if self.gzip.is_some() || self.rotate_interval.is_some() {
            Opening::Exclusive
        } else {
            Opening::Append
        }
    }
}

/// The present, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) moment: Moment,
    pub(super) wall_ns: i64,
}

/// An operation on a file that failed. What was not synced is not safe.
#[derive(Debug)]
pub(super) struct Failure {
    what: &'static str,
    path: PathBuf,
    cause: io::Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}",
            self.what,
            self.path.display(),
            os_error(&self.cause)
        )
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// Writes the files of one topic, one after the other.
#[derive(Debug)]
pub(super) struct Writer<D: Disk> {
    disk: D,
    settings: Settings,
    naming: TopicNaming,
    /// What log lines begin with: topic and channel.
    label: String,
    /// The name of the current or last file, before it is revised; empty before the first.
    name: String,
    revision: u64,
    open: Option<Open<D::File>>,
}

/// The file that is being written.
#[derive(Debug)]
struct Open<F> {
    file: F,
    path: PathBuf,
    opened_at: Moment,
    /// Bytes before compression, with those that were there when it was opened.
    size: u64,
    buffer: Buffer,
    /// The length of the file up to which everything is complete and synced.
    safe_len: u64,
    /// Something was written since the last sync.
    is_dirty: bool,
    /// Nothing has ever been written to it.
    is_empty: bool,
}

/// What is to be written next.
#[derive(Debug)]
enum Buffer {
    Plain(Vec<u8>),
    /// With the member that has been begun, if one has.
    Gzip(Compression, Option<Box<GzEncoder<Vec<u8>>>>),
}

impl<D: Disk> Writer<D> {
    pub(super) fn new(disk: D, settings: Settings, naming: TopicNaming, label: String) -> Self {
        Self {
            disk,
            settings,
            naming,
            label,
            name: String::new(),
            revision: 0,
            open: None,
        }
    }

    /// Whether the next body belongs into another file than the current one, which is then the reason.
    fn rotation(&mut self, now: Now) -> Option<String> {
        let Some(open) = &self.open else {
            return Some(String::new());
        };
        let name = self.naming.at(now.wall_ns);
        if name != self.name {
            return Some(format!("new filename {name}, rotating..."));
        }
        if let Some(interval) = self.settings.rotate_interval
            && now.moment.since(open.opened_at) > interval
        {
            return Some(format!(
                "{} since last open, rotating...",
                GoDuration::from(now.moment.since(open.opened_at))
            ));
        }
        if let Some(size_max) = self.settings.rotate_size
            && open.size > size_max
        {
            return Some(format!(
                "{} currently {} bytes (> {size_max}), rotating...",
                open.path.display(),
                open.size
            ));
        }
        None
    }

    /// Logs why a file is finished, if one is to be.
    fn is_due(&mut self, now: Now) -> bool {
        let Some(reason) = self.rotation(now) else {
            return false;
        };
        if !reason.is_empty() {
            tracing::info!("[{}] {reason}", self.label);
        }
        true
    }

    /// Writes a body and a newline, to the next file if it is time for that. `true` if it was: what was written
    /// before should be synced, since its file is finished.
    ///
    /// # Errors
    /// A file cannot be written, finished or opened.
    pub(super) fn write(&mut self, body: &[u8], now: Now) -> Result<bool, Failure> {
        let is_rotated = self.is_due(now);
        if is_rotated {
            self.open_next(now)?;
        }
        if let Some(open) = &mut self.open {
            open.push(body)?;
        }
        Ok(is_rotated)
    }

    /// Lets readers see what was written, as far as that makes sense before the next sync.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        match &mut self.open {
            Some(open) => open.flush(),
            None => Ok(()),
        }
    }

    /// Makes everything that was written safe.
    ///
    /// # Errors
    /// The file cannot be written or synced.
    pub(super) fn sync(&mut self) -> Result<(), Failure> {
        match &mut self.open {
            Some(open) => open.sync(),
            None => Ok(()),
        }
    }

    /// Does what is due without a message: begins the next file, or only finishes the current one if files without
    /// messages are not wanted.
    ///
    /// # Errors
    /// A file cannot be written, finished or opened.
    pub(super) fn tick(&mut self, now: Now) -> Result<(), Failure> {
        if !self.is_due(now) {
            return Ok(());
        }
        if self.settings.skip_empty_files {
            self.close()
        } else {
            self.open_next(now)
        }
    }

    /// Finishes the current file. The next one is opened when it is needed.
    ///
    /// # Errors
    /// The file cannot be written, synced or moved.
    ///
    /// # Differs from upstream
    /// There, a file that was moved still counts as open, and the next write ends the process.
    pub(super) fn close(&mut self) -> Result<(), Failure> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        open.finish()?;
        let path = open.path.clone();
        self.open = None;
        self.move_finished(&path)
    }

    /// Cuts what is not safe off the current file, after a failure: it will be delivered again.
    pub(super) fn abandon(&mut self) {
        if let Some(mut open) = self.open.take() {
            // The failure itself is being reported.
            let _ = open.file.truncate(open.safe_len);
        }
    }

    fn open_next(&mut self, now: Now) -> Result<(), Failure> {
        self.close()?;
        let name = self.naming.at(now.wall_ns).to_owned();
        self.revision = if name == self.name { self.revision + 1 } else { 0 };
        self.name = name;
        loop {
            if let Some(finished) = self.naming.finished(&self.name, self.revision)
                && self.disk.exists(&finished)
            {
                tracing::warn!(
                    "[{}] output file already exists: {}",
                    self.label,
                    finished.display()
                );
                self.revision += 1;
                continue;
            }
            let path = self.naming.working(&self.name, self.revision);
            let file = match self.disk.open(&path, self.settings.opening()) {
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists
                        && self.settings.opening() == Opening::Exclusive =>
                {
                    tracing::warn!("[{}] working file already exists: {}", self.label, path.display());
                    self.revision += 1;
                    continue;
                }
                opened => {
                    opened.map_err(|cause| failure("failed to open output file: open", &path, cause))?
                }
            };
            let open = Open::new(file, path, now.moment, self.settings.gzip)?;
            if self
                .settings
                .rotate_size
                .is_some_and(|size_max| open.size > size_max)
            {
                self.revision += 1;
                continue;
            }
            tracing::info!("[{}] opening {}", self.label, open.path.display());
            self.open = Some(open);
            return Ok(());
        }
    }

    /// Moves a finished file to where finished files are, under a name that nothing has there.
    fn move_finished(&mut self, path: &Path) -> Result<(), Failure> {
        let mut is_renamed = false;
        while let Some(finished) = self.naming.finished(&self.name, self.revision) {
            if !is_renamed {
                tracing::info!(
                    "[{}] moving finished file {} to {}",
                    self.label,
                    path.display(),
                    finished.display()
                );
            }
            match self.disk.move_to_new(path, &finished) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    tracing::warn!(
                        "[{}] destination file already exists: {}",
                        self.label,
                        finished.display()
                    );
                    self.revision += 1;
                    is_renamed = true;
                }
                Err(cause) => return Err(failure("failed to move finished file", path, cause)),
                Ok(()) => {
                    if is_renamed {
                        tracing::info!(
                            "[{}] renamed finished file {} to {} to avoid overwrite",
                            self.label,
                            path.display(),
                            finished.display()
                        );
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl<F: OpenFile> Open<F> {
    fn new(mut file: F, path: PathBuf, now: Moment, gzip: Option<Compression>) -> Result<Self, Failure> {
        let failed = |cause| failure("failed to open output file: open", &path, cause);
        let size = file.len().map_err(failed)?;
        let mut buffer = match gzip {
            Some(level) => Buffer::Gzip(level, None),
            None => Buffer::Plain(Vec::new()),
        };
        // Whoever wrote it was killed: the rest of that line will be delivered again, and not be mixed with ours.
        if let Buffer::Plain(bytes) = &mut buffer
            && file.ends_within_a_line().map_err(failed)?
        {
            bytes.push(b'\n');
        }
        Ok(Self {
            file,
            path,
            opened_at: now,
            size,
            buffer,
            safe_len: size,
            is_dirty: false,
            is_empty: size == 0,
        })
    }

    fn push(&mut self, body: &[u8]) -> Result<(), Failure> {
        self.size = self
            .size
            .saturating_add(u64::try_from(body.len()).unwrap_or(u64::MAX))
            .saturating_add(1);
        self.is_dirty = true;
        self.is_empty = false;
        let buffered = match &mut self.buffer {
            Buffer::Plain(bytes) => {
                bytes.extend_from_slice(body);
                bytes.push(b'\n');
                bytes.len()
            }
            Buffer::Gzip(level, member) => {
                let member = member.get_or_insert_with(|| Box::new(GzEncoder::new(Vec::new(), *level)));
                member
                    .write_all(body)
                    .and_then(|()| member.write_all(b"\n"))
                    .map_err(|cause| failure("writing message to disk: write", &self.path, cause))?;
                member.get_ref().len()
            }
        };
        if buffered >= BUFFER_SIZE_MAX {
            let bytes = match &mut self.buffer {
                Buffer::Plain(bytes) => std::mem::take(bytes),
                Buffer::Gzip(_, member) => member
                    .as_mut()
                    .map(|member| std::mem::take(member.get_mut()))
                    .unwrap_or_default(),
            };
            self.write(&bytes)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if let Buffer::Plain(bytes) = &mut self.buffer {
            let mut bytes = std::mem::take(bytes);
            self.write(&bytes)?;
            bytes.clear();
            self.buffer = Buffer::Plain(bytes);
        }
        Ok(())
    }

    fn end_member(&mut self) -> Result<(), Failure> {
        if let Buffer::Gzip(_, member) = &mut self.buffer
            && let Some(member) = member.take()
        {
            let bytes = member
                .finish()
                .map_err(|cause| failure("failed to end gzip member: write", &self.path, cause))?;
            self.write(&bytes)?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.file
            .append(bytes)
            .map_err(|cause| failure("writing message to disk: write", &self.path, cause))
    }

    fn sync(&mut self) -> Result<(), Failure> {
        if !self.is_dirty {
            return Ok(());
        }
        self.flush()?;
        self.end_member()?;
        let failed = |cause| failure("failed to fsync output file: sync", &self.path, cause);
        self.file.sync().map_err(failed)?;
        self.safe_len = self.file.len().map_err(failed)?;
        self.is_dirty = false;
        Ok(())
    }

    /// Completes the file. A compressed one is valid even if nothing was ever written to it.
    fn finish(&mut self) -> Result<(), Failure> {
        if let Buffer::Gzip(level, member @ None) = &mut self.buffer
            && self.is_empty
        {
            *member = Some(Box::new(GzEncoder::new(Vec::new(), *level)));
            self.is_dirty = true;
        }
        self.sync()
    }
}

fn failure(what: &'static str, path: &Path, cause: io::Error) -> Failure {
    Failure {
        what,
        path: path.to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests;
