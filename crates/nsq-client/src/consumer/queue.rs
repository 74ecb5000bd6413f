//! Messages that wait for a handler.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;

use crate::Message;

/// Filled by the connections, emptied by the workers. What nsqd may send bounds it: the RDY counts of all
/// connections.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Message>,
    /// Workers that have nothing to do.
    idle: Vec<(usize, Waker)>,
    closed: bool,
}

impl Queue {
    /// Adds messages, and wakes as many workers as there is work for.
    pub(super) fn push(&self, messages: &mut Vec<Message>) {
        let count = messages.len();
        let woken = {
            let mut state = self.state.lock();
            if state.closed {
                drop(state);
                return messages.drain(..).for_each(return_unseen);
            }
            state.messages.extend(messages.drain(..));
            let left = state.idle.len().saturating_sub(count);
            state.idle.split_off(left)
        };
        for (_, waker) in woken {
            waker.wake();
        }
    }

    /// The next message for a worker; `None` when there will be none.
    pub(super) fn poll_pop(&self, worker: usize, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut state = self.state.lock();
        if let Some(message) = state.messages.pop_front() {
            return Poll::Ready(Some(message));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        match state.idle.iter_mut().find(|(idle, _)| *idle == worker) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => state.idle.push((worker, cx.waker().clone())),
        }
        Poll::Pending
    }

    /// Ends the work once what is there has been done, or at once if that is to be `returned`.
    pub(super) fn close(&self, returned: bool) {
        let (woken, messages) = {
            let mut state = self.state.lock();
            state.closed = true;
            let messages = if returned {
                std::mem::take(&mut state.messages)
            } else {
                VecDeque::new()
            };
            (std::mem::take(&mut state.idle), messages)
        };
        messages.into_iter().for_each(return_unseen);
        for (_, waker) in woken {
            waker.wake();
        }
    }
}

/// Gives a message back that nobody has looked at, for others to have it at once.
fn return_unseen(message: Message) {
    message.requeue_without_backoff(Some(Duration::ZERO));
}
