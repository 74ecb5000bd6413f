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
            let mut state = self.state.lock();
            if self.stopping.swap(true, Ordering::AcqRel) {
                return;
            }
            // What is given back from here on is not to come again at once.
            Self::close_links(&mut state);
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
    shared.emit(&Event::Stopped);
    shared.ended.trigger();
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use nsq_runtime::ManualClock;
    use nsq_testkit::peer::Peer;

    use super::*;
    use crate::Consumer;

    #[test]
    fn a_message_that_is_held_for_ever_does_not_keep_the_consumer() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let time = ManualClock::new();
        let builder = Consumer::builder("t", "c")
            .nsqd(listener.local_addr().unwrap().to_string())
            .clock(time.clock());
        let (starting, peer) = std::thread::scope(|scope| {
            let starting = scope.spawn(|| runtime.block_on(builder.stream()));
            let peer = Peer::accept_consumer(&listener, "t", "c");
            (starting.join().unwrap(), peer)
        });
        let (mut messages, mut peer) = (starting.unwrap(), peer);
        peer.expect_line("RDY 1");
        peer.send_message(1, 1, "held");
        let held = runtime.block_on(messages.next()).unwrap();
        let consumer = messages.consumer().clone();
        consumer.begin_stop();
        peer.expect_line("CLS");
        peer.send_response("CLOSE_WAIT");
        runtime.block_on(async {
            tokio::join!(consumer.stopped(), async {
                // The timer may not have been set yet when the time first moves.
                while !consumer.shared.ended.is_triggered() {
                    time.advance(STOP_PATIENCE);
                    tokio::task::yield_now().await;
                }
            })
        });
        peer.expect_closed();
        assert!(runtime.block_on(messages.next()).is_none());
        held.finish();
    }
}
