//! A clean copy of what can be read.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use nsq_app::{Exit, VERSION};
use nsq_diskqueue::{DiskQueue, FsStorage, RecordBatch};
use nsq_flags::text::os_error;

use super::directory::{Directory, parts};
use super::options::Options;
use super::queue::{Queue, disk_options};
use super::{cannot_print, tell};
use crate::shell::fail;

/// Longest record that may be written: the format's own limit. What is there is not refused for its size.
const RECORD_LEN_MAX: u32 = i32::MAX.cast_unsigned();

/// Writes what waits in each queue to a new directory, which an nsqd, this one or the original, can be started with.
pub(super) fn salvage(options: &Options, directory: &Directory, out: &mut impl Write) -> Result<bool, Exit> {
    let to = &options.output;
    // As private as nsqd's files are.
    let made = DirBuilder::new().mode(0o700).create(to);
    made.map_err(|error| fail(format_args!("mkdir {}: {}", to.display(), os_error(&error))))?;
    let mut is_whole = true;
    for name in directory.queues() {
        let mut queue = Queue::open(options, name)?;
        copy(options, to, &mut queue)?;
        is_whole &= tell(directory, &queue, out)?;
    }
    if directory.metadata.is_none() {
        writeln!(
            out,
            "nsqd.dat cannot be read: the new one has all topics and channels that have files, none paused"
        )
        .map_err(cannot_print)?;
        is_whole = false;
    }
    let metadata = directory.metadata.clone().unwrap_or_else(|| made_of(directory));
    let path = to.join("nsqd.dat");
    fs::write(&path, metadata)
        .map_err(|error| fail(format_args!("write {}: {}", path.display(), os_error(&error))))?;
    Ok(is_whole)
}

fn copy(options: &Options, to: &Path, queue: &mut Queue) -> Result<(), Exit> {
    let mut copy = DiskQueue::open(
        Arc::new(FsStorage),
        nsq_diskqueue::Options {
            record_len_max: RECORD_LEN_MAX,
            // Once, when it is closed: what a crash leaves is begun again.
            syncs_itself: false,
            ..disk_options(options, to, queue.name())
        },
    )
    .map_err(fail)?;
    let mut batch = RecordBatch::new();
    let mut waiting = Vec::new();
    queue.each_block(|records| {
        batch.clear();
        let mut deferred = Vec::new();
        for record in records {
            match record.due_ns {
                Some(due_ns) => deferred.push((due_ns, record.data.to_vec())),
                None => batch.push(&[&record.data]),
            }
        }
        copy.append(&batch).map_err(fail)?;
        if !deferred.is_empty() {
            let first_ticket = copy.defer(&deferred).map_err(fail)?;
            waiting.extend((first_ticket..).zip(deferred.iter().map(|(due_ns, _)| *due_ns)));
        }
        Ok(())
    })?;
    copy.close_deferred(&waiting).map_err(fail)
}

/// An `nsqd.dat` with all topics and channels that have files.
fn made_of(directory: &Directory) -> Vec<u8> {
    let mut topics = BTreeMap::<&str, Vec<serde_json::Value>>::new();
    for (topic, channel) in directory.queues().map(parts) {
        let channels = topics.entry(topic).or_default();
        channels.extend(channel.map(|name| serde_json::json!({"name": name, "paused": false})));
    }
    let topics: Vec<_> = topics
        .into_iter()
        .map(|(name, channels)| serde_json::json!({"name": name, "paused": false, "channels": channels}))
        .collect();
    serde_json::json!({"topics": topics, "version": VERSION})
        .to_string()
        .into_bytes()
}
