//! The data files after a clean stop: what the original would have written.

use std::os::unix::fs::PermissionsExt;

use nsq_tests::{Nsqd, Setup, command, program};
use serde_json::json;

use super::{drain, parse_records, with_topic_and_channel};
use crate::delivery::bodies;

/// The content of a metadata file as text.
fn metadata_of(setup: &Setup, queue: &str) -> String {
    String::from_utf8(setup.read(&format!("{queue}.diskqueue.meta.dat"))).unwrap()
}

#[test]
fn a_queue_that_was_never_used_has_metadata_alone() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    let setup = nsqd.stop().setup;

    assert_eq!(
        setup.files(),
        ["nsqd.dat", "t.diskqueue.meta.dat", "t:c.diskqueue.meta.dat"]
    );
    assert_eq!(metadata_of(&setup, "t"), "0\n0,0\n0,0\n");
    assert_eq!(metadata_of(&setup, "t:c"), "0\n0,0\n0,0\n");
}

#[test]
fn memory_in_flight_and_deferred_are_written_as_the_messages_they_are() {
    let nsqd = Nsqd::with(&["--node-id=7"]);
    let mut consumer = nsqd.consumer("t", "c", 2);
    for body in ["deferred", "in flight"] {
        nsqd.publish("t", body);
    }
    let sent = consumer.expect_messages(2);
    consumer.ready(0);
    consumer.send(sent[0].req(3_600_000));
    nsqd.await_channel("t", "c", &json!({"deferred_count": 1, "in_flight_count": 1}));
    for body in ["ready 1", "ready 2"] {
        nsqd.publish("t", body);
    }
    nsqd.await_channel("t", "c", &json!({"depth": 2}));
    let setup = nsqd.stop().setup;

    let file = setup.read("t:c.diskqueue.000000.dat");
    let records = parse_records(&file);
    assert_eq!(bodies(&records), ["ready 1", "ready 2", "in flight", "deferred"]);
    assert_eq!(
        records.iter().map(|record| record.attempts).collect::<Vec<_>>(),
        [0, 0, 1, 1]
    );
    assert_eq!(
        (&records[2], &records[3]),
        (&sent[1], &sent[0]),
        "id, timestamp, attempts and body as sent"
    );
    assert_eq!(metadata_of(&setup, "t:c"), format!("4\n0,0\n0,{}\n", file.len()));
}

#[test]
fn every_file_belongs_to_its_owner_alone() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    nsqd.publish("t", "hi");
    nsqd.await_channel("t", "c", &json!({"depth": 1}));
    let setup = nsqd.stop().setup;

    for file in setup.files() {
        let mode = std::fs::metadata(setup.data_path().join(&file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn files_are_rolled_before_they_exceed_their_limit() {
    // Records of 44 bytes: three fit, and a file never exceeds its limit.
    let nsqd = Nsqd::with(&["--mem-queue-size=0", "--max-bytes-per-file=150"]);
    for index in 0..8 {
        nsqd.publish("t", format!("message-body-{index}"));
    }
    let setup = nsqd.stop().setup;

    let sizes: Vec<usize> = (0..3)
        .map(|number| setup.read(&format!("t.diskqueue.{number:06}.dat")).len())
        .collect();
    assert_eq!(sizes, [132, 132, 88]);
    assert_eq!(metadata_of(&setup, "t"), "8\n0,0\n2,88\n");
}

#[test]
fn a_record_above_the_limit_has_a_file_of_its_own() {
    let nsqd = Nsqd::with(&["--mem-queue-size=0", "--max-bytes-per-file=100"]);
    let mut publisher = nsqd.connect();
    for size in [10, 500, 10] {
        publisher.publish("t", vec![b'x'; size]);
    }
    let setup = nsqd.stop().setup;

    let sizes: Vec<usize> = (0..3)
        .map(|number| setup.read(&format!("t.diskqueue.{number:06}.dat")).len())
        .collect();
    assert_eq!(sizes, [40, 530, 40]);
}

#[test]
fn a_file_that_was_read_is_removed_and_the_last_one_stays() {
    let setup = with_topic_and_channel()
        .flag("--mem-queue-size=0")
        .flag("--max-bytes-per-file=150");
    let nsqd = setup.start();
    for index in 0..4 {
        nsqd.publish("t", format!("message-body-{index}"));
    }
    nsqd.await_channel("t", "c", &json!({"depth": 4}));
    let mut consumer = nsqd.consumer("t", "c", 1);
    for index in 0..4 {
        let message = consumer.expect_message_of(format!("message-body-{index}"), 1);
        consumer.send(message.fin());
    }
    consumer.expect_nothing_before_ok("probe");
    let setup = nsqd.stop().setup;

    let files: Vec<_> = setup
        .files()
        .into_iter()
        .filter(|file| file.starts_with("t:c."))
        .collect();
    assert_eq!(files, ["t:c.diskqueue.000001.dat", "t:c.diskqueue.meta.dat"]);
    assert_eq!(setup.read("t:c.diskqueue.000001.dat").len(), 44);
    assert_eq!(metadata_of(&setup, "t:c"), "0\n1,44\n1,44\n");
    // The next run appends where this one stopped.
    let nsqd = setup.start();
    nsqd.publish("t", "message-body-4");
    nsqd.await_channel("t", "c", &json!({"depth": 1}));
    let setup = nsqd.stop().setup;
    assert_eq!(metadata_of(&setup, "t:c"), "1\n1,44\n1,88\n");
}

#[test]
fn emptying_removes_files_and_later_ones_are_numbered_on() {
    let setup = with_topic_and_channel()
        .flag("--mem-queue-size=0")
        .flag("--max-bytes-per-file=150");
    let nsqd = setup.start();
    for index in 0..7 {
        nsqd.publish("t", format!("message-body-{index}"));
    }
    nsqd.await_channel("t", "c", &json!({"depth": 7}));
    nsqd.channel_action("empty", "t", "c");
    nsqd.publish("t", "message-body-7");
    nsqd.await_channel("t", "c", &json!({"depth": 1}));
    let setup = nsqd.stop().setup;

    let files: Vec<_> = setup
        .files()
        .into_iter()
        .filter(|file| file.starts_with("t:c."))
        .collect();
    assert_eq!(files, ["t:c.diskqueue.000003.dat", "t:c.diskqueue.meta.dat"]);
    assert_eq!(metadata_of(&setup, "t:c"), "1\n3,0\n3,44\n");
}

#[test]
fn a_deleted_channel_and_topic_leave_no_file() {
    let nsqd = Nsqd::with(&["--mem-queue-size=0", "--max-bytes-per-file=150"]);
    nsqd.create_channel("t", "c");
    nsqd.create_channel("u", "c");
    let mut publisher = nsqd.connect();
    publisher.send(command::multi_publish("t", &["message-body-x"; 7]));
    publisher.expect_ok();
    publisher.send(command::multi_publish("u", &["message-body-x"; 7]));
    publisher.expect_ok();
    nsqd.await_channel("u", "c", &json!({"depth": 7}));
    nsqd.await_channel("t", "c", &json!({"depth": 7}));

    nsqd.channel_action("delete", "u", "c");
    nsqd.topic_action("delete", "t");
    let setup = nsqd.stop().setup;
    let files: Vec<_> = setup
        .files()
        .into_iter()
        .filter(|file| file != "nsqd.dat")
        .collect();
    // The original now and then sets aside a file that was rolled while it was read; those are not its queue's.
    let set_aside = |file: &&String| program::is_reference() && file.contains(".bad");
    let files: Vec<_> = files.iter().filter(|file| !set_aside(file)).collect();
    assert!(
        files.iter().all(|file| file.starts_with("u.diskqueue.")),
        "{files:?}"
    );
}

#[test]
fn unknown_files_and_bad_files_are_left_alone() {
    let setup = with_topic_and_channel();
    let strangers = [
        "notes.txt",
        "t:c.diskqueue.000007.dat.bad",
        "x.diskqueue.000000.dat",
        "nsqd.dat.123.tmp",
    ];
    for file in strangers {
        setup.write(file, file);
    }
    let nsqd = setup.start();
    nsqd.publish("t", "hi");
    assert_eq!(bodies(&drain(&nsqd, 1)), ["hi"]);
    let setup = nsqd.stop().setup;
    for file in strangers {
        assert_eq!(setup.read(file), file.as_bytes());
    }
}
