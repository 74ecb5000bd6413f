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
    /// The command was taken apart, and each of its messages has an outcome of its own.
    Split(Vec<Arc<Outcome>>),
}

impl Default for State {
    fn default() -> Self {
        Self::Pending(Vec::new())
    }
}

impl Outcome {
    /// Tells everybody who waits. Only the first answer counts.
    pub(super) fn answer(&self, answer: Result<(), Error>) {
        self.become_state(State::Answered(answer));
    }

    /// Gives each of `count` messages an outcome of its own.
    pub(super) fn split(&self, count: usize) -> Vec<Arc<Self>> {
        let outcomes: Vec<Arc<Self>> = (0..count).map(|_| Arc::default()).collect();
        self.become_state(State::Split(outcomes.clone()));
        outcomes
    }

    fn become_state(&self, next: State) {
        let mut state = self.state.lock();
        let State::Pending(wakers) = &mut *state else {
            return;
        };
        let wakers = std::mem::take(wakers);
        *state = next;
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
    /// Which of the messages of the command it is for.
    index: usize,
    /// Where this receipt's waker is among those of the outcome.
    registered: Option<usize>,
}

impl Receipt {
    /// For all messages of a command, or its only one.
    pub(super) fn of(outcome: &Arc<Outcome>) -> Self {
        Self::of_one(outcome, 0)
    }

    /// For one of the messages of a command.
    pub(super) fn of_one(outcome: &Arc<Outcome>, index: usize) -> Self {
        Self {
            outcome: Arc::clone(outcome),
            index,
            registered: None,
        }
    }
}

impl Future for Receipt {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            let own = match &mut *this.outcome.state.lock() {
                State::Answered(answer) => return Poll::Ready(answer.clone()),
                State::Pending(wakers) => {
                    if let Some(waker) = this.registered.and_then(|at| wakers.get_mut(at)) {
                        waker.clone_from(cx.waker());
                    } else {
                        this.registered = Some(wakers.len());
                        wakers.push(cx.waker().clone());
                    }
                    return Poll::Pending;
                }
                State::Split(outcomes) => outcomes.get(this.index).cloned(),
            };
            let Some(own) = own else {
                return Poll::Ready(Err(Error::NotConnected));
            };
            this.outcome = own;
            this.registered = None;
        }
    }
}
