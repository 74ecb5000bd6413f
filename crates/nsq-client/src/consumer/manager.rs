//! The task that does what is due at some time: ends pauses, gives others a turn.

use std::future::poll_fn;
use std::sync::Arc;

use super::shared::Shared;

/// Runs until the consumer has stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    tokio::select! {
        () = tend(&shared) => {}
        () = shared.ended.triggered() => {}
    }
}

async fn tend(shared: &Shared) {
    let clock = &shared.dialer.clock;
    let mut timer = clock.timer();
    loop {
        // Made before the look, so that no change is missed.
        let changed = shared.manager.notified();
        timer.arm(shared.run_timers(clock.now()));
        tokio::select! {
            () = changed => {}
            () = poll_fn(|cx| timer.poll_elapsed(cx)) => {}
        }
    }
}
