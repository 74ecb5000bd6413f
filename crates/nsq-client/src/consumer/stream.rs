//! Messages as a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;

use super::{Consumer, worker};
use crate::Message;

/// The messages of a consumer, one after the other, to be answered by whoever takes them.
///
/// Ends when the consumer has been stopped and all it had received has been taken. Dropping it stops the
/// consumer.
///
/// ```no_run
/// use nsq_client::{Config, Consumer};
///
/// # async fn example() -> Result<(), nsq_client::Error> {
/// let mut config = Config::default();
/// config.max_in_flight = 100;
/// let mut messages = Consumer::builder("orders", "batches")
///     .config(&config)
///     .nsqd("127.0.0.1:4150")
///     .stream()
///     .await?;
/// while let Some(message) = messages.next().await {
///     println!("{:?}", message.body());
///     message.finish();
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
/// A message is taken or still here, whichever future is dropped.
#[derive(Debug)]
pub struct MessageStream {
    consumer: Consumer,
}

impl MessageStream {
    pub(super) fn new(consumer: Consumer) -> Self {
        Self { consumer }
    }

    /// The consumer behind the stream, to stop or to watch it.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }

    /// The next message; `None` at the end.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Message> {
        worker::next(self.consumer.shared(), 0).await
    }
}

impl Stream for MessageStream {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        worker::poll_next(self.consumer.shared(), 0, cx)
    }
}

impl Drop for MessageStream {
    fn drop(&mut self) {
        let shared = self.consumer.shared();
        shared.begin_stop();
        // Nobody will take them.
        shared.queue.close(true);
    }
}
