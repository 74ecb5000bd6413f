//! What a queue does while nothing goes wrong.

use crate::support::*;
use nsq_diskqueue::{DirectoryIndex, DiskQueue, Error, FsStorage, Options, Position, RecordBatch};
use nsq_testkit::storage::{MemStorage, Operation};
use std::path::Path;
use std::sync::Arc;

#[test]
fn records_come_back_in_order_and_stay_until_consumed() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..5)).unwrap();
    assert_eq!((queue.depth(), queue.unread(), queue.handed_out()), (5, 5, 0));

    let records = queue.read(66).unwrap();
    assert_eq!(
        records
            .iter()
            .map(|record| body(&record.data))
            .collect::<Vec<_>>(),
        bodies(0..2)
    );
    assert_eq!(records[1].end, Position { file: 0, offset: 66 });
    assert_eq!((queue.depth(), queue.unread(), queue.handed_out()), (5, 3, 2));
    assert_eq!(queue.position(), Position { file: 0, offset: 0 });

    queue.advance(1).unwrap();
    assert_eq!((queue.depth(), queue.unread(), queue.handed_out()), (4, 3, 1));
    queue.close().unwrap();
    assert_eq!(meta(&storage), "4\n0,33\n0,165\n");

    assert_eq!(drain(&mut open(&storage)), bodies(1..5));
}

#[test]
fn the_files_have_upstreams_names_and_bytes() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(7..9)).unwrap();
    queue.close().unwrap();
    assert_eq!(
        storage.names(),
        ["q.diskqueue.000000.dat", "q.diskqueue.meta.dat"]
    );
    let expected = b"\x00\x00\x00\x1d\x18\xe9\xcc\xf7\x68\x33\xed\xcc\x00\x0018a2109d0ce69007r07\
                     \x00\x00\x00\x1d\x18\xe9\xcc\xf7\x68\x33\xed\xcd\x00\x0018a2109d0ce69008r08";
    assert_eq!(storage.content(data(0)).unwrap(), expected);
    assert_eq!(meta(&storage), "2\n0,0\n0,66\n");
}

#[test]
fn a_record_that_would_exceed_the_limit_starts_a_file_even_within_a_batch() {
    let storage = MemStorage::new();
    let mut options = options();
    options.max_bytes_per_file = 150;
    let mut queue = open_with(&storage, options);
    queue.append(&batch(0..6)).unwrap();
    assert_eq!(storage.content(data(0)).unwrap(), records(0..4));
    assert_eq!(storage.content(data(1)).unwrap(), records(4..6));
    assert_eq!(meta(&storage), "4\n0,0\n1,0\n", "going on to a new file syncs");
    assert_eq!(drain(&mut queue), bodies(0..6));
    assert_eq!(
        storage.names(),
        ["q.diskqueue.000001.dat", "q.diskqueue.meta.dat"],
        "consumed files are removed"
    );
    assert_eq!(meta(&storage), "2\n1,0\n1,66\n");
}

#[test]
fn a_record_larger_than_the_file_limit_has_a_file_of_its_own() {
    let storage = MemStorage::new();
    let mut options = options();
    options.max_bytes_per_file = 50;
    let mut queue = open_with(&storage, options);
    let mut large = RecordBatch::new();
    for number in 0..3 {
        large.push(&[&message(number, &[b'x'; 200])]);
    }
    queue.append(&large).unwrap();
    for file in 0..3 {
        assert_eq!(storage.content(data(file)).unwrap(), framed(file, &[b'x'; 200]));
    }
    assert_eq!(drain(&mut queue).len(), 3);
}

#[test]
fn a_drained_file_stays_and_is_appended_to() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..2)).unwrap();
    assert_eq!(drain(&mut queue), bodies(0..2));
    queue.close().unwrap();
    assert_eq!(meta(&storage), "0\n0,66\n0,66\n");
    assert_eq!(storage.content(data(0)).unwrap(), records(0..2));

    let mut queue = open(&storage);
    queue.append(&batch(2..3)).unwrap();
    assert_eq!(drain(&mut queue), bodies(2..3));
    queue.close().unwrap();
    assert_eq!(storage.content(data(0)).unwrap(), records(0..3));
    assert_eq!(meta(&storage), "0\n0,99\n0,99\n");
}

#[test]
fn a_drained_file_is_removed_when_writing_goes_on_in_the_next() {
    let storage = MemStorage::new();
    let mut options = options();
    options.max_bytes_per_file = 66;
    let mut queue = open_with(&storage, options);
    queue.append(&batch(0..2)).unwrap();
    assert_eq!(drain(&mut queue), bodies(0..2));
    queue.append(&batch(2..3)).unwrap();
    assert_eq!(
        storage.names(),
        ["q.diskqueue.000001.dat", "q.diskqueue.meta.dat"]
    );
    assert_eq!(meta(&storage), "0\n1,0\n1,0\n");
}

#[test]
fn records_longer_than_a_block_are_read_one_by_one() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    let mut batch = RecordBatch::new();
    for number in 0..3 {
        batch.push(&[&message(number, &[b'a' + u8::try_from(number).unwrap(); 250])]);
    }
    queue.append(&batch).unwrap();
    for number in 0..3 {
        let records = queue.read(1).unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(
            records[0].data,
            message(number, &[b'a' + u8::try_from(number).unwrap(); 250])
        );
    }
    assert!(queue.read(1).unwrap().is_empty());
}

#[test]
fn reading_to_the_end_holds_no_more_memory_than_there_are_bytes() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..1)).unwrap();
    let records = queue.read(1 << 40).unwrap();
    assert_eq!(body(&records[0].data), "r00");
}

#[test]
fn records_that_the_caller_keeps_are_not_read_again() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append_handed_out(&batch(0..3)).unwrap();
    assert_eq!((queue.depth(), queue.unread(), queue.handed_out()), (3, 0, 3));
    assert!(queue.read(1000).unwrap().is_empty());
    queue.advance(1).unwrap();
    queue.sync().unwrap();
    assert_eq!(meta(&storage), "2\n0,33\n0,99\n");
    drop(queue);

    let mut queue = open(&storage);
    assert_eq!(
        drain(&mut queue),
        bodies(1..3),
        "what was not consumed is read after a restart"
    );
}

#[test]
fn records_that_the_caller_keeps_do_not_overtake_unread_ones() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..1)).unwrap();
    queue.append_handed_out(&batch(1..2)).unwrap();
    assert_eq!((queue.unread(), queue.handed_out()), (2, 0));
    assert_eq!(drain(&mut queue), bodies(0..2));
}

#[test]
fn records_that_the_caller_keeps_may_span_files() {
    let storage = MemStorage::new();
    let mut options = options();
    options.max_bytes_per_file = 66;
    let mut queue = open_with(&storage, options);
    queue.append_handed_out(&batch(0..5)).unwrap();
    assert_eq!((queue.unread(), queue.handed_out()), (0, 5));
    queue.advance(3).unwrap();
    assert_eq!(meta(&storage), "2\n1,33\n2,33\n");
    assert!(storage.content(data(0)).is_none());
    queue.advance(2).unwrap();
    queue.close().unwrap();
    assert_eq!(meta(&storage), "0\n2,33\n2,33\n");
}

#[test]
fn a_sync_comes_after_so_many_records_in_and_out() {
    let storage = MemStorage::new();
    let mut options = options();
    options.sync_every = 6;
    let mut queue = open_with(&storage, options);
    queue.append(&batch(0..3)).unwrap();
    queue.read(1000).unwrap();
    queue.advance(2).unwrap();
    assert_eq!(meta(&storage), "none");
    queue.advance(1).unwrap();
    assert_eq!(meta(&storage), "0\n0,99\n0,99\n");
    assert!(!queue.is_dirty());
}

#[test]
fn with_a_sync_interval_of_zero_each_change_is_synced() {
    let storage = MemStorage::new();
    let mut options = options();
    options.sync_every = 0;
    let mut queue = open_with(&storage, options);
    queue.append(&batch(0..3)).unwrap();
    assert_eq!(meta(&storage), "3\n0,0\n0,99\n");
    queue.read(1000).unwrap();
    queue.advance(1).unwrap();
    assert_eq!(meta(&storage), "2\n0,33\n0,99\n");
    let syncs = storage.calls(Operation::Sync);
    queue.advance(0).unwrap();
    assert_eq!(storage.calls(Operation::Sync), syncs, "nothing changed");
}

/// What is owed when the owner syncs, and in the background.
fn owner_syncs() -> Options {
    Options {
        max_bytes_per_file: 100,
        sync_every: 5,
        syncs_itself: false,
        ..options()
    }
}

#[test]
fn a_sync_in_the_background_covers_what_was_there_when_it_began() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, owner_syncs());
    assert!(queue.begin_sync().is_none(), "there is nothing to do");
    queue.append(&batch(0..2)).unwrap();
    assert!(!queue.sync_due());
    queue.append(&batch(2..8)).unwrap();
    assert!(queue.sync_due());
    assert_eq!(meta(&storage), "none", "that is the owner's business");

    let job = queue.begin_sync().unwrap();
    assert_eq!(job.covers(), Position { file: 2, offset: 66 });
    assert!(!queue.sync_due() && queue.is_dirty());
    assert!(queue.begin_sync().is_none(), "one at a time");
    queue.append(&batch(8..10)).unwrap();
    queue.read(1000).unwrap();
    queue.advance(3).unwrap();
    let outcome = job.run();
    assert_eq!(meta(&storage), "8\n0,0\n2,66\n");
    queue.finish_sync(outcome).unwrap();
    assert!(queue.is_dirty() && queue.sync_due(), "a file was consumed since");
    assert!(storage.content(data(0)).is_some());

    let job = queue.begin_sync().unwrap();
    queue.finish_sync(job.run()).unwrap();
    assert_eq!(meta(&storage), "7\n1,0\n3,33\n");
    assert!(storage.content(data(0)).is_none());
    assert!(!queue.is_dirty() && !queue.sync_due());
}

#[test]
fn a_sync_that_fails_in_the_background_is_due_again_after_as_many_records() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, owner_syncs());
    queue.append(&batch(0..5)).unwrap();
    storage.fail(Operation::Sync, "000000.dat", 0, 1, nsq_testkit::storage::EIO);
    let job = queue.begin_sync().unwrap();
    let outcome = job.run();
    queue.append(&batch(5..6)).unwrap();
    queue.finish_sync(outcome).unwrap_err();
    assert!(queue.is_dirty());
    let job = queue.begin_sync().unwrap();
    queue.finish_sync(job.run()).unwrap();
    assert!(!queue.is_dirty());
    let image = storage.image(nsq_testkit::storage::Loss::Everything);
    assert_eq!(drain(&mut open(&image)), bodies(0..6));
}

#[test]
#[should_panic(expected = "the sync that was begun is finished before another")]
fn two_syncs_at_once_are_a_mistake_of_the_owner() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..1)).unwrap();
    let _job = queue.begin_sync();
    let _ = queue.sync();
}

#[test]
fn a_batch_is_one_write() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..30)).unwrap();
    assert_eq!(storage.calls(Operation::Write), 1);
}

#[test]
fn a_record_of_forbidden_length_keeps_the_batch_out() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    let mut batch = batch(0..2);
    batch.push(&[&[b'x'; 1027]]);
    let error = queue.append(&batch).unwrap_err();
    assert_eq!(error.written, 0);
    assert_eq!(
        error.to_string(),
        "invalid message write size (1027) minMsgSize=26 maxMsgSize=1026"
    );
    assert!(
        matches!(
            error.source,
            Error::RecordLen {
                len: 1027,
                min: 26,
                max: 1026
            }
        ),
        "{error:?}"
    );

    batch.clear();
    batch.push(&[&[b'x'; 25]]);
    let error = queue.append(&batch).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid message write size (25) minMsgSize=26 maxMsgSize=1026"
    );
    assert_eq!((queue.depth(), storage.names().len()), (0, 0));
}

#[test]
fn the_longest_and_the_shortest_record_are_accepted() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    let mut batch = RecordBatch::new();
    batch.push(&[&message(0, b"")]);
    batch.push(&[&message(1, &[0; 1000])]);
    queue.append(&batch).unwrap();
    let records = queue.read(2000).unwrap();
    assert_eq!(
        records.iter().map(|record| record.data.len()).collect::<Vec<_>>(),
        [26],
        "one file each"
    );
    assert_eq!(queue.read(2000).unwrap()[0].data, message(1, &[0; 1000]));
}

#[test]
fn emptying_removes_the_files_and_goes_on_with_a_higher_number() {
    let storage = MemStorage::new();
    let mut options = options();
    options.max_bytes_per_file = 66;
    let mut queue = open_with(&storage, options);
    queue.append(&batch(0..5)).unwrap();
    queue.read(66).unwrap();
    queue.empty().unwrap();
    assert_eq!((queue.depth(), queue.unread(), queue.handed_out()), (0, 0, 0));
    assert_eq!(storage.names(), ["q.diskqueue.meta.dat"]);
    assert_eq!(meta(&storage), "0\n3,0\n3,0\n");
    queue.append(&batch(5..6)).unwrap();
    assert_eq!(storage.content(data(3)).unwrap(), records(5..6));
    assert_eq!(drain(&mut queue), bodies(5..6));
}

#[test]
fn deleting_leaves_nothing() {
    let storage = MemStorage::new();
    let mut options = options();
    options.max_bytes_per_file = 66;
    let mut queue = open_with(&storage, options.clone());
    queue.append(&batch(0..5)).unwrap();
    queue.close().unwrap();
    storage.put("/data/q2.diskqueue.000000.dat", "another queue");
    storage.put("/data/q.diskqueue.000000.dat.bad", "for an operator");
    open_with(&storage, options).delete().unwrap();
    assert_eq!(
        storage.names(),
        ["q.diskqueue.000000.dat.bad", "q2.diskqueue.000000.dat"]
    );
}

#[test]
fn closing_a_queue_that_was_never_used_writes_its_metadata() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    assert!(!queue.is_dirty());
    queue.close().unwrap();
    assert_eq!(storage.names(), ["q.diskqueue.meta.dat"]);
    assert_eq!(meta(&storage), "0\n0,0\n0,0\n");
}

#[test]
fn closing_writes_nothing_when_nothing_changed() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..2)).unwrap();
    queue.close().unwrap();
    let operations = storage.operations();
    open(&storage).close().unwrap();
    assert_eq!(storage.operations(), operations);
}

#[test]
fn an_idle_queue_has_no_open_files() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..4)).unwrap();
    queue.read(66).unwrap();
    assert_eq!(storage.handles(), 2);
    queue.release_handles();
    assert_eq!(storage.handles(), 1, "a file that is not synced stays open");
    queue.sync().unwrap();
    queue.release_handles();
    assert_eq!(storage.handles(), 0);
    queue.append(&batch(4..5)).unwrap();
    assert_eq!(queue.read(1000).unwrap().len(), 3);
}

#[test]
fn opening_a_queue_that_was_never_used_costs_one_call_with_an_index() {
    let storage = MemStorage::new();
    let index = DirectoryIndex::scan(&storage, Path::new("/data")).unwrap();
    let mut options = options();
    options.index = Some(Arc::new(index));
    let _queue = open_with(&storage, options);
    let calls = [Operation::Open, Operation::Len, Operation::Read].map(|operation| storage.calls(operation));
    assert_eq!(
        (calls, storage.calls(Operation::List)),
        ([1, 0, 0], 1),
        "the one listing is the index's"
    );
}

#[test]
fn opening_a_queue_that_was_closed_reads_no_data_file() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..20)).unwrap();
    queue.close().unwrap();
    drop(queue);
    let before = [Operation::Open, Operation::List].map(|operation| storage.calls(operation));
    let queue = open(&storage);
    let after = [Operation::Open, Operation::List].map(|operation| storage.calls(operation));
    assert_eq!(
        (after[0] - before[0], after[1] - before[1]),
        (2, 0),
        "the metadata, and whether anything is kept aside"
    );
    assert_eq!((queue.depth(), storage.handles()), (20, 0));
}

#[test]
fn queues_of_one_directory_do_not_see_each_others_files() {
    let storage = MemStorage::new();
    let names = [
        "q",
        "q:c",
        "q.diskqueue",
        "q.diskqueue.000000",
        "q#ephemeral:c",
        "q.diskqueue.meta",
    ];
    for (number, name) in names.iter().enumerate() {
        let mut queue = open_with(
            &storage,
            Options {
                name: (*name).to_owned(),
                ..options()
            },
        );
        queue.append(&batch([number as u64])).unwrap();
        // Without metadata, so that opening has to look at what is in the directory.
        storage.put(format!("/data/{name}.diskqueue.meta.dat"), "");
    }
    for (number, name) in names.iter().enumerate() {
        let mut queue = open_with(
            &storage,
            Options {
                name: (*name).to_owned(),
                ..options()
            },
        );
        assert_eq!(drain(&mut queue), bodies([number as u64]), "{name}");
    }
}

#[test]
fn files_are_private_to_the_user_and_real_ones() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        path: directory.path().to_owned(),
        ..options()
    };
    let mut queue = DiskQueue::open(Arc::new(FsStorage), options.clone()).unwrap();
    queue.append(&batch(0..100)).unwrap();
    queue.close().unwrap();
    for file in std::fs::read_dir(directory.path()).unwrap() {
        assert_eq!(
            file.unwrap().metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let mut queue = DiskQueue::open(Arc::new(FsStorage), options.clone()).unwrap();
    assert_eq!(drain(&mut queue), bodies(0..100));
    queue.close().unwrap();
    let last = directory.path().join("q.diskqueue.000003.dat");
    assert_eq!(std::fs::read(last).unwrap(), records(90..100));

    std::fs::remove_file(directory.path().join("q.diskqueue.meta.dat")).unwrap();
    let mut queue = DiskQueue::open(Arc::new(FsStorage), options).unwrap();
    assert_eq!(drain(&mut queue), bodies(90..100));
    queue.delete().unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn what_deserves_a_line_is_said_in_upstreams_words() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..1)).unwrap();
    queue.read(100).unwrap();
    queue.empty().unwrap();
    queue.close().unwrap();
    queue.delete().unwrap();
    let lines: Vec<_> = queue
        .take_events()
        .iter()
        .map(|event| event.log_line("q"))
        .collect();
    assert_eq!(
        lines,
        [
            "DISKQUEUE(q): writeOne() opened /data/q.diskqueue.000000.dat",
            "DISKQUEUE(q): readOne() opened /data/q.diskqueue.000000.dat",
            "DISKQUEUE(q): emptying",
            "DISKQUEUE(q): closing",
            "DISKQUEUE(q): deleting",
        ]
    );
    assert!(queue.take_events().is_empty());
}

#[test]
#[should_panic(expected = "consumes 2 records of 1 handed out")]
fn consuming_more_than_was_handed_out_is_a_mistake_of_the_caller() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..3)).unwrap();
    queue.read(33).unwrap();
    queue.advance(2).unwrap();
}
