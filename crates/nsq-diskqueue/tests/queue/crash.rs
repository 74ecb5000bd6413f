//! After a crash at any moment, everything synced and not consumed is delivered; after a killed process,
//! everything appended and not consumed is.

use crate::support::*;
use nsq_diskqueue::{DiskQueue, Options, SyncJob, SyncOutcome};
use nsq_testkit::storage::{Loss, MemStorage};
use proptest::prelude::*;

/// What is known about the records, by number in the order in which they were appended.
#[derive(Debug, Clone, Default)]
struct Ledger {
    /// Appended, or perhaps appended by a call that failed.
    tried: u64,
    appended: u64,
    synced: u64,
    /// Consumed, also by a call that failed.
    consumed: u64,
    consumed_synced: u64,
}

#[derive(Debug, Clone)]
enum Step {
    Append(u64),
    AppendHandedOut(u64),
    Read(usize),
    Advance(u64),
    Sync,
    /// Begins, performs and finishes a sync, one after the other, with other steps in between.
    BackgroundSync,
    Release,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u64..8).prop_map(Step::Append),
        2 => (1_u64..8).prop_map(Step::AppendHandedOut),
        4 => (1_usize..200).prop_map(Step::Read),
        4 => (1_u64..8).prop_map(Step::Advance),
        1 => Just(Step::Sync),
        3 => Just(Step::BackgroundSync),
        1 => Just(Step::Release),
    ]
}

fn crash_options(syncs_itself: bool) -> Options {
    Options {
        max_bytes_per_file: 200,
        sync_every: 11,
        syncs_itself,
        ..options()
    }
}

/// A sync on another thread.
#[derive(Debug)]
enum Background {
    Idle,
    Begun(SyncJob, Ledger),
    Performed(SyncOutcome, Ledger),
}

impl Background {
    /// Takes the sync one stage further; false if it failed.
    fn step(&mut self, queue: &mut DiskQueue, ledger: &mut Ledger) -> bool {
        let mut worked = true;
        *self = match std::mem::replace(self, Self::Idle) {
            Self::Idle => queue
                .begin_sync()
                .map_or(Self::Idle, |job| Self::Begun(job, ledger.clone())),
            Self::Begun(job, begun) => Self::Performed(job.run(), begun),
            Self::Performed(outcome, begun) => {
                worked = queue.finish_sync(outcome).is_ok();
                if worked {
                    ledger.synced = begun.appended;
                    ledger.consumed_synced = begun.consumed;
                }
                Self::Idle
            }
        };
        worked
    }

    /// Takes it to its end.
    fn finish(&mut self, queue: &mut DiskQueue, ledger: &mut Ledger) -> bool {
        let mut worked = true;
        while !matches!(self, Self::Idle) {
            worked &= self.step(queue, ledger);
        }
        worked
    }
}

impl Ledger {
    /// Performs one step; false if the machine has stopped.
    fn perform(&mut self, queue: &mut DiskQueue, background: &mut Background, step: &Step) -> bool {
        let worked = match *step {
            Step::Append(count) | Step::AppendHandedOut(count) => {
                self.tried = self.appended + count;
                let batch = batch(self.appended..self.tried);
                let result = match step {
                    Step::Append(_) => queue.append(&batch),
                    _ => queue.append_handed_out(&batch).map(|_| ()),
                };
                self.appended += result
                    .as_ref()
                    .map_or_else(|error| error.written as u64, |()| count);
                result.is_ok()
            }
            Step::Read(len) => queue.read(len).is_ok(),
            Step::Advance(count) => {
                let count = count.min(queue.handed_out());
                self.consumed += count;
                queue.advance(count).is_ok()
            }
            Step::Sync => background.finish(queue, self) && queue.sync().is_ok(),
            Step::BackgroundSync => background.step(queue, self),
            Step::Release => {
                queue.release_handles();
                true
            }
        };
        if worked && !queue.is_dirty() {
            self.synced = self.appended;
            self.consumed_synced = self.consumed;
        }
        worked
    }

    /// Opens what a crash has left and checks what it delivers; returns the numbers it delivers.
    fn check(&self, image: &MemStorage, loss: Loss) -> Vec<u64> {
        let mut queue = open_with(image, crash_options(true));
        let depth = queue.depth();
        let mut delivered = Vec::new();
        loop {
            let records = queue.read(1000).unwrap();
            if records.is_empty() {
                break;
            }
            for record in records {
                let body = body(&record.data);
                // What was never synced may come back torn.
                let number = body.strip_prefix('r').and_then(|number| number.parse().ok());
                match number.filter(|number| record.data == message(*number, body.as_bytes())) {
                    Some(number) => delivered.push(number),
                    None => assert!(matches!(loss, Loss::Random(_)), "{body:?} after {loss:?}"),
                }
            }
        }
        let context = || {
            format!(
                "{self:?} after {loss:?} gave {delivered:?}, {:?}",
                log(&mut open(image))
            )
        };
        assert!(
            delivered.is_sorted_by(|one, two| one < two),
            "in order: {}",
            context()
        );
        let kept = if loss == Loss::Nothing {
            self.appended
        } else {
            self.synced
        };
        for number in self.consumed..kept {
            assert!(delivered.contains(&number), "{number} is lost: {}", context());
        }
        for number in &delivered {
            assert!(
                (self.consumed_synced..self.tried).contains(number),
                "{number} is back: {}",
                context()
            );
        }
        if !matches!(loss, Loss::Random(_)) {
            assert_eq!(depth, delivered.len() as u64, "depth: {}", context());
        }
        delivered
    }
}

fn run(steps: &[Step], syncs_itself: bool, stop_after: u64) -> (MemStorage, Ledger) {
    let storage = MemStorage::new();
    storage.stop_after(stop_after);
    let mut ledger = Ledger::default();
    let mut queue = open_with(&storage, crash_options(syncs_itself));
    let mut background = Background::Idle;
    for step in steps {
        if !ledger.perform(&mut queue, &mut background, step) {
            break;
        }
    }
    (storage, ledger)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn a_crash_after_any_operation_keeps_the_promise(
        steps in proptest::collection::vec(step(), 1..40),
        syncs_itself in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let (storage, _) = run(&steps, syncs_itself, u64::MAX / 2);
        for stop_after in 0..=storage.operations() {
            let (storage, ledger) = run(&steps, syncs_itself, stop_after);
            for loss in [Loss::Nothing, Loss::Everything].into_iter().chain((0..4).map(|n| Loss::Random(seed ^ n))) {
                ledger.check(&storage.image(loss), loss);
            }
        }
    }
}

proptest! {
    #[test]
    fn crashes_one_after_the_other_keep_the_promise(
        lives in proptest::collection::vec((proptest::collection::vec(step(), 1..15), 0_u64..40, any::<u64>()), 1..6),
    ) {
        let mut storage = MemStorage::new();
        // Numbers that may still be in the queue at the start of a life.
        let mut due: Vec<u64> = Vec::new();
        let mut next = 0;
        for (steps, stop_after, seed) in lives {
            storage.stop_after(stop_after);
            let mut must: Vec<u64> = Vec::new();
            let mut held: Vec<u64> = Vec::new();
            if let Ok(mut queue) = DiskQueue::open(std::sync::Arc::new(storage.clone()), crash_options(true)) {
                must.clone_from(&due);
                for step in &steps {
                    let worked = match *step {
                        Step::Append(count) | Step::AppendHandedOut(count) => {
                            let numbers: Vec<u64> = (next..next + count).collect();
                            next += count;
                            queue.append(&batch(numbers.iter().copied())).is_ok() && {
                                held.extend(numbers);
                                true
                            }
                        }
                        Step::Read(len) => match queue.read(len) {
                            Ok(records) => {
                                let known: Vec<u64> = records
                                    .iter()
                                    .filter_map(|record| body(&record.data).strip_prefix('r')?.parse().ok())
                                    .collect();
                                // Consumed at once: it may come back or not, but is not owed any more.
                                must.retain(|number| !known.contains(number));
                                held.retain(|number| !known.contains(number));
                                queue.advance(queue.handed_out()).is_ok()
                            }
                            Err(_) => false,
                        },
                        Step::Advance(_) | Step::Sync | Step::BackgroundSync | Step::Release => queue.sync().is_ok(),
                    };
                    if !worked {
                        break;
                    }
                    if !queue.is_dirty() {
                        must.append(&mut held);
                    }
                }
            } else {
                must.clone_from(&due);
            }
            let image = storage.image(Loss::Random(seed));
            image.heal();
            let mut queue = open_with(&image.image(Loss::Nothing), crash_options(true));
            let delivered = drain(&mut queue);
            for number in &must {
                prop_assert!(delivered.contains(&format!("r{number:02}")), "{number} of {must:?} in {delivered:?}");
            }
            due = must;
            storage = image;
        }
    }
}

#[test]
fn a_crash_within_emptying_brings_back_all_or_nothing() {
    for stop_after in 0..40 {
        for loss in [Loss::Nothing, Loss::Everything, Loss::Random(stop_after)] {
            let storage = MemStorage::new();
            let mut queue = open_with(&storage, crash_options(true));
            queue.append(&batch(0..20)).unwrap();
            queue.sync().unwrap();
            storage.stop_after(stop_after);
            let emptied = queue.empty().is_ok();
            let delivered = drain(&mut open_with(&storage.image(loss), crash_options(true)));
            assert!(
                delivered.is_empty() || (!emptied && delivered == bodies(0..20)),
                "{delivered:?}"
            );
        }
    }
}

#[test]
fn a_killed_process_leaves_a_queue_that_opens_without_reading_what_was_synced() {
    use nsq_testkit::storage::Operation;
    let storage = MemStorage::new();
    let mut queue = open_with(
        &storage,
        Options {
            max_bytes_per_file: 10_000,
            ..options()
        },
    );
    queue.append(&batch(0..5000)).unwrap();
    queue.sync().unwrap();
    queue.append(&batch(5000..5010)).unwrap();
    drop(queue);
    let reads = storage.calls(Operation::Read);
    let mut queue = open_with(&storage, options());
    assert!(storage.calls(Operation::Read) - reads <= 5);
    assert_eq!(queue.depth(), 5010);
    assert_eq!(drain(&mut queue).len(), 5010);
}

#[test]
fn what_a_killed_process_had_not_synced_is_synced_by_the_next() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, crash_options(false));
    queue.append(&batch(0..3)).unwrap();
    queue.sync().unwrap();
    queue.append(&batch(3..20)).unwrap();
    drop(queue);
    let mut queue = open_with(&storage, crash_options(false));
    assert!(queue.is_dirty());
    queue.sync().unwrap();
    let image = storage.image(Loss::Everything);
    assert_eq!(drain(&mut open_with(&image, crash_options(false))), bodies(0..20));
}

#[test]
fn what_is_appended_during_a_sync_is_synced_by_the_next() {
    let storage = MemStorage::new();
    let mut queue = open_with(&storage, crash_options(false));
    queue.append(&batch(0..2)).unwrap();
    let job = queue.begin_sync().unwrap();
    // To the same file, and on to the next two.
    queue.append(&batch(2..4)).unwrap();
    queue.finish_sync(job.run()).unwrap();
    queue.sync().unwrap();
    let image = storage.image(Loss::Everything);
    assert_eq!(drain(&mut open_with(&image, crash_options(false))), bodies(0..4));

    let job = queue.begin_sync();
    assert!(job.is_none(), "all is synced");
    queue.append(&batch(4..5)).unwrap();
    let job = queue.begin_sync().unwrap();
    queue.append(&batch(5..15)).unwrap();
    queue.finish_sync(job.run()).unwrap();
    queue.sync().unwrap();
    let image = storage.image(Loss::Everything);
    assert_eq!(drain(&mut open_with(&image, crash_options(false))), bodies(0..15));
}
