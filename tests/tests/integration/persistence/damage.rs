//! Data files as crashes, full disks and other hands leave them.
//!
//! Every case is a channel queue of 33-byte records `r0`, `r1`, ... and says what a consumer must get.

use nsq_tests::{Nsqd, Setup, deviates};
use serde_json::json;

use super::{drain, drain_until, record, record_with_attempts, with_topic_and_channel};
use crate::delivery::bodies;

const META: &str = "t:c.diskqueue.meta.dat";

/// The records `r<index>..`, one after the other.
fn records(indices: impl IntoIterator<Item = u8>) -> Vec<u8> {
    indices
        .into_iter()
        .flat_map(|index| record(index, &format!("r{index:02}")))
        .collect()
}

/// A queue with this metadata, if any, and these data files.
fn queue(metadata: Option<&str>, files: &[(u32, Vec<u8>)]) -> Setup {
    let setup = with_topic_and_channel();
    if let Some(metadata) = metadata {
        setup.write(META, metadata);
    }
    for (number, content) in files {
        setup.write(&format!("t:c.diskqueue.{number:06}.dat"), content);
    }
    setup
}

/// Starts nsqd on the queue and asserts what it delivers, that nothing of it remains, and that the daemon is well.
#[track_caller]
fn expect_delivered(setup: Setup, expected: &[&str]) -> Nsqd {
    let nsqd = setup.start();
    let mut delivered = drain(&nsqd, expected.len());
    delivered.sort_by(|a, b| a.body.cmp(&b.body));
    assert_eq!(bodies(&delivered), expected);
    nsqd.await_channel(
        "t",
        "c",
        &json!({"depth": 0, "backend_depth": 0, "in_flight_count": 0}),
    );
    nsqd.http().get("/ping").expect_text(200, "OK");
    nsqd
}

/// Starts nsqd on the queue and asserts that it delivers at least these.
#[track_caller]
fn expect_among_delivered(setup: Setup, expected: &[&str]) {
    let nsqd = setup.start();
    drain_until(&nsqd, |delivered| {
        expected.iter().all(|body| bodies(delivered).contains(body))
    });
    nsqd.http().get("/ping").expect_text(200, "OK");
}

/// The files of the channel queue that were set aside.
fn bad_files(nsqd: &Nsqd) -> Vec<String> {
    nsqd.setup()
        .files()
        .into_iter()
        .filter(|file| file.contains(".bad"))
        .collect()
}

#[test]
fn an_undamaged_queue() {
    assert_eq!(records(0..1).len(), 33);
    expect_delivered(
        queue(Some("3\n0,0\n0,99\n"), &[(0, records(0..3))]),
        &["r00", "r01", "r02"],
    );
}

#[test]
fn metadata_without_its_last_newline_or_with_carriage_returns() {
    for metadata in ["3\n0,0\n0,99", "3\r\n0,0\r\n0,99\r\n"] {
        expect_delivered(
            queue(Some(metadata), &[(0, records(0..3))]),
            &["r00", "r01", "r02"],
        );
    }
}

#[test]
fn any_file_numbers_and_positions() {
    let setup = queue(
        Some("3\n1234567,33\n1234568,33\n"),
        &[(1_234_567, records(0..3)), (1_234_568, records(3..4))],
    );
    expect_delivered(setup, &["r01", "r02", "r03"]);
}

#[test]
fn metadata_older_than_the_data() {
    let nsqd = expect_delivered(
        queue(Some("2\n0,0\n0,66\n"), &[(0, records(0..4))]),
        &["r00", "r01", "r02", "r03"],
    );
    let line = nsqd
        .log()
        .await_line("metadata writePos 66 < file size of 132, skipping to new file");
    assert!(line.contains(" WARNING: DISKQUEUE(t:c) "), "{line}");
    assert_eq!(bad_files(&nsqd), Vec::<String>::new());
    expect_delivered(
        queue(Some("1\n0,33\n0,66\n"), &[(0, records(0..4))]),
        &["r01", "r02", "r03"],
    );
}

#[test]
fn a_torn_record_at_the_end() {
    for torn in [1, 2, 4, 10, 32] {
        let mut file = records(0..3);
        file.extend_from_slice(&records(3..4)[..torn]);
        expect_delivered(
            queue(Some("2\n0,0\n0,66\n"), &[(0, file)]),
            &["r00", "r01", "r02"],
        );
    }
}

#[test]
fn a_file_shorter_than_its_metadata_says() {
    expect_delivered(
        queue(Some("3\n0,0\n0,99\n"), &[(0, records(0..2))]),
        &["r00", "r01"],
    );
    expect_delivered(
        queue(Some("9\n0,0\n0,66\n"), &[(0, records(0..2))]),
        &["r00", "r01"],
    );
}

#[test]
fn no_data_file_at_all() {
    expect_delivered(queue(Some("3\n0,0\n0,99\n"), &[]), &[]);
}

#[test]
fn a_missing_file_before_the_last() {
    expect_delivered(
        queue(Some("4\n0,0\n1,66\n"), &[(1, records(2..4))]),
        &["r02", "r03"],
    );
}

#[test]
fn a_depth_that_is_wrong() {
    for depth in ["0", "1", "-5", "1000000"] {
        let setup = queue(
            Some(&format!("{depth}\n0,0\n1,66\n")),
            &[(0, records(0..2)), (1, records(2..4))],
        );
        expect_delivered(setup, &["r00", "r01", "r02", "r03"]);
    }
}

#[test]
fn attempts_of_a_record_go_on_counting() {
    let setup = queue(Some("1\n0,0\n0,33\n"), &[(0, record_with_attempts(0, 7, b"r00"))]);
    let nsqd = setup.start();
    nsqd.consumer("t", "c", 1).expect_message_of("r00", 8);
}

#[test]
fn attempts_stay_at_their_highest_value() {
    deviates!(AttemptsSaturate);
    let setup = queue(
        Some("1\n0,0\n0,33\n"),
        &[(0, record_with_attempts(0, u16::MAX, b"r00"))],
    );
    let nsqd = setup.start();
    nsqd.consumer("t", "c", 1).expect_message_of("r00", u16::MAX);
}

#[test]
fn a_record_without_a_body() {
    let setup = queue(Some("1\n0,0\n0,30\n"), &[(0, record_with_attempts(0, 0, b""))]);
    let nsqd = setup.start();
    nsqd.consumer("t", "c", 1).expect_message_of("", 1);
}

#[test]
fn no_metadata() {
    deviates!(DataWithoutMetadataIsRead);
    expect_delivered(queue(None, &[(0, records(0..3))]), &["r00", "r01", "r02"]);
    expect_delivered(
        queue(None, &[(3, records(0..2)), (4, records(2..3))]),
        &["r00", "r01", "r02"],
    );
}

#[test]
fn unreadable_metadata() {
    deviates!(DataWithoutMetadataIsRead);
    for metadata in [
        "",
        "garbage",
        "3\n2,0\n",
        "3\n",
        "3\n0,0\n0\n",
        "\0\0\0\0\0\0\0\0\0\0\0\0",
        "x\n0,0\n0,66\n",
    ] {
        expect_delivered(queue(Some(metadata), &[(0, records(0..2))]), &["r00", "r01"]);
    }
}

#[test]
fn unreadable_metadata_is_named_in_the_log() {
    let nsqd = queue(Some("garbage"), &[(0, records(0..2))]).start();
    let line = nsqd
        .log()
        .await_line("DISKQUEUE(t:c) failed to retrieveMetaData - ");
    assert!(line.contains(" ERROR: "), "{line}");
}

#[test]
fn data_without_metadata_is_not_overwritten() {
    deviates!(DataWithoutMetadataIsRead);
    let nsqd = queue(None, &[(0, records(0..3))])
        .flag("--mem-queue-size=0")
        .start();
    nsqd.publish("t", "new");
    let setup = nsqd.stop().setup;
    let nsqd = setup.start();
    assert_eq!(bodies(&drain(&nsqd, 4)), ["r00", "r01", "r02", "new"]);
}

#[test]
fn a_length_that_no_record_can_have() {
    deviates!(DamageIsContained);
    for length in [0_u32, 5, 25, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
        let mut damaged = records(0..1);
        damaged.extend_from_slice(&length.to_be_bytes());
        damaged.extend_from_slice(&records(1..3));
        let setup = queue(Some("5\n0,0\n1,66\n"), &[(0, damaged), (1, records(3..5))]);
        expect_delivered(setup, &["r00", "r01", "r02", "r03", "r04"]);
    }
}

#[test]
fn a_part_filled_with_zeros() {
    deviates!(DamageIsContained);
    let mut damaged = records(0..5);
    damaged[33..99].fill(0);
    let setup = queue(Some("7\n0,0\n1,66\n"), &[(0, damaged), (1, records(5..7))]);
    expect_delivered(setup, &["r00", "r03", "r04", "r05", "r06"]);
}

#[test]
fn a_flipped_bit_in_a_length() {
    deviates!(DamageIsContained);
    for bit in 0..32 {
        let mut damaged = records(0..4);
        damaged[33 + bit / 8] ^= 0x80 >> (bit % 8);
        let setup = queue(Some("6\n0,0\n1,66\n"), &[(0, damaged), (1, records(4..6))]);
        expect_among_delivered(setup, &["r00", "r03", "r04", "r05"]);
    }
}

#[test]
fn the_files_behind_a_damaged_one_are_read_whatever_happened_to_it() {
    let mut damaged = records(0..1);
    damaged.extend_from_slice(&5_u32.to_be_bytes());
    damaged.extend_from_slice(&records(1..3));
    let setup = queue(Some("5\n0,0\n1,66\n"), &[(0, damaged), (1, records(3..5))]);
    expect_among_delivered(setup, &["r00", "r03", "r04"]);
}

#[test]
fn a_record_above_the_current_limit_of_messages() {
    deviates!(LargeStoredMessagesAreRead);
    let file = [record(0, "r00"), record(1, &"x".repeat(500)), record(2, "r02")].concat();
    let metadata = format!("3\n0,0\n0,{}\n", file.len());
    let setup = queue(Some(&metadata), &[(0, file)]).flag("--max-msg-size=100");
    expect_delivered(setup, &["r00", "r02", &"x".repeat(500)]);
}

#[test]
fn a_read_position_behind_the_write_position() {
    for metadata in [
        "1\n2,0\n1,0\n",
        "1\n1,66\n1,0\n",
        "-1\n0,99\n0,66\n",
        "5\n9,9\n0,0\n",
    ] {
        // What is in it may be lost to the original; the queue must work for new messages.
        expect_among_delivered(queue(Some(metadata), &[(1, records(0..2))]), &[]);
    }
}

#[test]
fn a_file_that_cannot_be_opened_holds_up_its_queue_alone_and_only_as_long() {
    deviates!(UnreadableFilesAreNotGivenUp);
    let setup = queue(Some("3\n0,0\n1,33\n"), &[(1, records(2..3))]);
    let obstacle = setup.data_path().join("t:c.diskqueue.000000.dat");
    // A link that leads back to itself: opening fails, and not because nothing is there.
    std::os::unix::fs::symlink(&obstacle, &obstacle).unwrap();
    let nsqd = setup.start();
    let mut consumer = nsqd.consumer("t", "c", 10);
    let mut other = nsqd.consumer("t", "other", 10);
    nsqd.publish("t", "new");
    other.expect_message_of("new", 1);

    std::fs::remove_file(&obstacle).unwrap();
    nsqd.setup().write("t:c.diskqueue.000000.dat", records(0..2));
    let messages = consumer.expect_messages(4);
    assert_eq!(bodies(&messages), ["r00", "r01", "r02", "new"]);
}

#[test]
fn a_queue_of_the_topic_is_mended_as_one_of_a_channel_is() {
    let setup = Setup::new();
    setup.write(
        "nsqd.dat",
        r#"{"topics":[{"name":"t","paused":false,"channels":null}],"version":"1.3.0"}"#,
    );
    setup.write("t.diskqueue.meta.dat", "2\n0,0\n0,66\n");
    setup.write("t.diskqueue.000000.dat", [records(0..3), vec![0, 0]].concat());
    expect_delivered(setup, &["r00", "r01", "r02"]);
}
