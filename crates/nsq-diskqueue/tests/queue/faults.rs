//! What the operating system refuses is never taken for damage, and never costs a record.

use crate::support::*;
use nsq_diskqueue::{Action, DirectoryIndex, DiskQueue, Event, Options};
use nsq_testkit::storage::{EACCES, EIO, EMFILE, ENOSPC, Loss, MemStorage, Operation};
use std::path::Path;
use std::sync::Arc;

fn small_files() -> Options {
    Options {
        max_bytes_per_file: 100,
        ..options()
    }
}

fn bad_files(storage: &MemStorage) -> usize {
    storage
        .names()
        .iter()
        .filter(|name| name.contains(".bad"))
        .count()
}

#[test]
fn a_full_disk_costs_no_record_and_leaves_no_torn_one() {
    for room in 0..198 {
        let storage = MemStorage::new();
        let mut queue = open(&storage);
        queue.append(&batch(0..1)).unwrap();
        storage.limit_bytes(33 + room);
        let error = queue.append(&batch(1..7)).unwrap_err();
        let written = room / 33;
        assert_eq!(error.written as u64, written.min(6));
        assert_eq!(error.source.io_kind(), Some(std::io::ErrorKind::StorageFull));
        assert_eq!(queue.depth(), 1 + written);
        assert_eq!(
            storage.content(data(0)).unwrap(),
            records(0..=written),
            "what was torn is cut off"
        );

        let more = queue.append(&batch(1 + written..7)).unwrap_err();
        assert_eq!(more.written, 0);
        storage.heal();
        queue.append(&batch(1 + written..7)).unwrap();
        assert_eq!(drain(&mut queue), bodies(0..7));
        assert_eq!((bad_files(&storage), log(&mut queue).len()), (0, 0));
    }
}

#[test]
fn a_torn_write_that_cannot_be_cut_off_is_overwritten() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..1)).unwrap();
    storage.limit_bytes(33 + 70);
    storage.fail(Operation::SetLen, "", 0, 1, EIO);
    assert_eq!(queue.append(&batch(1..4)).unwrap_err().written, 2);
    assert_eq!(storage.content(data(0)).unwrap().len(), 103);
    storage.heal();
    queue.append(&batch(3..4)).unwrap();
    queue.close().unwrap();
    assert_eq!(storage.content(data(0)).unwrap(), records(0..4));
}

#[test]
fn a_torn_write_that_cannot_be_cut_off_is_cut_off_when_the_queue_is_closed() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..1)).unwrap();
    storage.limit_bytes(33 + 20);
    storage.fail(Operation::SetLen, "", 0, 1, EIO);
    assert_eq!(queue.append(&batch(1..2)).unwrap_err().written, 0);
    storage.heal();
    queue.sync().unwrap();
    queue.release_handles();
    queue.close().unwrap();
    assert_eq!(storage.content(data(0)).unwrap(), records(0..1));
    assert_eq!(meta(&storage), "1\n0,0\n0,33\n");
}

#[test]
fn running_out_of_descriptors_while_appending_costs_nothing() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    storage.limit_handles(0);
    let error = queue.append(&batch(0..2)).unwrap_err();
    assert_eq!(
        (error.written, error.source.io_action().unwrap().0),
        (0, Action::Open)
    );
    assert_eq!(queue.depth(), 0);
    storage.heal();
    // The metadata is due at the end of a file.
    storage.fail(Operation::Open, ".tmp", 0, 1, EMFILE);
    let error = queue.append(&batch(0..4)).unwrap_err();
    assert_eq!(error.written, 4);
    storage.heal();
    queue.sync().unwrap();
    assert_eq!(meta(&storage), "4\n0,0\n1,33\n");
    assert_eq!(drain(&mut queue), bodies(0..4));
    assert_eq!(bad_files(&storage), 0);
}

#[test]
fn what_keeps_a_file_from_being_read_is_reported_until_it_ends() {
    for (operation, errno) in [
        (Operation::Open, EMFILE),
        (Operation::Open, EACCES),
        (Operation::Open, EIO),
        (Operation::Read, EIO),
        (Operation::Len, EIO),
    ] {
        let storage = MemStorage::new();
        let mut queue = open_with(&storage, small_files());
        queue.append(&batch(0..9)).unwrap();
        assert_eq!(queue.read(1000).unwrap().len(), 3);
        storage.fail(operation, ".dat", 0, u64::MAX, errno);
        for _ in 0..3 {
            let error = queue.read(1000).unwrap_err();
            let (action, path) = error.io_action().unwrap();
            assert!(matches!(action, Action::Open | Action::Read));
            assert!(path.to_str().unwrap().contains("00000"), "{error}");
            assert_eq!((queue.depth(), queue.unread()), (9, 6));
        }
        storage.heal();
        assert_eq!(queue.read(1000).unwrap().len(), 3);
        assert_eq!(queue.read(1000).unwrap().len(), 3);
        queue.advance(9).unwrap();
        assert_eq!(
            (bad_files(&storage), log(&mut queue).len()),
            (0, 0),
            "{operation:?} {errno}"
        );
    }
}

#[test]
fn records_around_an_unreadable_sector_are_delivered_up_to_it() {
    let storage = MemStorage::new();
    let mut queue = open_with(
        &storage,
        Options {
            max_bytes_per_file: 1 << 20,
            ..options()
        },
    );
    queue.append(&batch(0..1000)).unwrap();
    storage.make_unreadable(data(0), 16_384..16_896);
    let mut delivered = Vec::new();
    let error = loop {
        match queue.read(32_768) {
            Ok(records) => delivered.extend(records.iter().map(|record| body(&record.data))),
            Err(error) => break error,
        }
    };
    assert_eq!(
        error.io_kind(),
        std::io::Error::from_raw_os_error(EIO).kind().into()
    );
    // 16,384 / 33, less what does not fit into the last small block.
    assert!(
        delivered.len() > 450 && delivered == bodies(0..delivered.len() as u64),
        "{}",
        delivered.len()
    );
    storage.heal();
    let rest = drain_behind(&mut queue);
    assert_eq!([delivered, rest].concat(), bodies(0..1000));
    assert_eq!(bad_files(&storage), 0);
}

/// Reads the rest without consuming.
fn drain_behind(queue: &mut DiskQueue) -> Vec<String> {
    let mut rest = Vec::new();
    while queue.unread() > 0 {
        rest.extend(queue.read(1000).unwrap().iter().map(|record| body(&record.data)));
    }
    rest
}

#[test]
fn what_keeps_a_queue_from_being_opened_is_an_error_not_an_empty_queue() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..3)).unwrap();
    queue.close().unwrap();
    for (operation, errno) in [
        (Operation::Open, EMFILE),
        (Operation::Open, EACCES),
        (Operation::Read, EIO),
        (Operation::Len, EIO),
    ] {
        storage.fail(operation, "", 0, 1, errno);
        assert!(
            DiskQueue::open(Arc::new(storage.clone()), options()).is_err(),
            "{operation:?}"
        );
        storage.heal();
    }
    storage.damage(META, Vec::clear);
    storage.fail(Operation::List, "", 0, 1, EMFILE);
    let error = DiskQueue::open(Arc::new(storage.clone()), options()).unwrap_err();
    assert_eq!(error.to_string(), "list /data: too many open files");
    storage.fail(Operation::List, "", 0, 1, EMFILE);
    assert!(DirectoryIndex::scan(&storage, Path::new("/data")).is_err());
    assert_eq!(drain(&mut open(&storage)), bodies(0..3));
}

#[test]
fn a_sync_that_fails_anywhere_is_an_error_and_succeeds_when_repeated() {
    let faults = [
        (Operation::Sync, "000000.dat", Action::Sync),
        (Operation::Open, ".tmp", Action::Open),
        (Operation::Write, ".tmp", Action::Write),
        (Operation::Sync, ".tmp", Action::Sync),
        (Operation::Rename, ".tmp", Action::Rename),
        (Operation::SyncDirectory, "", Action::Sync),
    ];
    for (operation, path, action) in faults {
        for errno in [EIO, ENOSPC] {
            let storage = MemStorage::new();
            let mut queue = open(&storage);
            queue.append(&batch(0..3)).unwrap();
            storage.fail(operation, path, 0, 2, errno);
            for _ in 0..2 {
                assert_eq!(queue.sync().unwrap_err().io_action().unwrap().0, action);
                assert!(queue.is_dirty());
            }
            queue.sync().unwrap();
            assert!(!queue.is_dirty());
            assert_eq!(meta(&storage), "3\n0,0\n0,99\n");
            let image = storage.image(Loss::Everything);
            assert_eq!(drain(&mut open(&image)), bodies(0..3), "{operation:?} {path}");
            assert_eq!(image.names(), ["q.diskqueue.000000.dat", "q.diskqueue.meta.dat"]);
        }
    }
}

#[test]
fn what_a_failed_sync_may_have_lost_is_written_again() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(0..1)).unwrap();
    queue.sync().unwrap();
    // The failure comes when the file is full, and the queue goes on to the next.
    storage.fail(Operation::Sync, "000000.dat", 0, 3, EIO);
    queue.append(&batch(1..2)).unwrap();
    queue.sync().unwrap_err();
    let error = queue.append(&batch(2..5)).unwrap_err();
    assert_eq!(error.written, 3, "the records are in the queue, only not safe");
    queue.sync().unwrap_err();
    queue.sync().unwrap();
    assert_eq!(
        drain(&mut open_with(&storage.image(Loss::Everything), small_files())),
        bodies(0..5)
    );
}

#[test]
fn what_a_failed_sync_has_lost_is_reported() {
    let storage = MemStorage::new();
    storage.forget_on_failed_sync();
    let mut queue = open(&storage);
    queue.append(&batch(0..2)).unwrap();
    queue.sync().unwrap();
    queue.append(&batch(2..4)).unwrap();
    storage.fail(Operation::Sync, "000000.dat", 0, 1, EIO);
    queue.sync().unwrap_err();
    queue.take_events();
    queue.append(&batch(4..5)).unwrap();
    queue.sync().unwrap();
    assert_eq!(
        log(&mut queue),
        ["DISKQUEUE(q) part of 000000.dat from 66 on was lost by the operating system after a failed sync"]
    );
    assert_eq!(drain(&mut queue), [bodies(0..2), bodies(4..5)].concat());
}

#[test]
fn a_failed_sync_while_consuming_consumes_nevertheless() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(0..4)).unwrap();
    queue.read(1000).unwrap();
    storage.fail(Operation::Rename, "", 0, 1, EIO);
    queue.advance(3).unwrap_err();
    assert_eq!((queue.depth(), queue.handed_out()), (1, 0));
    assert!(
        storage.content(data(0)).is_some(),
        "its consumption is not on disk yet"
    );
    queue.sync().unwrap();
    assert!(storage.content(data(0)).is_none());
}

#[test]
fn a_full_disk_is_freed_by_consuming() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(0..9)).unwrap();
    storage.limit_bytes(storage.bytes_used());
    queue.append(&batch(9..10)).unwrap_err();
    queue.read(1000).unwrap();
    queue.advance(3).unwrap();
    assert!(storage.content(data(0)).is_none());
    queue.append(&batch(9..10)).unwrap();
    assert_eq!(drain(&mut queue), bodies(3..10));
}

#[test]
fn a_file_that_cannot_be_removed_is_reported_and_stays() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(0..4)).unwrap();
    storage.fail(Operation::Remove, "", 0, 1, EACCES);
    assert_eq!(drain(&mut queue), bodies(0..4));
    assert_eq!(
        log(&mut queue),
        ["DISKQUEUE(q) failed to Remove(000000.dat) - Permission denied (os error 13)"]
    );
    queue.close().unwrap();
    let queue = open_with(&storage, small_files());
    assert_eq!(
        (queue.depth(), storage.content(data(0))),
        (0, None),
        "removed at the next start"
    );
}

#[test]
fn damage_that_cannot_be_copied_keeps_its_file() {
    let storage = MemStorage::new();
    let mut content = records(0..3);
    content[33..66].fill(0);
    storage.put(META, "4\n0,0\n1,33\n");
    storage.put(data(0), content.clone());
    storage.put(data(1), records(3..4));
    let mut queue = open_with(&storage, small_files());
    storage.fail(Operation::Write, ".bad", 0, 1, ENOSPC);
    assert_eq!(drain(&mut queue), ["r00", "r02", "r03"]);
    assert_eq!(
        log(&mut queue),
        [
            "DISKQUEUE(q) reading at 33 of 000000.dat - invalid message read size (0)",
            "DISKQUEUE(q) skipping 33-66 of 000000.dat, keeping the file",
            "DISKQUEUE(q) saving bad file 000000.dat as 000000.dat.bad",
            "DISKQUEUE(q) positive depth at tail (1), data loss, resetting 0...",
        ]
    );
    assert_eq!(
        storage.content("/data/q.diskqueue.000000.dat.bad").unwrap(),
        content
    );
    assert!(storage.content(data(0)).is_none());
}

#[test]
fn a_file_that_should_be_new_and_is_not_is_read_rather_than_overwritten() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(0..3)).unwrap();
    storage.put(data(1), records(50..52));
    queue.append_handed_out(&batch(3..4)).unwrap();
    assert_eq!(storage.content(data(1)).unwrap(), records(50..52));
    assert_eq!(storage.content(data(2)).unwrap(), records(3..4));
    assert_eq!((queue.depth(), queue.handed_out()), (6, 0));
    assert_eq!(
        drain(&mut queue),
        [bodies(0..3), bodies(50..52), bodies(3..4)].concat()
    );
}

#[test]
fn an_emptied_queue_stays_empty_though_the_sync_fails() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(0..9)).unwrap();
    storage.fail(Operation::Open, ".tmp", 0, 1, EMFILE);
    queue.empty().unwrap_err();
    assert_eq!((queue.depth(), queue.unread()), (0, 0));
    queue.append(&batch(9..10)).unwrap();
    queue.close().unwrap();
    assert_eq!(drain(&mut open_with(&storage, small_files())), bodies(9..10));
}

#[test]
fn a_queue_whose_directory_cannot_be_listed_is_not_deleted_by_halves() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..1)).unwrap();
    queue.close().unwrap();
    storage.damage(META, |text| *text = b"1\n0,0\n99999,0\n".to_vec());
    let mut queue = open(&storage);
    storage.fail(Operation::List, "", 0, 1, EMFILE);
    queue.delete().unwrap_err();
    queue.delete().unwrap();
    assert!(storage.names().is_empty());
}

#[test]
fn a_reader_that_finds_its_files_gone_ends() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(0..7)).unwrap();
    for file in 0..3 {
        use nsq_diskqueue::Storage;
        storage.remove(Path::new(&data(file))).unwrap();
    }
    assert!(queue.read(1000).unwrap().is_empty());
    assert_eq!((queue.depth(), queue.unread()), (0, 0));
    let missing = |event: &Event| event.to_string().ends_with("no such file or directory");
    assert!(queue.take_events().iter().any(missing));
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_read_costs_its_end() {
    let storage = MemStorage::new();
    let mut queue = open(&storage);
    queue.append(&batch(0..6)).unwrap();
    assert_eq!(queue.read(33).unwrap().len(), 1);
    storage.damage(data(0), |content| content.truncate(80));
    queue.release_handles();
    assert_eq!(queue.read(1000).unwrap().len(), 1);
    assert!(queue.read(1000).unwrap().is_empty());
    assert_eq!(queue.unread(), 0);
}

#[test]
fn a_file_that_may_have_lost_something_is_remembered_when_writing_goes_on_in_the_next() {
    let options = Options {
        syncs_itself: false,
        ..small_files()
    };
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, options.clone());
    queue.append(&batch(0..2)).unwrap();
    storage.fail(Operation::Sync, "000000.dat", 0, 1, EIO);
    queue.sync().unwrap_err();
    queue.append(&batch(2..5)).unwrap();
    queue.sync().unwrap();
    assert_eq!(
        drain(&mut open_with(&storage.image(Loss::Everything), options)),
        bodies(0..5)
    );
}

#[test]
fn a_torn_write_is_cut_off_before_writing_goes_on_in_the_next_file() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(0..2)).unwrap();
    storage.limit_bytes(66 + 20);
    storage.fail(Operation::SetLen, "", 0, 1, EIO);
    queue.append(&batch(2..3)).unwrap_err();
    storage.heal();
    let mut large = nsq_diskqueue::RecordBatch::new();
    large.push(&[&message(3, &[b'x'; 60])]);
    queue.append(&large).unwrap();
    assert_eq!(storage.content(data(0)).unwrap(), records(0..2));
    assert_eq!(drain(&mut queue).len(), 3);
    assert_eq!(bad_files(&storage), 0);
}
