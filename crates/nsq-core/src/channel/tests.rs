use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nsq_runtime::ManualClock;
use nsq_testkit::storage::MemStorage;

use super::*;
use crate::core::{CoreOptions, Observer};
use crate::durability::Durability;
use crate::io::IoPool;
use crate::timer::Timers;

struct Silent;

impl Observer for Silent {
    fn channel_created(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_deleting(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_deleted(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_abandoned(&self, _: &TopicName, _: &ChannelName) {}
    fn topic_abandoned(&self, _: &TopicName) {}
}

/// A channel with room for everything in memory, and its clock.
fn channel() -> (Arc<Channel>, ManualClock) {
    let options = CoreOptions {
        data_path: "/data".into(),
        mem_queue_size: 10_000,
        max_bytes_per_file: 1 << 20,
        sync_every: 2500,
        sync_timeout: Duration::from_secs(2),
        max_msg_size: 1 << 20,
        max_msg_timeout: Duration::from_secs(900),
        max_channel_consumers: None,
        node_id: 0,
        latency_quantiles: Vec::new(),
        latency_window: Duration::from_secs(600),
        topology_aware: false,
        durability: Durability::Go,
        min_free_disk_space: 0,
        requeue_on_disconnect: false,
        defer_max: Duration::from_secs(3600),
        keeps_deferred: true,
    };
    let (clock, io) = (ManualClock::new(), IoPool::without_threads());
    let core = Core::new(
        options,
        clock.clock(),
        Arc::new(Timers::default()),
        Arc::clone(&io),
        io,
        Arc::new(MemStorage::new()),
        Arc::new(Silent),
    );
    let (topic, name) = (TopicName::new("t").unwrap(), ChannelName::new("c").unwrap());
    (Channel::new(&core, &topic, &name), clock)
}

#[test]
fn deadlines_that_come_ever_earlier_cost_one_timer_each_and_no_more() {
    const COUNT: u32 = 100;
    let (channel, clock) = channel();
    for id in 0..COUNT {
        let message = Message::new(Guid::from_u64(id.into()), 0, Bytes::new());
        let due = clock.clock().now() + Duration::from_millis(u64::from(1_000 - id));
        channel.put_deferred(message, due, || Claim::Nobody);
    }
    let timers = &channel.core.timers;
    assert_eq!(timers.len(), COUNT as usize);
    clock.advance(Duration::from_millis(1_000 - u64::from(COUNT)));
    for _ in 0..COUNT / 2 {
        clock.advance(Duration::from_millis(1));
        let now = clock.clock().now();
        while timers.fire(now).is_some_and(|at| at <= now) {}
    }
    assert_eq!(channel.depth(), u64::from(COUNT / 2));
    // One for each deadline that was scheduled and has not come, and the one that is set now.
    assert!(timers.len() <= COUNT as usize / 2 + 1, "{}", timers.len());
}
