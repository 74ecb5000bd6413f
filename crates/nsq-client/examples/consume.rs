//! Prints the messages of the topic `orders`, until it is interrupted.
//!
//! ```sh
//! cargo run -p nsq-client --example consume
//! ```

use nsq_client::{Config, Consumer, Message};

async fn handle(message: Message) -> Result<(), std::str::Utf8Error> {
    let text = std::str::from_utf8(message.body())?;
    eprintln!("{} (attempt {}): {text}", message.id(), message.attempts());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    config.max_in_flight = 100;

    let consumer = Consumer::builder("orders", "print")
        .config(&config)
        .nsqd("127.0.0.1:4150")
        .concurrency(4)
        .on_event(|event| eprintln!("{event}"))
        .start(handle)
        .await?;

    tokio::signal::ctrl_c().await?;
    consumer.stop().await;
    eprintln!("{:?}", consumer.stats());
    Ok(())
}
