//! Publishes whose messages are on their way to the disk.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use nsq_core::{PublishError, Topic};
use nsq_protocol::command::Verb;

/// Publishes that may wait at once. They share their writes and syncs, so that a connection that does not wait
/// for each answer is not slowed down by each.
const UNSETTLED_MAX: usize = 256;

/// Bytes of bodies that may wait, unless one publish alone has more.
const UNSETTLED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A publish whose messages are not safe yet.
pub(super) struct Unsettled {
    pub(super) verb: Verb,
    pub(super) topic: Arc<Topic>,
    /// Messages.
    pub(super) count: usize,
    /// Bytes of their bodies.
    pub(super) bytes: usize,
    pub(super) outcome: Pin<Box<dyn Future<Output = Result<(), PublishError>> + Send>>,
}

/// The publishes of a connection that are not answered yet, oldest first: answers keep the order of commands.
#[derive(Default)]
pub(super) struct UnsettledQueue {
    publishes: VecDeque<Unsettled>,
    bytes: usize,
    /// A command waits that must not be executed before all of them are answered.
    pub(super) holds_back: bool,
}

impl UnsettledQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.publishes.is_empty()
    }

    /// Whether another command may be looked at.
    pub(super) fn has_room(&self) -> bool {
        !self.holds_back && self.publishes.len() < UNSETTLED_MAX && self.bytes < UNSETTLED_BYTES_MAX
    }

    pub(super) fn push(&mut self, publish: Unsettled) {
        self.bytes += publish.bytes;
        self.publishes.push_back(publish);
    }

    /// The oldest one, once it is known what became of it.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(Unsettled, Result<(), PublishError>)> {
        let Some(oldest) = self.publishes.front_mut() else {
            return Poll::Pending;
        };
        let Poll::Ready(outcome) = oldest.outcome.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        let Some(publish) = self.publishes.pop_front() else {
            return Poll::Pending;
        };
        self.bytes -= publish.bytes;
        if self.publishes.is_empty() {
            self.holds_back = false;
            // Mostly there is none, and a connection is to cost little.
            self.publishes.shrink_to(0);
        }
        Poll::Ready((publish, outcome))
    }
}
