//! Reading the file again.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use nsq_app::Hangups;
use parking_lot::RwLock;

use super::options::Options;
use super::policy::Policy;

/// The policy in force. Who decides by it holds on to it, not to the lock.
pub(super) type Current = Arc<RwLock<Arc<Policy>>>;

/// Time between two looks at the file. A look is one system call; notifications by the kernel would miss
/// files that are exchanged behind a symbolic link, as orchestrators do it.
const INTERVAL: Duration = Duration::from_secs(1);

/// Asks for the file to be read.
#[derive(Debug)]
pub(super) struct Reloader {
    /// Holds one request at most: the reading that follows it is as good for a second.
    requests: Sender<()>,
}

/// Reads the file whenever it looks different from `seen`, which is from before it was read for `current`. A
/// thread of its own does so until the reloader is dropped.
///
/// # Errors
/// The operating system refuses the thread.
pub(super) fn start(options: &Options, seen: Option<Signature>, current: Current) -> io::Result<Reloader> {
    let (requests, pending) = bounded(1);
    let mut watch = Watch {
        path: options.data_file.clone(),
        anchor: options.anchor,
        seen,
        current,
    };
    nsq_runtime::spawn_thread("reload", move || watch.run(&pending))?;
    Ok(Reloader { requests })
}

impl Reloader {
    /// Has the file read at every one of `hangups`.
    pub(super) async fn reload_at(&self, mut hangups: Hangups) -> Infallible {
        loop {
            hangups.next().await;
            // Full: the reading to come is later than this signal.
            let _ = self.requests.try_send(());
        }
    }
}

struct Watch {
    path: PathBuf,
    anchor: bool,
    /// What the file looked like when it was last read.
    seen: Option<Signature>,
    current: Current,
}

/// What changes when a file is written or exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    device: u64,
    inode: u64,
    size: u64,
    changed_at: (i64, i64),
}

impl Signature {
    /// `None` if there is no such file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            // The change time: unlike the modification time it cannot be set.
            changed_at: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

impl Watch {
    fn run(&mut self, pending: &Receiver<()>) {
        loop {
            match pending.recv_timeout(INTERVAL) {
                Ok(()) => self.read(Signature::of(&self.path)),
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn look(&mut self) {
        let signature = Signature::of(&self.path);
        if signature != self.seen {
            self.read(signature);
        }
    }

    /// Reads the file, which just looked so, and puts what it says in force. A file that cannot be used changes
    /// nothing. What is written meanwhile is found at the next look.
    fn read(&mut self, signature: Option<Signature>) {
        self.seen = signature;
        let path = self.path.display();
        match Policy::load(&self.path, self.anchor) {
            Ok(policy) => {
                let policy = Arc::new(policy);
                *self.current.write() = Arc::clone(&policy);
                // Whoever reads the line can rely on it.
                tracing::info!("{path}: {policy}");
                policy.log_warnings();
            }
            Err(error) => {
                tracing::error!("failed to read {path}, what was read before stays in force - {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "[[identity]]\nname = \"a\"\nsecret = \"x\"\n";

    fn watch(path: &Path) -> Watch {
        Watch {
            path: path.to_owned(),
            anchor: false,
            seen: None,
            current: Arc::default(),
        }
    }

    #[test]
    fn a_file_that_is_written_exchanged_or_broken_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.toml");
        fs::write(&path, ONE).unwrap();
        let mut watch = watch(&path);
        let entries = |watch: &Watch| watch.current.read().to_string();
        watch.look();
        assert_eq!(entries(&watch), "entries: 1, authorizations: 0");

        fs::write(&path, [ONE, ONE].concat()).unwrap();
        watch.look();
        assert_eq!(entries(&watch), "entries: 2, authorizations: 0");

        for broken in ["[[", ""] {
            fs::write(&path, format!("{broken}nonsense")).unwrap();
            watch.look();
        }
        fs::remove_file(&path).unwrap();
        watch.look();
        assert_eq!(entries(&watch), "entries: 2, authorizations: 0");

        let other = directory.path().join("new");
        fs::write(&other, ONE).unwrap();
        fs::rename(&other, &path).unwrap();
        watch.look();
        assert_eq!(entries(&watch), "entries: 1, authorizations: 0");
    }

    #[test]
    fn a_file_that_has_not_changed_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.toml");
        fs::write(&path, ONE).unwrap();
        let mut watch = watch(&path);
        watch.look();
        let before = Arc::clone(&watch.current.read());
        watch.look();
        assert!(Arc::ptr_eq(&before, &watch.current.read()));
    }
}
