//! Keeps the metadata file in step with the topics and channels.

use std::fmt;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use nsq_core::StorageError;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Nsqd;
use crate::metadata::file_path;

/// Writes the metadata file on a thread of its own, once for all changes that came since the last write.
///
/// # Differs from upstream
/// Upstream rewrites and syncs the file for each change, and after nsqlookupd has been told of it.
pub(super) struct Keeper {
    nsqd: Weak<Nsqd>,
    /// Holds at most one request: the write that follows it covers all changes before.
    requests: Sender<()>,
    pending: Receiver<()>,
    waiting: Mutex<Vec<oneshot::Sender<Result<(), StorageError>>>>,
    /// Counts requests; the file covers those up to `saved`.
    requested: AtomicU64,
    saved: AtomicU64,
    /// The last write failed.
    is_failing: AtomicBool,
}

/// How soon a write that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// What the health of the file is listed under, among those of the queues.
const PART: &str = "nsqd.dat";

impl Keeper {
    pub(super) fn new(nsqd: Weak<Nsqd>) -> Self {
        let (requests, pending) = crossbeam_channel::bounded(1);
        Self {
            nsqd,
            requests,
            pending,
            waiting: Mutex::default(),
            requested: AtomicU64::new(0),
            saved: AtomicU64::new(0),
            is_failing: AtomicBool::new(false),
        }
    }

    pub(super) fn start(&self) -> std::io::Result<()> {
        let (nsqd, pending) = (self.nsqd.clone(), self.pending.clone());
        nsq_runtime::spawn_thread("metadata", move || {
            // Ends with the daemon, which holds the other end.
            let mut wait = pending.recv().map_err(|_| RecvTimeoutError::Disconnected);
            while wait != Err(RecvTimeoutError::Disconnected) {
                let Some(owner) = nsqd.upgrade() else { return };
                let worked = owner.keeper.write(&owner);
                drop(owner);
                wait = if worked {
                    pending.recv().map_err(|_| RecvTimeoutError::Disconnected)
                } else {
                    pending.recv_timeout(RETRY_AFTER)
                };
            }
        })?;
        Ok(())
    }

    /// Whether the file knows of all changes that were requested to be written.
    pub(super) fn is_saved(&self) -> bool {
        self.saved.load(Ordering::Acquire) >= self.requested.load(Ordering::Acquire)
    }

    /// Whether the file could not be written the last time.
    pub(super) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Acquire)
    }

    pub(super) fn request(&self) {
        self.requested.fetch_add(1, Ordering::AcqRel);
        // Full: the write that is to come covers this change as well.
        let _ = self.requests.try_send(());
    }

    pub(super) async fn persist(&self) -> Result<(), StorageError> {
        let (waiting, written) = oneshot::channel();
        self.waiting.lock().push(waiting);
        self.request();
        written.await.unwrap_or(Ok(()))
    }

    /// Returns whether that worked.
    fn write(&self, nsqd: &Nsqd) -> bool {
        let covers = self.requested.load(Ordering::Acquire);
        let waiting = std::mem::take(&mut *self.waiting.lock());
        let data_path = &nsqd.options.data_path;
        tracing::info!(
            "NSQ: persisting topic/channel metadata to {}",
            file_path(data_path).display()
        );
        let outcome = nsqd.metadata().store(data_path).map_err(|error| {
            tracing::error!("failed to persist metadata - {error}");
            StorageError::new(error)
        });
        nsqd.core.set_health(PART, outcome.as_ref().err());
        self.is_failing.store(outcome.is_err(), Ordering::Release);
        if outcome.is_ok() {
            self.saved.fetch_max(covers, Ordering::AcqRel);
        }
        for waiter in waiting {
            // Whoever has stopped waiting is not told.
            let _ = waiter.send(outcome.clone());
        }
        outcome.is_ok()
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}
