//! What a data directory holds, and that no nsqd changes it meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};

use nsq_app::Exit;
use nsq_flags::text::os_error;
use rustix::fs::{FlockOperation, flock};
use serde::Deserialize;

use super::options::Options;
use crate::shell::fail;

/// A data directory.
#[derive(Debug)]
pub(super) struct Directory {
    queues: BTreeMap<String, Files>,
    /// The queues that `nsqd.dat` speaks of; `None` if it cannot be read.
    known: Option<BTreeSet<String>>,
    /// The content of `nsqd.dat`, if it can be read.
    pub(super) metadata: Option<Vec<u8>>,
    /// The lock goes with the descriptor.
    _lock: Option<File>,
}

/// The data files of a queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Files {
    pub(super) count: u64,
    pub(super) bytes: u64,
}

impl Directory {
    /// Locks the directory against an nsqd, and lists it.
    pub(super) fn open(options: &Options) -> Result<Self, Exit> {
        let path = &options.data_path;
        let failed =
            |error: &std::io::Error| fail(format_args!("open {}: {}", path.display(), os_error(error)));
        let directory = File::open(path).map_err(|error| failed(&error))?;
        // Several of these may look at once; an nsqd takes it for itself alone.
        let lock = match flock(&directory, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Some(directory),
            Err(_) if options.is_live => None,
            Err(errno) => {
                return Err(fail(format_args!(
                    "cannot flock directory {} - {} (in use by an nsqd? with --live, what is found may be moving)",
                    path.display(),
                    os_error(&errno.into())
                )));
            }
        };
        let mut queues = BTreeMap::<String, Files>::new();
        for entry in fs::read_dir(path).map_err(|error| failed(&error))? {
            let entry = entry.map_err(|error| failed(&error))?;
            let name = entry.file_name();
            let Some((queue, is_data)) = name.to_str().and_then(of_queue) else {
                continue;
            };
            if !is_wanted(options, queue) {
                continue;
            }
            let files = queues.entry(queue.to_owned()).or_default();
            if is_data {
                files.count += 1;
                files.bytes += entry.metadata().map_or(0, |metadata| metadata.len());
            }
        }
        let metadata = fs::read(path.join("nsqd.dat")).ok();
        let known = metadata.as_deref().and_then(named_in);
        Ok(Self {
            queues,
            metadata: metadata.filter(|_| known.is_some()),
            known,
            _lock: lock,
        })
    }

    /// The names of all queues that are wanted, topics and channels.
    pub(super) fn queues(&self) -> impl Iterator<Item = &str> {
        self.queues.keys().map(String::as_str)
    }

    pub(super) fn files(&self, queue: &str) -> Files {
        self.queues.get(queue).copied().unwrap_or_default()
    }

    /// Whether an nsqd would open the queue, as far as `nsqd.dat` says.
    pub(super) fn is_known(&self, queue: &str) -> bool {
        self.known.as_ref().is_none_or(|known| known.contains(queue))
    }
}

/// The topic and the channel that a queue is of.
pub(super) fn parts(queue: &str) -> (&str, Option<&str>) {
    queue
        .split_once(':')
        .map_or((queue, None), |(topic, channel)| (topic, Some(channel)))
}

/// The queue that a file belongs to, and whether it is a data file. `None` for what no queue reads.
fn of_queue(file: &str) -> Option<(&str, bool)> {
    let (queue, kind) = file.rsplit_once(".diskqueue.")?;
    if matches!(kind, "meta.dat" | "aside.dat" | "deferred.dat") {
        return Some((queue, false));
    }
    let number = kind.strip_suffix(".dat")?;
    (number.len() >= 6 && number.bytes().all(|byte| byte.is_ascii_digit())).then_some((queue, true))
}

fn is_wanted(options: &Options, queue: &str) -> bool {
    let (topic, channel) = parts(queue);
    options.topic.as_deref().is_none_or(|wanted| wanted == topic)
        && options
            .channel
            .as_deref()
            .is_none_or(|wanted| Some(wanted) == channel)
}

/// The queues that an `nsqd.dat` speaks of; `None` if it is damaged.
fn named_in(metadata: &[u8]) -> Option<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Metadata {
        topics: Option<Vec<Topic>>,
    }
    #[derive(Deserialize)]
    struct Topic {
        name: String,
        channels: Option<Vec<Channel>>,
    }
    #[derive(Deserialize)]
    struct Channel {
        name: String,
    }
    let metadata: Metadata = serde_json::from_slice(metadata).ok()?;
    let mut names = BTreeSet::new();
    for topic in metadata.topics.unwrap_or_default() {
        for channel in topic.channels.unwrap_or_default() {
            names.insert(format!("{}:{}", topic.name, channel.name));
        }
        names.insert(topic.name);
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_whose_they_are() {
        assert_eq!(of_queue("t.diskqueue.000000.dat"), Some(("t", true)));
        assert_eq!(of_queue("t:c.diskqueue.1000000.dat"), Some(("t:c", true)));
        assert_eq!(
            of_queue("a.diskqueue.b.diskqueue.meta.dat"),
            Some(("a.diskqueue.b", false))
        );
        assert_eq!(of_queue("t:c.diskqueue.aside.dat"), Some(("t:c", false)));
        assert_eq!(of_queue("t:c.diskqueue.deferred.dat"), Some(("t:c", false)));
        for other in [
            "nsqd.dat",
            "t.diskqueue.00000.dat",
            "t.diskqueue.000000.dat.bad",
            "t.diskqueue.meta.dat.0.tmp",
        ] {
            assert_eq!(of_queue(other), None, "{other}");
        }
        assert_eq!(parts("t"), ("t", None));
        assert_eq!(parts("t:c"), ("t", Some("c")));
    }
}
