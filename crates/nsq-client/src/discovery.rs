//! Asking nsqlookupd where a topic is.
//!
//! All nsqlookupds are asked at once, and what any of them knows counts as soon as it says so. An nsqd that is missing
//! from the answers is not disconnected: it may only have lost its nsqlookupd.
//!
//! Upstream: go-nsq consumer.go, `lookupdLoop`, `queryLookupd`; `api_request.go`.

mod ask;
mod lookupd;
mod survey;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::ask::{Asker, Failure};
pub(crate) use self::lookupd::Lookupd;
pub(crate) use self::survey::{Answer, Survey};
use crate::consumer::Shared;
use crate::random::Random;
use crate::retry::Retry;
use crate::{Config, Event};

/// Time between two polls, however often connections are lost.
const SPACING: Duration = Duration::from_millis(100);

/// Polls until the consumer stops: once at once, then after a random part of the interval, then at every
/// interval; and before its time when a connection was lost, or an nsqd that was found could not be reached.
pub(crate) async fn run(shared: Arc<Shared>) {
    let asker = Asker::new(&shared.dialer);
    let mut pace = Pace::new(&shared);
    let mut survey = Survey::new(&asker, Some(("topic", shared.topic.as_str())));
    let polling = async {
        loop {
            shared
                .lookupds()
                .into_iter()
                .for_each(|lookupd| survey.ask(lookupd));
            let mut next_poll = pin!(pace.wait());
            loop {
                tokio::select! {
                    () = &mut next_poll => break,
                    (lookupd, answer) = survey.next() => take_in(&shared, &lookupd, answer),
                }
            }
        }
    };
    tokio::select! {
        () = polling => {}
        () = shared.stop.triggered() => {}
    }
}

/// When to poll next.
struct Pace<'a> {
    shared: &'a Shared,
    /// How long to wait if nothing happens.
    interval: Duration,
    /// Puts off polls for an nsqd that cannot be reached: it may be starting, or be gone for good.
    retry: Retry,
}

impl<'a> Pace<'a> {
    fn new(shared: &'a Shared) -> Self {
        let Config {
            lookupd_poll_interval,
            lookupd_poll_jitter,
            ..
        } = shared.dialer.config;
        Self {
            shared,
            interval: lookupd_poll_interval.mul_f64(lookupd_poll_jitter * Random::new().fraction()),
            retry: Retry::up_to(lookupd_poll_interval),
        }
    }

    async fn wait(&mut self) {
        let Shared {
            dialer,
            poll_now,
            unreachable,
            ..
        } = self.shared;
        let clock = &dialer.clock;
        let earliest = clock.now() + SPACING.min(self.interval);
        let mut due = clock.now() + self.interval;
        self.interval = dialer.config.lookupd_poll_interval;
        let mut all_reached = true;
        loop {
            tokio::select! {
                () = clock.sleep_until(due) => break,
                () = poll_now.notified() => due = due.min(earliest.max(clock.now())),
                () = unreachable.notified() => {
                    all_reached = false;
                    due = due.min(clock.now() + self.retry.wait());
                }
            }
        }
        if all_reached {
            self.retry.reset();
        }
    }
}

/// Connects to what an nsqlookupd knows.
fn take_in(shared: &Arc<Shared>, lookupd: &Lookupd, answer: Answer) {
    let mut found = match answer {
        Ok(found) => found,
        Err(failure) => {
            tracing::error!(
                "{} error querying nsqlookupd ({}) - {failure}",
                shared.prefix(),
                lookupd.address
            );
            shared.emit(&Event::LookupFailed {
                nsqlookupd: lookupd.address.clone(),
                reason: failure.to_string(),
            });
            return;
        }
    };
    if let Some(filter) = &shared.hooks.discovery_filter {
        found = filter(found);
    }
    for address in found {
        // Those that are connected already are no news.
        let _ = shared.connect(&address);
    }
}
