//! Tasks that hand messages to the handler, one at a time each.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::Handler;
use super::link::Answer;
use super::shared::Shared;
use crate::{Event, HandlerError, Message};

/// Messages in a row before other tasks have their turn: a handler that never waits would keep its thread.
const ROW_MAX: u32 = 64;

/// Hands over messages until there are no more.
pub(super) async fn run<H: Handler>(shared: Arc<Shared>, index: usize, handler: Arc<H>) {
    let mut row = 0;
    while let Some(message) = next(&shared, index).await {
        handle(&shared, &*handler, message).await;
        row += 1;
        if row == ROW_MAX {
            row = 0;
            tokio::task::yield_now().await;
        }
    }
}

/// The next message that is worth handling; `None` when there are no more.
pub(super) async fn next(shared: &Shared, index: usize) -> Option<Message> {
    poll_fn(|cx| poll_next(shared, index, cx)).await
}

pub(super) fn poll_next(
    shared: &Shared,
    index: usize,
    cx: &mut std::task::Context<'_>,
) -> Poll<Option<Message>> {
    loop {
        let Some(message) = std::task::ready!(shared.queue.poll_pop(index, cx)) else {
            return Poll::Ready(None);
        };
        // nsqd sends the messages of a lost connection to somebody, maybe to us: these are not wanted twice.
        if message.link().is_closed() {
            continue;
        }
        let attempts_max = shared.dialer.config.max_attempts;
        if attempts_max > 0 && message.attempts() > attempts_max {
            give_up(shared, message);
            continue;
        }
        return Poll::Ready(Some(message));
    }
}

fn give_up(shared: &Shared, message: Message) {
    let (id, attempts) = (message.id(), message.attempts());
    tracing::warn!(
        "{} msg {id} attempted {attempts} times, giving up",
        shared.prefix()
    );
    if let Some(hook) = &shared.hooks.on_give_up {
        hook(&message);
    }
    shared.emit(&Event::GaveUp { id, attempts });
    message.finish();
}

async fn handle<H: Handler>(shared: &Shared, handler: &H, mut message: Message) {
    let (id, attempts) = (message.id(), message.attempts());
    let ticket = message.manage();
    let Err(error) = guarded(async { handler.handle(message).await }).await else {
        ticket.answer_for_handler(Answer::Finish);
        return;
    };
    let reason = error.to_string();
    tracing::error!(
        "{} Handler returned error ({reason}) for msg {id}",
        shared.prefix()
    );
    shared.emit(&Event::HandlerFailed { id, reason });
    ticket.answer_for_handler(Answer::Requeue {
        delay: None,
        attempts,
        backoff: true,
    });
}

/// Turns a panic into a failure of this message alone.
async fn guarded(handling: impl Future<Output = Result<(), HandlerError>>) -> Result<(), HandlerError> {
    let mut handling = pin!(handling);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(cx))) {
            Ok(poll) => poll,
            Err(_) => Poll::Ready(Err("the handler panicked".into())),
        },
    )
    .await
}
