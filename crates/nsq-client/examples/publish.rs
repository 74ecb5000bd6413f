//! Publishes its arguments to the topic `orders`, or ten messages without any.
//!
//! ```sh
//! cargo run -p nsq-client --example publish -- hello world
//! ```

use nsq_client::{Config, Producer};

#[tokio::main]
async fn main() -> Result<(), nsq_client::Error> {
    let mut bodies: Vec<String> = std::env::args().skip(1).collect();
    if bodies.is_empty() {
        bodies = (1..=10).map(|number| format!("message {number}")).collect();
    }
    let producer = Producer::new("127.0.0.1:4150", &Config::default())?;

    // All of them leave without waiting for each other's answers.
    let mut receipts = Vec::new();
    for body in &bodies {
        receipts.push(producer.enqueue("orders", body).await?);
    }
    for (body, receipt) in bodies.iter().zip(receipts) {
        receipt.await?;
        eprintln!("published: {body}");
    }
    producer.stop().await;
    Ok(())
}
