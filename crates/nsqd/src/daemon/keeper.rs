//! Keeps the metadata file in step with the topics and channels.

use std::fmt;
use std::sync::Weak;

use crossbeam_channel::{Receiver, Sender};
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
}

impl Keeper {
    pub(super) fn new(nsqd: Weak<Nsqd>) -> Self {
        let (requests, pending) = crossbeam_channel::bounded(1);
        Self {
            nsqd,
            requests,
            pending,
            waiting: Mutex::default(),
        }
    }

    pub(super) fn start(&self) -> std::io::Result<()> {
        let (nsqd, pending) = (self.nsqd.clone(), self.pending.clone());
        nsq_runtime::spawn_thread("metadata", move || {
            // Ends with the daemon, which holds the other end.
            while pending.recv().is_ok() {
                let Some(nsqd) = nsqd.upgrade() else { return };
                nsqd.keeper.write(&nsqd);
            }
        })?;
        Ok(())
    }

    pub(super) fn request(&self) {
        // Full: the write that is to come covers this change as well.
        let _ = self.requests.try_send(());
    }

    pub(super) async fn persist(&self) -> Result<(), StorageError> {
        let (waiting, written) = oneshot::channel();
        self.waiting.lock().push(waiting);
        self.request();
        written.await.unwrap_or(Ok(()))
    }

    fn write(&self, nsqd: &Nsqd) {
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
        for waiter in waiting {
            // Whoever has stopped waiting is not told.
            let _ = waiter.send(outcome.clone());
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}
