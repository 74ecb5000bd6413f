//! Every case of damage and stale metadata that was tried on the original, and what we do in it.

use crate::support::*;
use nsq_diskqueue::Options;
use nsq_testkit::storage::MemStorage;

/// Metadata and data files, what they give, and what is left after draining and a clean stop.
struct Case {
    meta: Option<&'static str>,
    files: Vec<(u64, Vec<u8>)>,
    /// Depth as soon as the queue is open.
    depth: u64,
    delivered: Vec<u64>,
    log: &'static [&'static str],
    meta_after: &'static str,
    files_after: &'static [&'static str],
}

impl Default for Case {
    fn default() -> Self {
        Self {
            meta: None,
            files: Vec::new(),
            depth: 0,
            delivered: Vec::new(),
            log: &[],
            meta_after: "0\n1,0\n1,0\n",
            files_after: &[],
        }
    }
}

impl Case {
    fn storage(&self) -> MemStorage {
        let storage = MemStorage::new();
        if let Some(meta) = self.meta {
            storage.put(META, meta);
        }
        for (number, content) in &self.files {
            storage.put(data(*number), content.clone());
        }
        storage
    }

    #[track_caller]
    fn check(self) -> MemStorage {
        let storage = self.storage();
        let mut queue = open(&storage);
        assert_eq!(queue.depth(), self.depth, "depth when opened");
        assert_eq!(drain(&mut queue), bodies(self.delivered), "delivered");
        assert_eq!(queue.depth(), 0, "depth when drained");
        assert_eq!(log(&mut queue), self.log, "log");
        queue.close().unwrap();
        assert_eq!(meta(&storage), self.meta_after, "metadata afterwards");
        let names = storage.names();
        let data: Vec<_> = names
            .iter()
            .filter_map(|name| name.strip_prefix("q.diskqueue."))
            .collect();
        assert_eq!(
            data.split_last().map(|(_, data)| data),
            Some(self.files_after),
            "files afterwards"
        );

        let mut queue = open(&storage);
        assert_eq!(
            (queue.depth(), log(&mut queue)),
            (0, Vec::new()),
            "once is enough"
        );
        queue.append(&batch([90])).unwrap();
        assert_eq!(drain(&mut queue), bodies([90]), "the queue works");
        storage
    }
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn metadata_that_fits() {
    Case {
        meta: Some("3\n0,0\n0,99\n"),
        files: vec![(0, records(0..3))],
        depth: 3,
        delivered: vec![0, 1, 2],
        meta_after: "0\n0,99\n0,99\n",
        files_after: &["000000.dat"],
        ..Case::default()
    }
    .check();
}

#[test]
fn records_after_the_last_sync_are_delivered_and_counted() {
    Case {
        meta: Some("2\n0,0\n0,66\n"),
        files: vec![(0, records(0..4))],
        depth: 4,
        delivered: vec![0, 1, 2, 3],
        log: &["DISKQUEUE(q) 000000.dat metadata writePos 66 < file size of 132, skipping to new file"],
        ..Case::default()
    }
    .check();
}

#[test]
fn a_file_behind_a_gap_is_not_overlooked() {
    Case {
        meta: Some("0\n0,0\n0,0\n"),
        files: vec![(2, records(0..1))],
        depth: 1,
        delivered: vec![0],
        log: &[
            "DISKQUEUE(q) reading at 0 of 000000.dat - no such file or directory",
            "DISKQUEUE(q) reading at 0 of 000001.dat - no such file or directory",
        ],
        meta_after: "0\n3,0\n3,0\n",
        ..Case::default()
    }
    .check();
}

#[test]
fn records_after_the_last_sync_with_some_consumed() {
    Case {
        meta: Some("1\n0,33\n0,66\n"),
        files: vec![(0, records(0..4))],
        depth: 3,
        delivered: vec![1, 2, 3],
        log: &["DISKQUEUE(q) 000000.dat metadata writePos 66 < file size of 132, skipping to new file"],
        ..Case::default()
    }
    .check();
}

#[test]
fn a_torn_record_at_the_end_is_set_aside() {
    let torn = records(3..4)[..10].to_vec();
    let storage = Case {
        meta: Some("2\n0,0\n0,66\n"),
        files: vec![(0, joined(&[&records(0..3), &torn]))],
        depth: 3,
        delivered: vec![0, 1, 2],
        log: &[
            "DISKQUEUE(q) 000000.dat metadata writePos 66 < file size of 109, skipping to new file",
            "DISKQUEUE(q) reading at 99 of 000000.dat - unexpected EOF",
            "DISKQUEUE(q) skipping 99-109 of 000000.dat, saving it as 000000.dat.bad",
        ],
        files_after: &["000000.dat.bad"],
        ..Case::default()
    }
    .check();
    assert_eq!(storage.content("/data/q.diskqueue.000000.dat.bad").unwrap(), torn);
}

#[test]
fn a_torn_length_at_the_end_is_set_aside() {
    Case {
        meta: Some("2\n0,0\n0,66\n"),
        files: vec![(0, joined(&[&records(0..3), &[0, 0]]))],
        depth: 3,
        delivered: vec![0, 1, 2],
        log: &[
            "DISKQUEUE(q) 000000.dat metadata writePos 66 < file size of 101, skipping to new file",
            "DISKQUEUE(q) reading at 99 of 000000.dat - unexpected EOF",
            "DISKQUEUE(q) skipping 99-101 of 000000.dat, saving it as 000000.dat.bad",
        ],
        files_after: &["000000.dat.bad"],
        ..Case::default()
    }
    .check();
}

#[test]
fn a_file_shorter_than_the_metadata_says() {
    Case {
        meta: Some("3\n0,0\n0,99\n"),
        files: vec![(0, records(0..2))],
        depth: 2,
        delivered: vec![0, 1],
        log: &[
            "DISKQUEUE(q) 000000.dat metadata writePos 99 > file size of 66, data loss, skipping to new file",
            "DISKQUEUE(q) metadata depth 3 does not match the files, counted 2",
        ],
        ..Case::default()
    }
    .check();
}

#[test]
fn a_wrong_length_costs_its_record_only() {
    let mut bad = records(9..10);
    bad[3] = 5;
    let storage = Case {
        meta: Some("5\n0,0\n1,66\n"),
        files: vec![
            (0, joined(&[&records(0..1), &bad, &records(1..3)])),
            (1, records(3..5)),
        ],
        depth: 5,
        delivered: vec![0, 1, 2, 3, 4],
        log: &[
            "DISKQUEUE(q) reading at 33 of 000000.dat - invalid message read size (5)",
            "DISKQUEUE(q) skipping 33-66 of 000000.dat, saving it as 000000.dat.bad",
        ],
        meta_after: "0\n1,66\n1,66\n",
        files_after: &["000000.dat.bad", "000001.dat"],
    }
    .check();
    assert_eq!(storage.content("/data/q.diskqueue.000000.dat.bad").unwrap(), bad);
}

#[test]
fn without_metadata_everything_is_delivered() {
    Case {
        files: vec![(0, records(0..3))],
        depth: 3,
        delivered: vec![0, 1, 2],
        log: &["DISKQUEUE(q) metadata depth 0 does not match the files, counted 3"],
        ..Case::default()
    }
    .check();
}

#[test]
fn without_metadata_nothing_is_overwritten() {
    let storage = MemStorage::new();
    storage.put(data(0), records(0..3));
    let mut queue = open(&storage);
    queue.append(&batch(3..4)).unwrap();
    assert_eq!(storage.content(data(0)).unwrap(), records(0..3));
    assert_eq!(storage.content(data(1)).unwrap(), records(3..4));
    assert_eq!(drain(&mut queue), bodies(0..4));
}

#[test]
fn without_metadata_reading_starts_at_the_first_file_whatever_its_number() {
    Case {
        files: vec![(3, records(0..2)), (4, records(2..3)), (1_000_000, records(3..4))],
        depth: 4,
        delivered: vec![0, 1, 2, 3],
        log: &[
            "DISKQUEUE(q) metadata depth 0 does not match the files, counted 4",
            "DISKQUEUE(q) reading at 0 of 000005.dat - no such file or directory",
        ],
        meta_after: "0\n1000001,0\n1000001,0\n",
        ..Case::default()
    }
    .check();
}

#[test]
fn what_upstream_leaves_after_losing_its_metadata_is_delivered() {
    // A new record over the first of three, two stale ones behind it.
    Case {
        meta: Some("1\n0,0\n0,33\n"),
        files: vec![(0, joined(&[&records(7..8), &records(1..3)]))],
        depth: 3,
        delivered: vec![7, 1, 2],
        log: &["DISKQUEUE(q) 000000.dat metadata writePos 33 < file size of 99, skipping to new file"],
        ..Case::default()
    }
    .check();
}

#[test]
fn metadata_without_any_file() {
    Case {
        meta: Some("3\n0,0\n0,99\n"),
        log: &[
            "DISKQUEUE(q) 000000.dat metadata writePos 99 > file size of 0, data loss, skipping to new file",
            "DISKQUEUE(q) metadata depth 3 does not match the files, counted 0",
            "DISKQUEUE(q) reading at 0 of 000000.dat - no such file or directory",
        ],
        ..Case::default()
    }
    .check();
}

#[test]
fn metadata_that_is_not_metadata() {
    for (meta, cause) in [
        ("garbage\n", "expected integer"),
        ("", "EOF"),
        ("2\n", "EOF"),
        ("3\n2,0\n", "EOF"),
    ] {
        let storage = Case {
            meta: Some(meta),
            files: vec![(0, records(0..2))],
            ..Case::default()
        }
        .storage();
        let mut queue = open(&storage);
        assert_eq!(queue.depth(), 2);
        assert_eq!(drain(&mut queue), bodies(0..2), "{meta:?}");
        assert_eq!(
            log(&mut queue),
            [
                format!("DISKQUEUE(q) failed to retrieveMetaData - {cause}"),
                "DISKQUEUE(q) metadata depth 0 does not match the files, counted 2".to_owned(),
            ]
        );
        queue.close().unwrap();
        assert_eq!(self::meta(&storage), "0\n1,0\n1,0\n");
    }
}

#[test]
fn metadata_as_upstream_tolerates_it() {
    for meta in [
        "2\r\n0,0\r\n0,66\r\n",
        "2\n0,0\n0,66",
        "2\n0,0\n0,66\nmore\n",
        "+2\n0,0\n0,66\n",
    ] {
        let storage = MemStorage::new();
        storage.put(META, meta);
        storage.put(data(0), records(0..2));
        let mut queue = open(&storage);
        assert_eq!((queue.depth(), log(&mut queue).len()), (2, 0), "{meta:?}");
        queue.append(&batch(2..3)).unwrap();
        assert_eq!(storage.content(data(0)).unwrap(), records(0..3));
    }
}

#[test]
fn a_missing_first_file_is_passed_over() {
    Case {
        meta: Some("4\n0,0\n1,66\n"),
        files: vec![(1, records(2..4))],
        depth: 4,
        delivered: vec![2, 3],
        log: &[
            "DISKQUEUE(q) reading at 0 of 000000.dat - no such file or directory",
            "DISKQUEUE(q) positive depth at tail (2), data loss, resetting 0...",
        ],
        meta_after: "0\n1,66\n1,66\n",
        files_after: &["000001.dat"],
    }
    .check();
}

#[test]
fn a_depth_that_is_too_high() {
    Case {
        meta: Some("9\n0,0\n0,66\n"),
        files: vec![(0, records(0..2))],
        depth: 2,
        delivered: vec![0, 1],
        log: &["DISKQUEUE(q) metadata depth 9 does not match the files, counted 2"],
        meta_after: "0\n0,66\n0,66\n",
        files_after: &["000000.dat"],
    }
    .check();
}

#[test]
fn a_depth_that_is_too_low() {
    Case {
        meta: Some("1\n0,0\n0,66\n"),
        files: vec![(0, records(0..2))],
        depth: 1,
        delivered: vec![0, 1],
        log: &["DISKQUEUE(q) negative depth at tail (-1), metadata corruption, resetting 0..."],
        meta_after: "0\n0,66\n0,66\n",
        files_after: &["000000.dat"],
    }
    .check();
}

#[test]
fn a_negative_depth() {
    Case {
        meta: Some("-2\n0,0\n1,33\n"),
        files: vec![(0, records(0..2)), (1, records(2..3))],
        depth: 3,
        delivered: vec![0, 1, 2],
        log: &["DISKQUEUE(q) metadata depth -2 does not match the files, counted 3"],
        meta_after: "0\n1,33\n1,33\n",
        files_after: &["000001.dat"],
    }
    .check();
}

#[test]
fn a_read_position_beyond_the_write_position() {
    for (meta, read, write) in [
        ("1\n2,0\n1,0\n", "2,0", "1,0"),
        ("1\n1,66\n1,33\n", "1,66", "1,33"),
    ] {
        let storage = MemStorage::new();
        storage.put(META, meta);
        storage.put(data(1), records(0..2));
        let mut queue = open(&storage);
        assert_eq!(
            drain(&mut queue),
            bodies(0..2),
            "nothing that is there is given up"
        );
        assert_eq!(
            log(&mut queue),
            [
                format!(
                    "DISKQUEUE(q) read position {read} > write position {write}, corruption, starting at the first file"
                ),
                "DISKQUEUE(q) metadata depth 1 does not match the files, counted 2".to_owned(),
            ]
        );
        queue.close().unwrap();
        assert_eq!(self::meta(&storage), "0\n2,0\n2,0\n");
    }
}

#[test]
fn positions_far_beyond_everything_neither_spin_nor_lose() {
    for meta in [
        "5\n4000000000000000000,0\n4000000000000000000,0\n",
        "5\n0,0\n4000000000000000000,77\n",
        "5\n0,9223372036854775807\n0,9223372036854775807\n",
        "5\n0,9223372036854775807\n1,0\n",
        "5\n9223372036854775807,0\n9223372036854775807,0\n",
        "5\n-1,0\n0,0\n",
        "99999999999999999999\n0,0\n0,66\n",
    ] {
        let storage = MemStorage::new();
        storage.put(META, meta);
        storage.put(data(0), records(0..2));
        let mut queue = open(&storage);
        drain(&mut queue);
        assert!(!log(&mut queue).is_empty(), "{meta:?}");
        queue.close().unwrap();
        let mut queue = open(&storage);
        assert_eq!(
            (queue.depth(), log(&mut queue)),
            (0, Vec::new()),
            "once is enough: {meta:?}"
        );
        queue.append(&batch([5])).unwrap();
        assert_eq!(drain(&mut queue), bodies([5]), "{meta:?}");
    }
}

#[test]
fn attempts_are_kept() {
    let storage = MemStorage::new();
    let mut content = records(0..1);
    content[13] = 7;
    storage.put(META, "1\n0,0\n0,33\n");
    storage.put(data(0), content.clone());
    assert_eq!(open(&storage).read(100).unwrap()[0].data, content[4..]);
}

#[test]
fn records_longer_than_the_limit_of_today_are_read() {
    let storage = MemStorage::new();
    let large = framed(1, &[b'x'; 500]);
    let content = joined(&[&records(0..1), &large, &records(2..3)]);
    storage.put(META, format!("3\n0,0\n0,{}\n", content.len()));
    storage.put(data(0), content);
    let mut queue = open_with(
        &storage,
        Options {
            record_len_max: 50,
            ..options()
        },
    );
    assert_eq!(
        drain(&mut queue),
        ["r00".to_owned(), "x".repeat(500), "r02".to_owned()]
    );
    assert!(log(&mut queue).is_empty());
}

#[test]
fn files_that_were_started_after_the_last_sync_are_delivered() {
    Case {
        meta: Some("1\n0,33\n0,66\n"),
        files: vec![(0, records(0..2)), (1, records(2..4)), (2, records(4..5))],
        depth: 4,
        delivered: vec![1, 2, 3, 4],
        meta_after: "0\n3,0\n3,0\n",
        ..Case::default()
    }
    .check();
}

#[test]
fn files_left_over_from_before_the_read_position_are_removed_if_the_metadata_proves_right() {
    Case {
        meta: Some("2\n2,0\n2,66\n"),
        files: vec![(0, records(7..8)), (1, records(8..9)), (2, records(0..2))],
        depth: 2,
        delivered: vec![0, 1],
        meta_after: "0\n2,66\n2,66\n",
        files_after: &["000002.dat"],
        ..Case::default()
    }
    .check();
}

#[test]
fn files_before_a_read_position_that_cannot_be_right_are_delivered() {
    Case {
        meta: Some("4\n2,0\n2,66\n"),
        files: vec![(1, records(0..2)), (2, records(2..4))],
        depth: 4,
        delivered: vec![0, 1, 2, 3],
        log: &[
            "DISKQUEUE(q) metadata depth 4 does not match what follows 2,0, starting at the first file",
            "DISKQUEUE(q) metadata depth 4 does not match the files, counted 4",
        ],
        meta_after: "0\n3,0\n3,0\n",
        ..Case::default()
    }
    .check();
}

#[test]
fn unknown_files_are_left_alone() {
    let storage = MemStorage::new();
    let names = [
        "/data/nsqd.dat",
        "/data/q.diskqueue.000000.dat.bad",
        "/data/q.diskqueue.00000.dat",
        "/data/q.diskqueue.0000000.dat",
        "/data/q.diskqueue.000001.dat2",
        "/data/q.diskqueue.+00001.dat",
        "/data/q.diskqueue.meta.dat.x.tmp",
        "/data/xq.diskqueue.000000.dat",
        "/data/q.deferred.000001.dat",
    ];
    for name in names {
        storage.put(name, records(0..1));
    }
    storage.put(
        "/data/q.diskqueue.meta.dat.6334824724549167320.tmp",
        "left by a crash of the original",
    );
    let mut queue = open(&storage);
    assert_eq!((queue.depth(), log(&mut queue).len()), (0, 0));
    queue.append(&batch(0..1)).unwrap();
    queue.close().unwrap();
    queue.delete().unwrap();
    assert_eq!(storage.names().len(), names.len());
    for name in names {
        assert_eq!(storage.content(name).unwrap(), records(0..1));
    }
}

#[test]
fn metadata_that_was_not_believed_does_not_come_true_by_what_is_written_next() {
    let storage = MemStorage::new();
    storage.put(META, "1\n1,0\n1,70\n");
    storage.put(data(0), records(0..1));
    let mut queue = open(&storage);
    // The file with this number, and with one record, is what the metadata speaks of.
    queue.append(&batch(1..2)).unwrap();
    drop(queue);
    assert_eq!(meta(&storage), "1\n1,0\n1,70\n", "nothing was synced");
    assert_eq!(drain(&mut open(&storage)), bodies(0..2));
}
