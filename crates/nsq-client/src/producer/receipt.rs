//! Waiting for nsqd's answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::Error;

/// The outcome of one command, for all whose messages it carries.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// No answer yet; who waits for it.
    Pending(Vec<Waker>),
    Answered(Result<(), Error>),
}

impl Default for State {
    fn default() -> Self {
        Self::Pending(Vec::new())
    }
}

impl Outcome {
    /// Tells everybody who waits. Only the first answer counts.
    pub(super) fn answer(&self, answer: Result<(), Error>) {
        let mut state = self.state.lock();
        let State::Pending(wakers) = &mut *state else {
            return;
        };
        let wakers = std::mem::take(wakers);
        *state = State::Answered(answer);
        drop(state);
        for waker in wakers {
            waker.wake();
        }
    }
}

/// The answer to a message that has been accepted for publishing, which may be awaited later or never.
///
/// Dropping it changes nothing: the message is published all the same.
#[derive(Debug)]
#[must_use = "whether the message was published is only known from its receipt"]
pub struct Receipt {
    outcome: Arc<Outcome>,
    /// Where this receipt's waker is among those of the outcome.
    registered: Option<usize>,
}

impl Receipt {
    pub(super) fn of(outcome: &Arc<Outcome>) -> Self {
        Self {
            outcome: Arc::clone(outcome),
            registered: None,
        }
    }
}

impl Future for Receipt {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match &mut *this.outcome.state.lock() {
            State::Answered(answer) => Poll::Ready(answer.clone()),
            State::Pending(wakers) => {
                if let Some(waker) = this.registered.and_then(|at| wakers.get_mut(at)) {
                    waker.clone_from(cx.waker());
                } else {
                    this.registered = Some(wakers.len());
                    wakers.push(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}
