//! What the utilities that consume have in common.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::Stream;
use nsq_app::Exit;
use nsq_client::{Config, Consumer, ConsumerBuilder, Error, Message, MessageStream};

use crate::shell::{Source, fail};

/// Describes a consumer of a channel on all nsqds of `source`.
pub(crate) fn consumer(topic: &str, channel: &str, config: &Config, source: &Source) -> ConsumerBuilder {
    let builder = Consumer::builder(topic, channel).config(config);
    match source {
        Source::Nsqds(addresses) => addresses.iter().fold(builder, ConsumerBuilder::nsqd),
        Source::Nsqlookupds(addresses) => addresses.iter().fold(builder, ConsumerBuilder::nsqlookupd),
    }
}

/// The end of a utility whose consumer did not start.
pub(crate) fn not_started(error: &Error) -> Exit {
    match error {
        Error::InvalidAddress(reason) if reason.contains("missing port") => fail("missing port"),
        error => fail(error),
    }
}

/// Waits for a message, and puts it into `batch` with those that have come with it, up to `count_max` of them or
/// the one that reaches `bytes_max`. `false` at the end of the stream.
///
/// # Cancel safety
/// What was taken is in `batch`.
pub(crate) async fn next_batch(
    stream: &mut MessageStream,
    batch: &mut Vec<Message>,
    count_max: usize,
    bytes_max: usize,
) -> bool {
    let mut bytes = 0;
    poll_fn(|cx| {
        while batch.len() < count_max && bytes < bytes_max {
            match Pin::new(&mut *stream).poll_next(cx) {
                Poll::Ready(Some(message)) => {
                    bytes += message.body().len();
                    batch.push(message);
                }
                Poll::Ready(None) => return Poll::Ready(!batch.is_empty()),
                Poll::Pending if batch.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(true)
    })
    .await
}

/// Puts messages back that nobody has dealt with, for others to have at once.
pub(crate) fn give_back(messages: impl IntoIterator<Item = Message>) {
    for message in messages {
        message.requeue_without_backoff(Some(Duration::ZERO));
    }
}

/// Stops a consumer from whom nothing more is wanted, and puts back what has come.
pub(crate) async fn release(mut stream: MessageStream) {
    stream.consumer().begin_stop();
    while let Some(message) = stream.next().await {
        give_back([message]);
    }
}
