//! Records that stay deferred beyond a clean stop, though they lie in the data files like all others.

use crate::support::*;
use nsq_diskqueue::{DiskQueue, Options};
use nsq_testkit::storage::{ENOSPC, Loss, MemStorage, Operation};

const DUES: &str = "/data/q.diskqueue.deferred.dat";

const ASIDE: &str = "/data/q.diskqueue.aside.dat";

fn small_files() -> Options {
    Options {
        max_bytes_per_file: 200,
        ..options()
    }
}

/// Reads all there is: number, and until when it is deferred.
fn read_all(queue: &mut DiskQueue) -> Vec<(u64, Option<i64>)> {
    let mut read = Vec::new();
    loop {
        let records = queue.read(100).unwrap();
        if records.is_empty() {
            read.extend(read_left(queue));
            return read;
        }
        read.extend(records.iter().map(|record| {
            let number = body(&record.data).strip_prefix('r').unwrap().parse().unwrap();
            (number, record.due_ns)
        }));
    }
}

/// What a crash has left deferred.
fn read_left(queue: &mut DiskQueue) -> Vec<(u64, Option<i64>)> {
    let left = queue.take_left_deferred();
    let tickets: Vec<_> = left.iter().map(|(ticket, _)| *ticket).collect();
    let records = queue.read_deferred(&tickets).unwrap();
    let numbers = records.iter().map(|record| {
        let record = record.as_ref().unwrap();
        body(record).strip_prefix('r').unwrap().parse().unwrap()
    });
    numbers
        .zip(left)
        .map(|(number, (_, due_ns))| (number, Some(due_ns)))
        .collect()
}

fn deferred(numbers: std::ops::Range<u64>) -> Vec<(i64, Vec<u8>)> {
    numbers
        .map(|number| {
            let due = i64::try_from(number).unwrap() * 100;
            (due, message(number, format!("r{number:02}").as_bytes()))
        })
        .collect()
}

/// Defers records, and closes the queue while they wait.
fn defer(queue: &mut DiskQueue, numbers: std::ops::Range<u64>) {
    let records = deferred(numbers);
    let first_ticket = queue.defer(&records).unwrap();
    let due = records.iter().map(|(due_ns, _)| *due_ns);
    let waiting: Vec<_> = (first_ticket..).zip(due).collect();
    queue.close_deferred(&waiting).unwrap();
}

fn expected(plain: std::ops::Range<u64>, deferred: std::ops::Range<u64>) -> Vec<(u64, Option<i64>)> {
    let plain = plain.map(|number| (number, None));
    let due = |number| i64::try_from(number).map(|number| number * 100).ok();
    plain
        .chain(deferred.map(|number| (number, due(number))))
        .collect()
}

/// A closed queue of five records, and behind them ten that are deferred.
fn closed() -> MemStorage {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(0..5)).unwrap();
    defer(&mut queue, 10..20);
    storage
}

#[test]
fn what_is_deferred_is_so_after_a_clean_stop_and_upstream_finds_it() {
    let storage = closed();
    assert_eq!(meta(&storage), "15\n0,0\n2,99\n");
    assert!(storage.content(ASIDE).is_none());
    let mut queue = open_with(&storage, small_files());
    assert_eq!((queue.depth(), queue.unread()), (15, 15));
    assert!(!queue.starts_deferred());
    assert_eq!(read_all(&mut queue), expected(0..5, 10..20));
}

#[test]
fn it_is_so_after_a_crash_and_after_another_stop_too() {
    let storage = closed();
    let mut queue = open_with(&storage, small_files());
    let records = queue.read(100).unwrap();
    queue.advance(records.len() as u64).unwrap();
    queue.sync().unwrap();
    let count = records.len() as u64;
    for loss in [Loss::Nothing, Loss::Everything] {
        let mut queue = open_with(&storage.image(loss), small_files());
        assert_eq!(read_all(&mut queue), expected(count..5, 10..20));
    }
    defer(&mut queue, 20..22);
    let mut queue = open_with(&storage, small_files());
    assert_eq!(read_all(&mut queue), expected(count..5, 10..22));
}

#[test]
fn what_upstream_has_put_there_meanwhile_is_not_deferred() {
    let storage = closed();
    // The same positions, other records.
    for file in 0..3 {
        storage.damage(data(file), |content| {
            for record in content.chunks_exact_mut(33) {
                record[30] = b'r';
                record[31..].copy_from_slice(b"99");
            }
        });
    }
    let mut queue = open_with(&storage, small_files());
    assert_eq!(read_all(&mut queue), vec![(99, None); 15]);
}

#[test]
fn what_upstream_has_appended_meanwhile_is_not_deferred() {
    let storage = closed();
    storage.damage(data(2), |content| content.extend_from_slice(&records(30..32)));
    storage.put(META, b"17\n0,0\n2,165\n".to_vec());
    let mut queue = open_with(&storage, small_files());
    let read = read_all(&mut queue);
    assert_eq!(read, [expected(0..5, 10..20), expected(30..32, 0..0)].concat());
}

#[test]
fn the_file_goes_when_all_of_it_is_consumed_emptied_or_deleted() {
    for end in 0..4 {
        let storage = closed();
        let mut queue = open_with(&storage, small_files());
        match end {
            0 => {
                assert_eq!(drain(&mut queue).len(), 15);
                queue.sync().unwrap();
            }
            1 => queue.empty().unwrap(),
            2 => queue.delete().unwrap(),
            _ => {
                assert_eq!(drain(&mut queue).len(), 15);
                queue.close().unwrap();
            }
        }
        assert!(storage.content(DUES).is_none(), "{end}");
    }
}

#[test]
fn what_has_come_due_is_not_deferred_again() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    let first_ticket = queue.defer(&deferred(0..3)).unwrap();
    queue.close_deferred(&[(first_ticket + 1, 100)]).unwrap();
    let mut queue = open_with(&storage, small_files());
    assert_eq!(read_all(&mut queue), [(0, None), (1, Some(100)), (2, None)]);
}

#[test]
fn nothing_is_deferred_beyond_a_stop_if_that_is_not_wanted() {
    let go = Options {
        keeps_deferred: false,
        ..small_files()
    };
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, go.clone());
    defer(&mut queue, 0..3);
    assert!(storage.content(DUES).is_none());
    for storage in [storage, closed()] {
        let mut queue = open_with(&storage, go.clone());
        assert!(read_all(&mut queue).iter().all(|(_, due_ns)| due_ns.is_none()));
    }
}

#[test]
fn times_that_cannot_be_written_cost_no_record() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    storage.fail(Operation::Write, "deferred", 0, 100, ENOSPC);
    defer(&mut queue, 0..3);
    assert_eq!(
        log(&mut queue)[1..],
        [
            "DISKQUEUE(q) failed to keep the times of deferred messages - write deferred.dat.tmp: no space left on device"
        ]
    );
    let mut queue = open_with(&storage, small_files());
    assert_eq!(read_all(&mut queue), expected(0..3, 0..0));
}

#[test]
fn a_damaged_file_defers_what_it_still_speaks_of() {
    let whole = closed().content(DUES).unwrap();
    for at in 0..whole.len() {
        for cut in [false, true] {
            let storage = closed();
            storage.damage(DUES, |content| {
                if cut {
                    content.truncate(at);
                } else {
                    content[at] ^= 0x40;
                }
            });
            let mut queue = open_with(&storage, small_files());
            let read = read_all(&mut queue);
            assert_eq!(read.len(), 15);
            assert!(read.iter().all(|(_, due_ns)| due_ns.is_none()), "{at}");
        }
    }
}

#[test]
fn many_are_kept_block_by_block() {
    let storage = MemStorage::new();
    let large = Options {
        max_bytes_per_file: 1 << 20,
        ..options()
    };
    let mut queue = open_with(&storage, large.clone());
    defer(&mut queue, 0..3000);
    let mut queue = open_with(&storage, large.clone());
    assert!(queue.starts_deferred());
    // Reads some, and leaves the others to the next.
    let mut read = queue.read(50_000).unwrap().len() as u64;
    queue.advance(read).unwrap();
    queue.close().unwrap();
    let mut queue = open_with(&storage, large);
    for (number, due_ns) in read_all(&mut queue) {
        assert_eq!(
            (number, due_ns),
            (read, i64::try_from(read).map(|read| read * 100).ok())
        );
        read += 1;
    }
    assert_eq!(read, 3000);
}

#[test]
fn a_stop_that_ends_at_any_moment_loses_nothing() {
    for stop_after in 0..60 {
        let storage = MemStorage::new();
        let mut queue = open_with(&storage, small_files());
        queue.append(&batch(0..5)).unwrap();
        let first_ticket = queue.defer(&deferred(10..20)).unwrap();
        queue.sync().unwrap();
        storage.stop_after(stop_after);
        let waiting: Vec<_> = (first_ticket..)
            .zip((10..20).map(|number| number * 100))
            .collect();
        let _ = queue.close_deferred(&waiting);
        for loss in [Loss::Nothing, Loss::Everything, Loss::Random(stop_after)] {
            let mut queue = open_with(&storage.image(loss), small_files());
            let read = read_all(&mut queue);
            for record in expected(0..5, 10..20) {
                assert!(
                    read.contains(&record),
                    "{record:?} of {read:?} after {stop_after} {loss:?}"
                );
            }
        }
    }
}

#[test]
fn what_is_deferred_is_read_by_its_ticket_and_stays_until_it_is_consumed() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    let first = queue.defer(&deferred(0..5)).unwrap();
    queue.consume(&[first + 1]).unwrap();
    let read = queue.read_deferred(&[first + 4, first + 1, first]).unwrap();
    let bodies: Vec<_> = read
        .iter()
        .map(|record| record.as_ref().map(|record| body(record)))
        .collect();
    assert_eq!(bodies, [Some("r04".to_owned()), None, Some("r00".to_owned())]);
    assert_eq!((queue.depth(), queue.unread()), (4, 0));
    drop(queue);
    let mut queue = open_with(&storage, small_files());
    assert_eq!((queue.depth(), queue.unread()), (4, 0));
    let numbers: Vec<_> = read_left(&mut queue).iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [0, 2, 3, 4]);
    assert_eq!(queue.take_left_deferred(), []);
}

#[test]
fn a_record_is_superseded_only_when_its_successor_survives() {
    for loss in [Loss::Nothing, Loss::Everything] {
        let storage = MemStorage::new();
        let mut queue = open_with(
            &storage,
            Options {
                syncs_itself: false,
                ..small_files()
            },
        );
        let ticket = queue.defer(&deferred(0..1)).unwrap();
        queue.sync().unwrap();
        queue.append(&batch(0..1)).unwrap();
        queue.supersede(&[ticket]).unwrap();
        let mut before = open_with(&storage.image(loss), small_files());
        assert!(read_all(&mut before).contains(&(0, Some(0))), "{loss:?}");
        queue.sync().unwrap();
        queue.sync().unwrap();
        let mut after = open_with(&storage.image(loss), small_files());
        assert_eq!(read_all(&mut after), [(0, None)], "{loss:?}");
    }
}

#[test]
fn the_file_is_written_anew_when_much_of_it_is_done() {
    let storage = MemStorage::new();
    let large = Options {
        record_len_max: 1 << 20,
        ..options()
    };
    let mut queue = open_with(&storage, large.clone());
    let body = vec![b'r'; 10_000];
    let records: Vec<_> = (0..2000).map(|number| (number, message(7, &body))).collect();
    let first = queue.defer(&records).unwrap();
    let done: Vec<_> = (first..first + 2000).filter(|ticket| ticket % 10 != 0).collect();
    for done in done.chunks(100) {
        queue.consume(done).unwrap();
    }
    let len = storage.content(ASIDE).unwrap().len();
    assert!(len < 9_000_000, "{len}");
    queue.sync().unwrap();
    let left: Vec<_> = (first..first + 2000).filter(|ticket| ticket % 10 == 0).collect();
    let mut at = 0;
    while at < left.len() {
        let read = queue.read_deferred(&left[at..]).unwrap();
        assert!(
            read.iter()
                .all(|record| record.as_ref().unwrap()[HEADER_LEN..] == body)
        );
        at += read.len();
    }
    let mut queue = open_with(&storage.image(Loss::Everything), large);
    let dues: Vec<_> = queue
        .take_left_deferred()
        .iter()
        .map(|(_, due_ns)| *due_ns)
        .collect();
    assert_eq!(
        dues,
        left.iter()
            .map(|ticket| i64::try_from(ticket - first).unwrap())
            .collect::<Vec<_>>()
    );
}
