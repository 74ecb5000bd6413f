//! Measures how fast this machine publishes and consumes, and at what cost for each message.
//!
//! ```sh
//! cargo run --release -p nsq-client --example throughput -- 127.0.0.1:4150 2000000
//! ```
//!
//! Publishes that many messages of 200 bytes over one connection, from 64 tasks that do not wait for each
//! answer, then from 1,000 tasks that do, and consumes what is there with RDY 2500 and a handler that does
//! nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nsq_client::{Config, Consumer, Error, Message, Producer};
use tokio::sync::Notify;
use tokio::task::JoinSet;

const TOPIC: &str = "throughput#ephemeral";
const BODY: [u8; 200] = [b'x'; 200];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let nsqd = args.next().unwrap_or_else(|| "127.0.0.1:4150".to_owned());
    let count = args.next().map_or(Ok(1_000_000), |count| count.parse::<u64>())?;

    let topic = format!("throughput-{}", std::process::id());
    let producer = Producer::new(&nsqd, &Config::default())?;
    // The channel has to be there before the messages.
    let consumer = consume(&nsqd, &topic, 0, Arc::new(Done::new(u64::MAX))).await?;
    consumer.stop().await;

    let meter = Meter::start();
    publish_without_waiting(&producer, &topic, count).await?;
    meter.report("publish, 64 tasks, answers awaited later", count);

    let done = Arc::new(Done::new(count));
    let meter = Meter::start();
    let consumer = consume(&nsqd, &topic, 2500, Arc::clone(&done)).await?;
    done.reached.notified().await;
    meter.report("consume, RDY 2500, one handler", count);
    consumer.stop().await;

    let meter = Meter::start();
    publish_one_by_one(&producer, TOPIC, count).await?;
    meter.report("publish, 1000 tasks, one message at a time", count);
    producer.stop().await;
    Ok(())
}

async fn publish_without_waiting(producer: &Producer, topic: &str, count: u64) -> Result<(), Error> {
    const TASKS: u64 = 64;
    const ROW: u64 = 100;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (producer, topic) = (producer.clone(), topic.to_owned());
        tasks.spawn(async move {
            let mut receipts = Vec::new();
            for number in 0..count / TASKS {
                receipts.push(producer.enqueue(&topic, BODY).await?);
                if number % ROW == 0 {
                    for receipt in receipts.drain(..) {
                        receipt.await?;
                    }
                }
            }
            for receipt in receipts {
                receipt.await?;
            }
            Ok::<_, Error>(())
        });
    }
    for _ in 0..count % TASKS {
        producer.publish(topic, BODY).await?;
    }
    while let Some(task) = tasks.join_next().await {
        task.map_err(|_| Error::NotConnected)??;
    }
    Ok(())
}

async fn publish_one_by_one(producer: &Producer, topic: &str, count: u64) -> Result<(), Error> {
    const TASKS: u64 = 1000;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (producer, topic) = (producer.clone(), topic.to_owned());
        tasks.spawn(async move {
            for _ in 0..count / TASKS {
                producer.publish(&topic, BODY).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.map_err(|_| Error::NotConnected)??;
    }
    Ok(())
}

async fn consume(nsqd: &str, topic: &str, max_in_flight: u32, done: Arc<Done>) -> Result<Consumer, Error> {
    let mut config = Config::default();
    config.max_in_flight = max_in_flight;
    Consumer::builder(topic, "throughput")
        .config(&config)
        .nsqd(nsqd)
        .start(move |message: Message| {
            done.count(&message);
            std::future::ready(Ok::<_, Error>(()))
        })
        .await
}

/// Counts messages up to a goal.
struct Done {
    left: AtomicU64,
    reached: Notify,
}

impl Done {
    fn new(goal: u64) -> Self {
        Self {
            left: AtomicU64::new(goal),
            reached: Notify::new(),
        }
    }

    fn count(&self, message: &Message) {
        std::hint::black_box(message.body().len());
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.reached.notify_one();
        }
    }
}

/// Wall time, and the processor time of this process.
struct Meter {
    clock: nsq_runtime::Clock,
    started: nsq_runtime::Moment,
    cpu: Duration,
}

impl Meter {
    fn start() -> Self {
        let clock = nsq_runtime::Clock::system();
        Self {
            started: clock.now(),
            clock,
            cpu: processor_time(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the figures are rounded anyway")]
    fn report(&self, what: &str, count: u64) {
        let elapsed = self.clock.now() - self.started;
        let cpu = processor_time().saturating_sub(self.cpu);
        eprintln!(
            "{what}: {:.0} messages/s, {:.0} ns CPU each",
            count as f64 / elapsed.as_secs_f64(),
            cpu.as_nanos() as f64 / count as f64
        );
    }
}

/// From `/proc`, in ticks of 10 ms; zero where there is none.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the process, in parentheses, may hold spaces. User and system time are 12th and 13th after it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}
