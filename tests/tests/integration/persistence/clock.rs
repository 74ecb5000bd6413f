//! A wall clock that was set back while nsqd was not running. That of a machine cannot be set for one process: the
//! files get a date in the future instead, which is all that a start can see of it.

use std::fs::File;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nsq_tests::{Message, Nsqd, Setup, deviates};

/// Ticks of an id, 2^20 ns each, are counted from here.
const EPOCH_TICK: u64 = 1_288_834_974_288;

fn tick_of(message: &Message) -> u64 {
    let id = u64::from_str_radix(&message.id, 16).unwrap();
    id >> 22
}

fn tick_at(date: SystemTime) -> u64 {
    let since = date.duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos() >> 20).unwrap() - EPOCH_TICK
}

#[test]
fn no_id_is_handed_out_twice() {
    deviates!(IdsAreNotRepeated);
    let nsqd = Setup::new().flag("--mem-queue-size=0").start();
    nsqd.create_channel("t", "c");
    nsqd.publish("t", "before");
    let stopped = nsqd.stop();
    let path = stopped.setup.data_path().join("t:c.diskqueue.000000.dat");
    let file = File::options().append(true).open(path).unwrap();
    let date = file.metadata().unwrap().modified().unwrap() + Duration::from_secs(3600);
    file.set_modified(date).unwrap();

    let nsqd = stopped.restart();
    nsqd.log().await_line("newer than now: was the clock set back?");
    nsqd.publish("t", "after");
    let mut consumer = nsqd.consumer("t", "c", 1);
    let before = consumer.expect_message_of("before", 1);
    consumer.send(before.fin());
    let after = consumer.expect_message_of("after", 1);
    assert!(tick_of(&after) > tick_at(date), "{} {date:?}", after.id);
}

#[test]
fn ids_of_a_usual_start_are_those_of_its_time() {
    let nsqd = Nsqd::start();
    let nsqd = nsqd.restart();
    assert!(!nsqd.log().contains("was the clock set back?"));
}
