//! Publishes a message every second to one of the nsqds that nsqlookupd knows, whichever can be reached,
//! until it is interrupted.
//!
//! ```sh
//! cargo run -p nsq-client --example pool
//! ```

use std::time::Duration;

use nsq_client::{Config, ProducerPool};

#[tokio::main]
async fn main() -> Result<(), nsq_client::Error> {
    let pool = ProducerPool::discover(["127.0.0.1:4161"], &Config::default()).await?;
    for number in 1_u64.. {
        match pool.publish("orders", format!("message {number}")).await {
            Ok(()) => eprintln!("published {number}: {:?}", pool.members()),
            Err(error) => eprintln!("not published {number}: {error}"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    pool.stop().await;
    Ok(())
}
