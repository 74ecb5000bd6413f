//! Who is woken, and that nobody is forgotten.

use std::task::{Context, Poll, Waker};

use nsq_core::{Signal, Subscription};

use crate::harness::{Harness, bodies, publish, taken_bodies};

fn is_signalled(subscription: &Subscription) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    subscription.poll_signal(&mut cx) == Poll::Ready(Signal::Messages)
}

#[test]
fn a_consumer_that_leaves_before_it_asks_hands_its_wake_to_the_next() {
    let harness = Harness::new(0);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    publish(&topic, 0..3);
    harness.close(&topic).unwrap();

    let harness = harness.restart(0);
    let topic = harness.topic("t");
    let channel = harness.channel(&topic, "c");
    channel.pause();
    let mut first = harness.subscribe(&topic, "c", 10);
    let mut second = harness.subscribe(&topic, "c", 10);
    assert_eq!(first.take(harness.now(), usize::MAX, |_| {}), 0);
    assert_eq!(second.take(harness.now(), usize::MAX, |_| {}), 0);
    // Everything is on disk: one consumer is woken, to ask for it.
    channel.unpause();
    assert!(is_signalled(&first));
    drop(first);
    harness.settle();
    assert!(is_signalled(&second));
    assert_eq!(taken_bodies(&harness.take(&mut second)), bodies(0..3));
}
