//! From topics and channels to the file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nsq_app::VERSION;
use serde::Serialize;

use super::{ChannelMeta, Metadata, MetadataError, TopicMeta, file_path};

/// Only the user that runs nsqd may read what its topics are.
const FILE_MODE: u32 = 0o600;

/// Temporary names are random, so a second clash in a row means that something else is wrong.
const NAME_ATTEMPTS_MAX: usize = 8;

impl Metadata {
    /// The content of the file. Ephemeral topics and channels are left out.
    #[expect(
        clippy::missing_panics_doc,
        reason = "nothing in the file can fail to serialise"
    )]
    pub fn to_bytes(&self) -> Vec<u8> {
        let topics: Vec<_> = self
            .topics
            .iter()
            .filter(|topic| !topic.name.is_ephemeral())
            .map(TopicJson::from)
            .collect();
        let file = FileJson {
            topics: none_if_empty(topics),
            version: VERSION,
        };
        #[expect(
            clippy::expect_used,
            reason = "strings, booleans and lists of them always serialise"
        )]
        serde_json::to_vec(&file).expect("metadata serialises")
    }

    /// Replaces the file of `data_path`. Whenever the process or the machine stops, either the file
    /// before or this one is there, whole; when this returns it is this one.
    ///
    /// # Errors
    /// A file cannot be made, written, synced or renamed. The file before is still there, unless only
    /// the last step failed, the sync of the directory.
    pub fn store(&self, data_path: &Path) -> Result<(), MetadataError> {
        let path = file_path(data_path);
        let (temporary, file) = create_temporary(&path)?;
        let written = write_synced(file, &temporary, &self.to_bytes())
            .and_then(|()| fs::rename(&temporary, &path).map_err(failed("rename", &temporary)));
        if written.is_err() {
            // What is left of it is worth nothing, and the error that matters is the first one.
            let _ = fs::remove_file(&temporary);
        }
        written?;
        sync_directory(data_path)
    }
}

#[derive(Serialize)]
struct FileJson<'a> {
    topics: Option<Vec<TopicJson<'a>>>,
    version: &'static str,
}

#[derive(Serialize)]
struct TopicJson<'a> {
    name: &'a str,
    paused: bool,
    channels: Option<Vec<ChannelJson<'a>>>,
}

#[derive(Serialize)]
struct ChannelJson<'a> {
    name: &'a str,
    paused: bool,
}

impl<'a> From<&'a TopicMeta> for TopicJson<'a> {
    fn from(topic: &'a TopicMeta) -> Self {
        let channels: Vec<_> = topic
            .channels
            .iter()
            .filter(|channel| !channel.name.is_ephemeral())
            .map(ChannelJson::from)
            .collect();
        Self {
            name: topic.name.as_str(),
            paused: topic.paused,
            channels: none_if_empty(channels),
        }
    }
}

impl<'a> From<&'a ChannelMeta> for ChannelJson<'a> {
    fn from(channel: &'a ChannelMeta) -> Self {
        Self {
            name: channel.name.as_str(),
            paused: channel.paused,
        }
    }
}

/// Upstream writes `null` for a list without items.
fn none_if_empty<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

/// Makes `<path>.<random number>.tmp`, upstream's name for it.
fn create_temporary(path: &Path) -> Result<(PathBuf, File), MetadataError> {
    let mut attempts = 0;
    loop {
        let mut name = OsString::from(path);
        name.push(format!(".{}.tmp", random_number()));
        let temporary = PathBuf::from(name);
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&temporary);
        attempts += 1;
        match created {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempts < NAME_ATTEMPTS_MAX => {}
            Err(source) => return Err(failed("open", &temporary)(source)),
        }
    }
}

/// A number of at most 63 bits. Each hasher of the standard library is keyed differently.
fn random_number() -> u64 {
    RandomState::new().hash_one(()) >> 1
}

fn write_synced(mut file: File, path: &Path, bytes: &[u8]) -> Result<(), MetadataError> {
    file.write_all(bytes).map_err(failed("write", path))?;
    file.sync_all().map_err(failed("sync", path))
}

/// Without this a power loss can undo the rename. Upstream leaves it out.
fn sync_directory(data_path: &Path) -> Result<(), MetadataError> {
    let path = if data_path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        data_path
    };
    File::open(path)
        .map_err(failed("open", path))?
        .sync_all()
        .map_err(failed("sync", path))
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MetadataError {
    let path = path.to_owned();
    move |source| MetadataError::Write {
        path,
        operation,
        source,
    }
}
