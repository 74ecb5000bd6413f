//! Takes the messages of the topic `orders` ten at a time, and answers them together.
//!
//! ```sh
//! cargo run -p nsq-client --example stream
//! ```

use nsq_client::{Config, Consumer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    config.max_in_flight = 10;

    let mut messages = Consumer::builder("orders", "batches")
        .config(&config)
        .nsqd("127.0.0.1:4150")
        .stream()
        .await?;
    let consumer = messages.consumer().clone();
    let mut batch = Vec::new();
    let mut stopping = false;
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => batch.push(message),
                None => break,
            },
            _ = tokio::signal::ctrl_c(), if !stopping => {
                stopping = true;
                consumer.begin_stop();
            }
        }
        // A batch is complete, or no more will come before some are answered.
        if batch.len() == 10 || stopping || consumer.is_starved() {
            eprintln!("a batch of {}", batch.len());
            for message in batch.drain(..) {
                message.finish();
            }
        }
    }
    Ok(())
}
