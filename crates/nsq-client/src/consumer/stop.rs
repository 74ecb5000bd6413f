//! How a consumer ends.
//!
//! 1. Nothing is connected any more, and every connection is asked to send no more messages.
//! 2. What has been received is handled and answered; each connection ends with its last answer.
//! 3. The handlers end, and the consumer has stopped. After [`STOP_PATIENCE`] it has in any case.
//!
//! Upstream: go-nsq consumer.go, `Stop`, `exit`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::shared::Shared;
use crate::Event;

/// How long what is in flight may take. Upstream: go-nsq consumer.go.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

impl Shared {
    /// Begins to stop; later calls change nothing.
    pub(super) fn begin_stop(&self) {
        let leave: Vec<_> = {
            let state = self.state.lock();
            if self.stopping.swap(true, Ordering::AcqRel) {
                return;
            }
            state.addresses.values().cloned().collect()
        };
        tracing::info!("{} stopping...", self.prefix());
        self.stop.trigger();
        for connection in leave {
            connection.trigger();
        }
    }
}

/// Waits until the consumer is to stop, and sees it through.
pub(super) async fn run(shared: Arc<Shared>) {
    shared.stop.triggered().await;
    tokio::select! {
        () = connections_ended(&shared) => {}
        () = shared.dialer.clock.sleep(STOP_PATIENCE) => {
            tracing::warn!("{} not all messages were answered in {STOP_PATIENCE:?}", shared.prefix());
        }
    }
    shared.queue.close(false);
    tracing::info!("{} consumer stopped", shared.prefix());
    shared.ended.trigger();
    shared.emit(&Event::Stopped);
}

async fn connections_ended(shared: &Shared) {
    loop {
        let changed = shared.departed.notified();
        if shared.state.lock().addresses.is_empty() {
            return;
        }
        changed.await;
    }
}
