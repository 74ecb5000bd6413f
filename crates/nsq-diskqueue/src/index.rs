//! What a data directory holds, seen once.

use crate::names::{parse_aside, parse_data, parse_dues, parse_metadata_temporary};
use crate::{Action, Error, Storage};
use std::collections::HashMap;
use std::path::Path;

/// What a data directory held when it was listed: spares each of many queues its own listing when they are
/// opened together.
///
/// A queue that is created later finds nothing in the index, which is right: it cannot have left anything.
#[derive(Debug, Default)]
pub struct DirectoryIndex {
    queues: HashMap<String, QueueFiles>,
}

/// What there is of one queue beside its metadata file.
#[derive(Debug, Default, Clone)]
pub(crate) struct QueueFiles {
    /// Numbers of the data files, ascending.
    pub(crate) data: Vec<u64>,
    /// Names of metadata files that were never completed.
    pub(crate) temporary: Vec<String>,
    /// Records are kept aside.
    pub(crate) has_aside: bool,
    /// Some of its records are deferred.
    pub(crate) has_dues: bool,
}

impl DirectoryIndex {
    /// Lists `directory`.
    pub fn scan(storage: &dyn Storage, directory: &Path) -> Result<Self, Error> {
        Self::scan_prefix(storage, directory, "")
    }

    pub(crate) fn scan_prefix(storage: &dyn Storage, directory: &Path, prefix: &str) -> Result<Self, Error> {
        let mut queues: HashMap<String, QueueFiles> = HashMap::new();
        for file_name in storage
            .list(directory, prefix)
            .map_err(Error::io(Action::List, directory))?
        {
            if let Some((queue, number)) = parse_data(&file_name) {
                queues.entry(queue.to_owned()).or_default().data.push(number);
            } else if let Some(queue) = parse_aside(&file_name) {
                queues.entry(queue.to_owned()).or_default().has_aside = true;
            } else if let Some(queue) = parse_dues(&file_name) {
                queues.entry(queue.to_owned()).or_default().has_dues = true;
            } else if let Some(queue) = parse_metadata_temporary(&file_name) {
                queues
                    .entry(queue.to_owned())
                    .or_default()
                    .temporary
                    .push(file_name);
            }
        }
        for files in queues.values_mut() {
            files.data.sort_unstable();
        }
        Ok(Self { queues })
    }

    pub(crate) fn queue(&self, name: &str) -> Option<&QueueFiles> {
        self.queues.get(name)
    }

    /// Whether the queue has, or may have, records that are kept aside.
    pub(crate) fn has_aside(index: Option<&Self>, name: &str) -> bool {
        index.is_none_or(|index| index.queue(name).is_some_and(|files| files.has_aside))
    }

    /// Whether some of its records are, or may be, deferred.
    pub(crate) fn has_dues(index: Option<&Self>, name: &str) -> bool {
        index.is_none_or(|index| index.queue(name).is_some_and(|files| files.has_dues))
    }

    pub(crate) fn into_queue(mut self, name: &str) -> QueueFiles {
        self.queues.remove(name).unwrap_or_default()
    }
}
