//! Everything that was acknowledged arrives, whatever happens to the daemons meanwhile.

use std::collections::HashSet;
use std::sync::Arc;

use nsq_client::{Config, Consumer, Error, Message, Producer, ProducerPool};
use nsq_tests::{Nsqd, Nsqlookupd, Setup};
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::{address, config, runtime, with_each_nsqd};

/// Numbers that have arrived.
#[derive(Default)]
struct Arrived {
    numbers: Mutex<HashSet<u64>>,
    changed: Notify,
}

impl Arrived {
    fn handler(self: &Arc<Self>) -> impl Fn(Message) -> std::future::Ready<Result<(), Error>> + use<> {
        let arrived = Arc::clone(self);
        move |message| {
            let number = std::str::from_utf8(message.body()).unwrap().parse().unwrap();
            arrived.numbers.lock().insert(number);
            arrived.changed.notify_one();
            std::future::ready(Ok(()))
        }
    }

    /// Waits until all of `wanted` are there.
    #[track_caller]
    fn await_all(&self, runtime: &Runtime, wanted: &HashSet<u64>) {
        let complete = async {
            while !wanted.is_subset(&self.numbers.lock()) {
                self.changed.notified().await;
            }
        };
        let missing = runtime.block_on(async { tokio::time::timeout(super::PATIENCE, complete).await });
        let arrived = self.numbers.lock();
        let lost: Vec<_> = wanted.difference(&arrived).take(10).collect();
        assert!(missing.is_ok(), "lost, among others: {lost:?}");
    }
}

fn flags(setup: Setup, lookupd: &Nsqlookupd) -> Setup {
    setup.flag(format!("--lookupd-tcp-address={}", lookupd.tcp_address()))
}

fn subscriber(lookupd: &Nsqlookupd, config: &Config) -> nsq_client::ConsumerBuilder {
    Consumer::builder("t", "c")
        .config(config)
        .nsqlookupd(lookupd.http().address().to_string())
        .concurrency(4)
}

/// Options of a consumer that soon finds what has changed.
fn impatient() -> Config {
    config(&[("max_in_flight", "500"), ("lookupd_poll_interval", "100ms")])
}

#[test]
fn consumers_that_ask_nsqlookupd_find_everything_from_two_nsqds() {
    with_each_nsqd(|setup| {
        let lookupd = Nsqlookupd::start();
        let nsqds = [flags(setup, &lookupd), flags(Setup::new(), &lookupd)].map(Setup::start);
        let runtime = runtime();
        let arrived = Arc::new(Arrived::default());
        let config = impatient();
        let consumers: Vec<_> = (0..2)
            .map(|_| {
                runtime
                    .block_on(subscriber(&lookupd, &config).start(arrived.handler()))
                    .unwrap()
            })
            .collect();
        runtime.block_on(async {
            for (nsqd, numbers) in nsqds.iter().zip([0..10_000, 10_000..20_000_u64]) {
                let producer = Producer::new(address(nsqd), &config).unwrap();
                let mut receipts = Vec::new();
                for number in numbers {
                    receipts.push(producer.enqueue("t", number.to_string()).await.unwrap());
                }
                for receipt in receipts {
                    receipt.await.unwrap();
                }
            }
        });
        arrived.await_all(&runtime, &(0..20_000).collect());
        for consumer in consumers {
            runtime.block_on(consumer.stop());
            assert_eq!(consumer.stats().connections, 0);
        }
    });
}

/// Publishes numbers until told to stop; returns those that were acknowledged.
async fn publish_numbers(pool: ProducerPool, stop: Arc<std::sync::atomic::AtomicBool>) -> HashSet<u64> {
    let mut acknowledged = HashSet::new();
    let mut number = 0;
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        if pool.publish("t", number.to_string()).await.is_ok() {
            acknowledged.insert(number);
        }
        number += 1;
    }
    acknowledged
}

#[test]
fn a_pool_and_a_consumer_live_through_the_restart_of_an_nsqd() {
    with_each_nsqd(|setup| {
        let lookupd = Nsqlookupd::start();
        let stays = flags(Setup::new(), &lookupd).start();
        let restarts = flags(setup, &lookupd).start();
        let runtime = runtime();
        let arrived = Arc::new(Arrived::default());
        let config = impatient();
        let consumer = runtime
            .block_on(subscriber(&lookupd, &config).start(arrived.handler()))
            .unwrap();
        let pool = ProducerPool::new([address(&stays), address(&restarts)], &config).unwrap();
        let stop = Arc::default();
        let publishing = runtime.spawn(publish_numbers(pool.clone(), Arc::clone(&stop)));

        let stopped = restarts.stop();
        let now_known = arrived.numbers.lock().len();
        await_more(&runtime, &arrived, now_known + 500);
        let restarts = stopped.setup.start();
        await_more(&runtime, &arrived, now_known + 1000);

        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let acknowledged = runtime.block_on(publishing).unwrap();
        arrived.await_all(&runtime, &acknowledged);
        runtime.block_on(consumer.stop());
        drop((stays, restarts));
    });
}

/// Waits until there are this many.
#[track_caller]
fn await_more(runtime: &Runtime, arrived: &Arrived, count: usize) {
    let more = async {
        while arrived.numbers.lock().len() < count {
            arrived.changed.notified().await;
        }
    };
    runtime
        .block_on(async { tokio::time::timeout(super::PATIENCE, more).await })
        .unwrap();
}

#[test]
fn a_consumer_finds_its_nsqd_again_when_it_comes_back() {
    with_each_nsqd(|setup| {
        let nsqd = setup.start();
        let port = nsqd.tcp_address().port();
        let runtime = runtime();
        let arrived = Arc::new(Arrived::default());
        let consumer = Consumer::builder("t", "c")
            .nsqd(address(&nsqd))
            .config(&impatient());
        let consumer = runtime.block_on(consumer.start(arrived.handler())).unwrap();
        publish(&runtime, &nsqd, 1);
        arrived.await_all(&runtime, &HashSet::from([1]));
        let setup = nsqd.stop().setup;
        let nsqd = setup.flag(format!("--tcp-address=127.0.0.1:{port}")).start();
        publish(&runtime, &nsqd, 2);
        arrived.await_all(&runtime, &HashSet::from([2]));
        runtime.block_on(consumer.stop());
    });
}

#[track_caller]
fn publish(runtime: &Runtime, nsqd: &Nsqd, number: u64) {
    let producer = Producer::new(address(nsqd), &Config::default()).unwrap();
    runtime
        .block_on(producer.publish("t", number.to_string()))
        .unwrap();
}
