//! Records consumed in any order: what is not consumed survives, and little of what is consumed comes back.

use crate::support::*;
use nsq_diskqueue::{Appended, DiskQueue, Options};
use nsq_testkit::storage::{EIO, ENOSPC, Loss, MemStorage, Operation};
use proptest::prelude::*;
use std::collections::BTreeSet;

const ASIDE: &str = "/data/q.diskqueue.aside.dat";

/// Consumed records that may come back.
const HOLES_MAX: u64 = 3;

fn small_files() -> Options {
    Options {
        max_bytes_per_file: 200,
        sync_every: 1_000_000,
        ..options()
    }
}

/// Reads all there is; the tickets by number.
fn read_all(queue: &mut DiskQueue) -> Vec<(u64, u64)> {
    let mut tickets = Vec::new();
    loop {
        let records = queue.read(1000).unwrap();
        if records.is_empty() {
            return tickets;
        }
        for record in records {
            let number = body(&record.data).strip_prefix('r').unwrap().parse().unwrap();
            tickets.push((number, record.ticket));
        }
    }
}

/// A queue of which all but the first and the fifth of twenty records are consumed, and those two put aside.
fn with_two_aside(storage: &MemStorage) -> DiskQueue {
    let mut queue = open_with(storage, small_files());
    queue.append(&batch(0..20)).unwrap();
    let tickets = read_all(&mut queue);
    let consumed: Vec<_> = tickets
        .iter()
        .filter(|(number, _)| ![0, 4].contains(number))
        .collect();
    queue
        .consume(&consumed.iter().map(|(_, ticket)| *ticket).collect::<Vec<_>>())
        .unwrap();
    assert_eq!(queue.holes(), 18);
    while queue.put_aside(0).unwrap() {}
    assert_eq!(queue.holes(), 0);
    queue
}

#[test]
fn a_record_that_holds_back_the_position_is_put_aside() {
    let storage = MemStorage::new();
    let mut queue = with_two_aside(&storage);
    queue.sync().unwrap();
    assert_eq!(meta(&storage), "0\n3,66\n3,66\n");
    assert_eq!((queue.depth(), queue.handed_out(), queue.unread()), (2, 2, 0));
    for loss in [Loss::Nothing, Loss::Everything] {
        let mut queue = open_with(&storage.image(loss), small_files());
        assert_eq!((queue.depth(), queue.unread()), (2, 2));
        assert_eq!(
            read_all(&mut queue)
                .iter()
                .map(|(number, _)| *number)
                .collect::<Vec<_>>(),
            [0, 4]
        );
    }
}

#[test]
fn what_is_put_aside_is_consumed_by_the_ticket_it_had() {
    let storage = MemStorage::new();
    let mut queue = with_two_aside(&storage);
    queue.consume(&[0, 4, 4, 999]).unwrap();
    assert_eq!(queue.depth(), 0);
    assert_eq!(storage.content(ASIDE).unwrap(), b"");
    queue.sync().unwrap();
    let mut queue = open_with(&storage.image(Loss::Everything), small_files());
    assert_eq!(read_all(&mut queue), []);
}

#[test]
fn a_clean_stop_leaves_what_upstream_reads() {
    let storage = MemStorage::new();
    let mut queue = with_two_aside(&storage);
    queue.append(&batch(20..21)).unwrap();
    queue.close().unwrap();
    assert!(storage.content(ASIDE).is_none());
    assert_eq!(meta(&storage), "3\n3,66\n3,165\n");
    assert_eq!(storage.content(data(3)).unwrap(), records([18, 19, 20, 0, 4]));
    assert_eq!(drain(&mut open_with(&storage, small_files())), bodies([20, 0, 4]));
}

#[test]
fn tickets_of_what_an_earlier_process_has_left_are_no_others() {
    let storage = MemStorage::new();
    let mut queue = with_two_aside(&storage);
    queue.sync().unwrap();
    drop(queue);
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(20..30)).unwrap();
    let tickets = read_all(&mut queue);
    let numbers: Vec<_> = tickets.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [&[0, 4], &(20..30).collect::<Vec<_>>()[..]].concat());
    assert_eq!(
        tickets
            .iter()
            .map(|(_, ticket)| ticket)
            .collect::<BTreeSet<_>>()
            .len(),
        12
    );
    queue.consume(&[tickets[1].1, tickets[2].1]).unwrap();
    queue.close().unwrap();
    let numbers = [&(21..30).collect::<Vec<_>>()[..], &[0]].concat();
    assert_eq!(drain(&mut open_with(&storage, small_files())), bodies(numbers));
}

#[test]
fn emptying_and_deleting_take_what_is_put_aside_along() {
    for delete in [false, true] {
        let storage = MemStorage::new();
        let mut queue = with_two_aside(&storage);
        if delete { queue.delete() } else { queue.empty() }.unwrap();
        assert!(storage.content(ASIDE).is_none());
        queue.consume(&[0, 4]).unwrap();
        let mut queue = open_with(&storage.image(Loss::Nothing), small_files());
        assert_eq!((queue.depth(), read_all(&mut queue).len()), (0, 0));
    }
}

#[test]
fn what_cannot_be_put_aside_stays_where_it_is() {
    for (operation, errno) in [
        (Operation::Write, ENOSPC),
        (Operation::Read, EIO),
        (Operation::Open, EIO),
    ] {
        let storage = MemStorage::new();
        let mut queue = open_with(&storage, small_files());
        queue.append(&batch(0..20)).unwrap();
        let tickets = read_all(&mut queue);
        queue
            .consume(&tickets[1..].iter().map(|(_, ticket)| *ticket).collect::<Vec<_>>())
            .unwrap();
        storage.fail(operation, "", 0, 100, errno);
        queue.put_aside(HOLES_MAX).unwrap_err();
        storage.heal();
        queue.sync().unwrap();
        let mut reopened = open_with(&storage.image(Loss::Everything), small_files());
        assert_eq!(read_all(&mut reopened)[0].0, 0);
        queue.put_aside(HOLES_MAX).unwrap();
        queue.sync().unwrap();
        let mut reopened = open_with(&storage.image(Loss::Everything), small_files());
        assert_eq!(read_all(&mut reopened).len(), 1);
    }
}

#[test]
fn the_file_is_written_anew_when_most_of_it_is_done() {
    let storage = MemStorage::new();
    let mut queue = open_with(
        &storage,
        Options {
            record_len_max: 1 << 20,
            max_bytes_per_file: 10 << 20,
            ..options()
        },
    );
    let mut batch = nsq_diskqueue::RecordBatch::new();
    for number in 0..100 {
        batch.push(&[&message(number, &vec![b'x'; 100_000])]);
    }
    queue.append(&batch).unwrap();
    while !queue.read(1 << 20).unwrap().is_empty() {}
    // The last is consumed, so that all others hold it back.
    queue.consume(&[99]).unwrap();
    while queue.put_aside(0).unwrap() {}
    let whole = storage.content(ASIDE).unwrap().len();
    for ticket in 1..99 {
        queue.consume(&[ticket]).unwrap();
    }
    assert!(storage.content(ASIDE).unwrap().len() < whole / 2);
    queue.sync().unwrap();
    let mut queue = open_with(&storage.image(Loss::Everything), options());
    assert_eq!(
        queue.read(1000).unwrap()[0].data,
        message(0, &vec![b'x'; 100_000])
    );
    assert!(queue.read(1000).unwrap().is_empty());
}

#[test]
fn an_entry_that_is_cut_off_or_damaged_ends_the_file() {
    let storage = MemStorage::new();
    let mut queue = with_two_aside(&storage);
    queue.sync().unwrap();
    drop(queue);
    let whole = storage.content(ASIDE).unwrap();
    for len in 0..whole.len() {
        let image = storage.image(Loss::Nothing);
        image.damage(ASIDE, |content| content.truncate(len));
        let expected: &[u64] = if len < whole.len() / 2 { &[] } else { &[0] };
        let mut queue = open_with(&image, small_files());
        let numbers: Vec<_> = read_all(&mut queue).iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, expected, "{len}");
    }
    for at in 0..whole.len() {
        let image = storage.image(Loss::Nothing);
        image.damage(ASIDE, |content| content[at] ^= 0x40);
        let mut queue = open_with(&image, small_files());
        assert!(read_all(&mut queue).len() < 2, "{at}");
    }
}

#[test]
fn records_behind_a_stray_file_are_not_handed_out() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    storage.put(data(1), records(50..53));
    let appended = queue.append_handed_out(&batch(0..10)).unwrap();
    // Six fit into the first file; the second has another's content.
    assert_eq!(
        appended,
        Appended {
            handed_out: 6,
            first_ticket: 0
        }
    );
    assert_eq!((queue.handed_out(), queue.unread()), (6, 7));
    let read: Vec<_> = read_all(&mut queue).iter().map(|(number, _)| *number).collect();
    assert_eq!(read, [50, 51, 52, 6, 7, 8, 9]);
    queue.consume(&(0..13).collect::<Vec<_>>()).unwrap();
    assert_eq!(queue.depth(), 0);
}

#[test]
fn a_file_that_could_not_be_removed_does_not_come_back_with_the_next_queue_of_its_name() {
    for stuck in ["000000.dat", "000002.dat", "000000"] {
        let storage = MemStorage::new();
        let mut queue = open_with(&storage, small_files());
        queue.append(&batch(0..20)).unwrap();
        queue.sync().unwrap();
        storage.fail(Operation::Remove, stuck, 0, 100, EIO);
        queue.delete().unwrap();
        drop(queue);
        for loss in [Loss::Nothing, Loss::Everything] {
            let image = storage.image(loss);
            let mut queue = open_with(&image, small_files());
            assert_eq!(
                (queue.depth(), drain(&mut queue).len()),
                (0, 0),
                "{stuck} {loss:?}"
            );
            queue.append(&batch(20..23)).unwrap();
            queue.delete().unwrap();
            assert_eq!(image.names(), [""; 0], "{stuck} {loss:?}");
        }
    }
}

#[test]
fn a_consumed_file_that_could_not_be_removed_is_removed_by_a_later_sync() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(0..20)).unwrap();
    storage.fail(Operation::Remove, "000000.dat", 0, 100, EIO);
    drain(&mut queue);
    assert!(storage.content(data(0)).is_some());
    storage.heal();
    queue.append(&batch(20..21)).unwrap();
    queue.sync().unwrap();
    assert!(storage.content(data(0)).is_none());
}

#[test]
fn a_file_is_opened_again_after_it_could_not_be_read() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, small_files());
    queue.append(&batch(0..3)).unwrap();
    storage.make_unreadable(data(0), 0..10);
    queue.read(1000).unwrap_err();
    let opened = storage.calls(Operation::Open);
    queue.read(1000).unwrap_err();
    assert_eq!(storage.calls(Operation::Open), opened + 1);
}

#[derive(Debug, Clone)]
enum Step {
    Append(u64),
    AppendHandedOut(u64),
    Read(usize),
    /// Some of what is handed out.
    Consume(usize, usize),
    PutAside,
    Sync,
    Release,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u64..8).prop_map(Step::Append),
        2 => (1_u64..8).prop_map(Step::AppendHandedOut),
        4 => (1_usize..200).prop_map(Step::Read),
        5 => (0_usize..8, 1_usize..8).prop_map(|(from, count)| Step::Consume(from, count)),
        3 => Just(Step::PutAside),
        2 => Just(Step::Sync),
        1 => Just(Step::Release),
    ]
}

#[derive(Debug, Default, Clone)]
struct Ledger {
    appended: u64,
    synced: u64,
    /// Number and ticket, oldest first.
    held: Vec<(u64, u64)>,
    consumed: BTreeSet<u64>,
    consumed_synced: BTreeSet<u64>,
    /// Holes at the last sync.
    holes: u64,
}

impl Ledger {
    fn perform(&mut self, queue: &mut DiskQueue, step: &Step) -> bool {
        let worked = match *step {
            Step::Append(count) => {
                let outcome = queue.append(&batch(self.appended..self.appended + count));
                self.appended += outcome
                    .as_ref()
                    .map_or_else(|error| error.written as u64, |()| count);
                outcome.is_ok()
            }
            Step::AppendHandedOut(count) => {
                let numbers = self.appended..self.appended + count;
                let outcome = queue.append_handed_out(&batch(numbers.clone()));
                let (appended, written) = match &outcome {
                    Ok(appended) => (*appended, count),
                    Err(error) => (error.appended, error.written as u64),
                };
                self.held
                    .extend(numbers.zip(appended.first_ticket..).take(appended.handed_out));
                self.appended += written;
                outcome.is_ok()
            }
            Step::Read(len) => match queue.read(len) {
                Ok(records) => {
                    self.held.extend(records.iter().map(|record| {
                        let number = body(&record.data).strip_prefix('r').unwrap().parse().unwrap();
                        (number, record.ticket)
                    }));
                    true
                }
                Err(_) => false,
            },
            Step::Consume(from, count) => {
                let from = from.min(self.held.len());
                let to = (from + count).min(self.held.len());
                let (numbers, tickets): (Vec<_>, Vec<_>) = self.held.drain(from..to).unzip();
                self.consumed.extend(numbers);
                queue.consume(&tickets).is_ok()
            }
            Step::PutAside => queue.put_aside(HOLES_MAX).is_ok_and(|more| !more),
            Step::Sync => queue.sync().is_ok(),
            Step::Release => {
                queue.release_handles();
                true
            }
        };
        assert_eq!(queue.handed_out(), self.held.len() as u64);
        if worked && !queue.is_dirty() {
            self.synced = self.appended;
            self.consumed_synced.clone_from(&self.consumed);
            self.holes = queue.holes();
        }
        worked
    }

    fn check(&self, image: &MemStorage, loss: Loss) {
        let mut queue = open_with(image, small_files());
        let mut delivered = BTreeSet::new();
        for record in
            std::iter::from_fn(|| Some(queue.read(1000).unwrap()).filter(|records| !records.is_empty()))
                .flatten()
        {
            if let Some(number) = body(&record.data)
                .strip_prefix('r')
                .and_then(|number| number.parse().ok())
            {
                delivered.insert(number);
            }
        }
        let kept = if loss == Loss::Nothing {
            self.appended
        } else {
            self.synced
        };
        for number in (0..kept).filter(|number| !self.consumed.contains(number)) {
            assert!(
                delivered.contains(&number),
                "{number} is lost: {self:?} after {loss:?}, {delivered:?}"
            );
        }
        let back = self.consumed_synced.intersection(&delivered).count() as u64;
        assert!(
            back <= self.holes,
            "{back} of {} are back: {self:?} after {loss:?}, {delivered:?}",
            self.holes
        );
    }
}

fn run(steps: &[Step], stop_after: u64) -> (MemStorage, Ledger) {
    let storage = MemStorage::new();
    storage.stop_after(stop_after);
    let mut queue = open_with(&storage, small_files());
    let mut ledger = Ledger::default();
    for step in steps {
        if !ledger.perform(&mut queue, step) {
            break;
        }
    }
    (storage, ledger)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn a_crash_after_any_operation_keeps_what_is_not_consumed(
        steps in proptest::collection::vec(step(), 1..40),
        seed in any::<u64>(),
    ) {
        let (storage, _) = run(&steps, u64::MAX / 2);
        for stop_after in 0..=storage.operations() {
            let (storage, ledger) = run(&steps, stop_after);
            for loss in [Loss::Nothing, Loss::Everything].into_iter().chain((0..4).map(|n| Loss::Random(seed ^ n))) {
                ledger.check(&storage.image(loss), loss);
            }
        }
    }
}
