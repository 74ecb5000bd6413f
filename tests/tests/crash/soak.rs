//! Hours in short: clients and topics come and go, messages are requeued, deferred and time out, and memory stays
//! what it is.
//!
//! For longer: `NSQ_SOAK_SECONDS=1800 cargo test --release -p nsq-tests --test crash soak`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use nsq_tests::{Message, Nsqd, Peer, Setup, Stopwatch, command};

use crate::from_env;

/// Seconds of a usual run.
const SECONDS: u64 = 5;

/// With fewer there is nothing to tell a slope from.
const SECONDS_FOR_SLOPE: u64 = 600;

/// What memory may seem to grow by, since the allocator gives it back in pieces.
const SLOPE_MAX_BYTES_PER_HOUR: f64 = 16.0 * 1024.0 * 1024.0;

/// What it may be more than at the start, in all.
const GROWTH_MAX_BYTES: u64 = 128 * 1024 * 1024;

const WORKERS: usize = 4;

/// Long enough for a busy machine to answer in time, short enough to be waited for in each life.
const MSG_TIMEOUT_S: u64 = 5;

/// Messages that are under way of one worker.
const BATCH: usize = 50;

/// Batches until a worker's connections are made anew.
const ROUNDS: u64 = 50;

#[test]
fn soak_memory_stays_what_it_is() {
    let seconds = from_env("NSQ_SOAK_SECONDS").unwrap_or(SECONDS);
    let nsqd = Setup::new()
        .flag(format!("--msg-timeout={MSG_TIMEOUT_S}s"))
        .flag("--mem-queue-size=20")
        .flag("--durability=disk")
        .time_limit(Duration::from_secs(seconds + 120))
        .start();
    let (over, finished) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut samples = Vec::new();
    thread::scope(|scope| {
        let (done, all_done) = channel::<()>();
        for worker in 0..WORKERS {
            let (nsqd, over, finished, done) = (&nsqd, &over, &finished, done.clone());
            scope.spawn(move || {
                let _done = done;
                for life in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    live(nsqd, worker, life, finished);
                }
            });
        }
        drop(done);
        let watch = Stopwatch::start();
        while watch.elapsed() < Duration::from_secs(seconds) {
            let waited = all_done.recv_timeout(Duration::from_secs(1));
            assert_eq!(waited, Err(RecvTimeoutError::Timeout), "a worker has failed");
            samples.push((watch.elapsed().as_secs_f64(), nsqd.process().resident_bytes()));
        }
        over.store(true, Ordering::Relaxed);
    });
    let slope = slope_per_hour(&samples[samples.len() / 3..]);
    let first = samples.first().map_or(0, |sample| sample.1);
    let most = samples.iter().map(|sample| sample.1).max().unwrap_or(0);
    println!(
        "{seconds} s, {} messages finished: resident {} KiB after a second, {} KiB at most, slope {:.0} KiB/h",
        finished.into_inner(),
        first >> 10,
        most >> 10,
        slope / 1024.0
    );
    assert!(most < first + GROWTH_MAX_BYTES, "{samples:?}");
    if seconds >= SECONDS_FOR_SLOPE {
        assert!(slope < SLOPE_MAX_BYTES_PER_HOUR, "{samples:?}");
    }
    let stopped = nsqd.stop();
    assert!(!stopped.exit.stderr.contains("panic"));
}

/// The slope of a straight line through the samples, in bytes per hour.
#[expect(clippy::cast_precision_loss, reason = "bytes of memory are below 2^53")]
fn slope_per_hour(samples: &[(f64, u64)]) -> f64 {
    let count = samples.len() as f64;
    let mean_at = samples.iter().map(|(at, _)| at).sum::<f64>() / count;
    let mean = samples.iter().map(|(_, bytes)| *bytes as f64).sum::<f64>() / count;
    let (mut product, mut square) = (0.0, 0.0);
    for (at, bytes) in samples {
        product += (at - mean_at) * (*bytes as f64 - mean);
        square += (at - mean_at) * (at - mean_at);
    }
    if square > 0.0 {
        product / square * 3600.0
    } else {
        0.0
    }
}

/// A producer and a consumer with a topic that stays, and another that does not.
fn live(nsqd: &Nsqd, worker: usize, life: u64, finished: &AtomicU64) {
    let topic = format!("worker{worker}");
    let [mut publisher, mut consumer] = [nsqd.connect(), nsqd.connect()];
    for peer in [&mut publisher, &mut consumer] {
        // On a busy machine a life may be longer than the usual interval.
        peer.identify(r#"{"heartbeat_interval":60000}"#);
    }
    consumer.subscribe(&topic, "c");
    consumer.ready(20);
    for round in 0..ROUNDS {
        let bodies: Vec<_> = (0..BATCH)
            .map(|number| format!("{life} {round} {number} {}", ".".repeat(200)))
            .collect();
        publisher.send(command::multi_publish(&topic, &bodies));
        publisher.expect_ok();
        publisher.send(command::deferred_publish(&topic, 20, "later"));
        publisher.expect_ok();
        for number in 0..=BATCH {
            let message = first_to_finish(&mut consumer, round, number);
            consumer.send(message.fin());
        }
        finished.fetch_add(BATCH as u64 + 1, Ordering::Relaxed);
    }
    let passing = format!("passing{worker}x{life}#ephemeral");
    let mut watcher = nsqd.consumer(&passing, "c#ephemeral", 1);
    publisher.publish(&passing, "x");
    watcher.expect_message();
    let durable = format!("passing{worker}x{life}");
    nsqd.create_channel(&durable, "c");
    for target in ["/stats", "/stats?format=json", "/metrics", "/info"] {
        nsqd.http().get(target);
    }
    nsqd.http()
        .post(&format!("/pub?topic={durable}"), "x")
        .expect_text(200, "OK");
    nsqd.topic_action("delete", &durable);
}

/// The next message that is to be finished: some are given back first, and few are left to time out.
fn first_to_finish(consumer: &mut Peer, round: u64, number: usize) -> Message {
    loop {
        let message = consumer.expect_message();
        if message.attempts > 1 {
            return message;
        }
        match number {
            7 => consumer.send(message.req(0)),
            17 => consumer.send(message.req(30)),
            // It comes again after its timeout.
            27 if round == 0 => {}
            _ => return message,
        }
    }
}
