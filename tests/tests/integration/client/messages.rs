//! What is published arrives, and what it is answered with counts.

use std::time::Duration;

use nsq_tests::Stopwatch;

use super::{Seen, builder, config, producer, runtime, with_each_nsqd};

#[test]
fn whatever_is_published_arrives_as_it_was() {
    with_each_nsqd(|setup| {
        let nsqd = setup.start();
        let runtime = runtime();
        let config = config(&[("max_in_flight", "100")]);
        let (seen, handler) = Seen::handler(|_, _| false);
        runtime.block_on(async {
            let consumer = builder(&nsqd, &config).start(handler).await.unwrap();
            let producer = producer(&nsqd, &config);
            producer.publish("t", [0, 10, 13, 255]).await.unwrap();
            producer.multi_publish("t", &["one", "two"]).await.unwrap();
            let stopwatch = Stopwatch::start();
            let delay = Duration::from_millis(300);
            producer.deferred_publish("t", delay, "later").await.unwrap();
            let mut bodies: Vec<_> = (0..3).map(|_| seen.next().0).collect();
            bodies.sort();
            assert_eq!(bodies, [&[0, 10, 13, 255][..], b"one", b"two"]);
            assert_eq!(seen.next(), (b"later".to_vec(), 1));
            stopwatch.expect_within(delay..super::PATIENCE);
            consumer.stop().await;
            let stats = consumer.stats();
            assert_eq!((stats.messages_received, stats.messages_finished), (4, 4));
        });
    });
}

#[test]
fn what_has_failed_comes_again_and_is_given_up_in_the_end() {
    with_each_nsqd(|setup| {
        let nsqd = setup.start();
        let runtime = runtime();
        let config = config(&[
            ("max_attempts", "3"),
            ("default_requeue_delay", "10ms"),
            ("backoff_multiplier", "10ms"),
        ]);
        let (seen, handler) = Seen::handler(|_, _| true);
        let (given_up, on_give_up) = std::sync::mpsc::channel();
        runtime.block_on(async {
            let consumer = builder(&nsqd, &config)
                .on_give_up(move |message| given_up.send(message.attempts()).unwrap())
                .start(handler)
                .await
                .unwrap();
            producer(&nsqd, &config).publish("t", "hopeless").await.unwrap();
            for attempts in 1..=3 {
                assert_eq!(seen.next(), (b"hopeless".to_vec(), attempts));
            }
            assert_eq!(on_give_up.recv_timeout(super::PATIENCE).unwrap(), 4);
            consumer.stop().await;
        });
    });
}

#[test]
fn a_message_that_is_held_for_longer_than_its_timeout_is_kept_by_touching_it() {
    with_each_nsqd(|setup| {
        let nsqd = setup.start();
        let runtime = runtime();
        let config = config(&[("msg_timeout", "1s"), ("max_in_flight", "2")]);
        runtime.block_on(async {
            let mut messages = builder(&nsqd, &config).auto_touch().stream().await.unwrap();
            let producer = producer(&nsqd, &config);
            producer.publish("t", "long").await.unwrap();
            let long = messages.next().await.unwrap();
            // The clock of nsqd: had the other message timed out, it would come again before this one does.
            let delay = Duration::from_millis(2500);
            producer.deferred_publish("t", delay, "later").await.unwrap();
            let later = messages.next().await.unwrap();
            assert_eq!((&later.body()[..], later.attempts()), (&b"later"[..], 1));
            long.finish();
            later.finish();
            messages.consumer().stop().await;
            assert!(messages.next().await.is_none());
        });
    });
}

#[test]
fn a_message_that_is_too_large_is_refused_alone() {
    with_each_nsqd(|setup| {
        let nsqd = setup.flag("--max-msg-size=100000").start();
        let runtime = runtime();
        let producer = producer(&nsqd, &config(&[]));
        runtime.block_on(async {
            let mut receipts = Vec::new();
            for number in 0..100 {
                let body = if number == 50 {
                    vec![0; 100_001]
                } else {
                    vec![b'x'; 10]
                };
                receipts.push(producer.enqueue("t", body).await.unwrap());
            }
            for (number, receipt) in receipts.into_iter().enumerate() {
                let outcome = receipt.await;
                if number == 50 {
                    assert_eq!(
                        outcome.unwrap_err().to_string(),
                        "E_BAD_MESSAGE PUB message too big 100001 > 100000"
                    );
                } else {
                    outcome.unwrap();
                }
            }
        });
    });
}
