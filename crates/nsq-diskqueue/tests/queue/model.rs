//! A queue against a list of what should be in it.

use crate::support::*;
use nsq_diskqueue::{DiskQueue, Options, SyncJob};
use nsq_testkit::storage::MemStorage;
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<usize>),
    AppendHandedOut(Vec<usize>),
    Read(usize),
    Advance(u64),
    Sync,
    BackgroundSync,
    Release,
    Empty,
    Reopen,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let lens = || vec(prop_oneof![4 => 0_usize..20, 1 => 0_usize..500], 0..12);
    prop_oneof![
        6 => lens().prop_map(Step::Append),
        3 => lens().prop_map(Step::AppendHandedOut),
        8 => (0_usize..800).prop_map(Step::Read),
        8 => (0_u64..20).prop_map(Step::Advance),
        2 => Just(Step::Sync),
        3 => Just(Step::BackgroundSync),
        1 => Just(Step::Release),
        1 => Just(Step::Empty),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

/// All messages ever appended since the queue was last emptied, and how far each reader is.
#[derive(Debug, Default)]
struct Model {
    messages: Vec<Vec<u8>>,
    read: usize,
    consumed: usize,
    /// A killed process comes back here at the earliest.
    consumed_synced: usize,
    next: u64,
}

impl Model {
    fn make(&mut self, lens: &[usize]) -> nsq_diskqueue::RecordBatch {
        let mut batch = nsq_diskqueue::RecordBatch::new();
        for len in lens {
            let message = message(self.next, &vec![b'x'; *len]);
            batch.push(&[&message[..8], &message[8..]]);
            self.messages.push(message);
            self.next += 1;
        }
        batch
    }

    #[track_caller]
    fn check(&mut self, queue: &DiskQueue) {
        assert_eq!(queue.depth(), (self.messages.len() - self.consumed) as u64);
        assert_eq!(queue.unread(), (self.messages.len() - self.read) as u64);
        assert_eq!(queue.handed_out(), (self.read - self.consumed) as u64);
        if !queue.is_dirty() {
            self.consumed_synced = self.consumed;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 2))]

    #[test]
    fn a_queue_is_a_list(
        steps in vec(step(), 1..60),
        short_io in any::<Option<u64>>(),
        max_bytes_per_file in 50_u64..2000,
        sync_every in 0_u64..60,
        syncs_itself in any::<bool>(),
    ) {
        let storage = MemStorage::new();
        if let Some(seed) = short_io {
            storage.shorten_io(seed);
        }
        let options = Options { max_bytes_per_file, sync_every, syncs_itself, ..options() };
        let mut queue = open_with(&storage, options.clone());
        let mut model = Model::default();
        let mut background: Option<SyncJob> = None;
        for step in steps {
            if matches!(step, Step::Sync | Step::Empty | Step::Reopen)
                && let Some(job) = background.take()
            {
                queue.finish_sync(job.run()).unwrap();
            }
            match step {
                Step::Append(lens) => queue.append(&model.make(&lens)).unwrap(),
                Step::AppendHandedOut(lens) => {
                    let at_tail = model.read == model.messages.len();
                    queue.append_handed_out(&model.make(&lens)).unwrap();
                    if at_tail {
                        model.read = model.messages.len();
                    }
                }
                Step::Read(max_bytes) => {
                    let records = queue.read(max_bytes).unwrap();
                    prop_assert_eq!(records.is_empty(), model.read == model.messages.len());
                    let bytes: usize = records.iter().map(|record| record.data.len() + 4).sum();
                    prop_assert!(records.len() < 2 || bytes <= max_bytes);
                    for record in records {
                        prop_assert_eq!(&record.data, &model.messages[model.read]);
                        model.read += 1;
                    }
                }
                Step::Advance(count) => {
                    let count = count.min(queue.handed_out());
                    queue.advance(count).unwrap();
                    model.consumed += usize::try_from(count).unwrap();
                }
                Step::Sync => {
                    queue.sync().unwrap();
                    prop_assert!(!queue.is_dirty());
                }
                Step::BackgroundSync => match background.take() {
                    None => background = queue.begin_sync(),
                    Some(job) => queue.finish_sync(job.run()).unwrap(),
                },
                Step::Release => queue.release_handles(),
                Step::Empty => {
                    queue.empty().unwrap();
                    model = Model { next: model.next, ..Model::default() };
                }
                Step::Reopen => {
                    queue.close().unwrap();
                    drop(queue);
                    prop_assert_eq!(storage.handles(), 0);
                    queue = open_with(&storage, options.clone());
                    model.read = model.consumed;
                    prop_assert!(log(&mut queue).is_empty(), "a clean stop leaves nothing to repair");
                }
                Step::Kill => {
                    drop(queue);
                    background = None;
                    queue = open_with(&storage, options.clone());
                    let consumed = model.messages.len() - usize::try_from(queue.depth()).unwrap();
                    prop_assert!((model.consumed_synced..=model.consumed).contains(&consumed));
                    model.consumed = consumed;
                    model.read = consumed;
                }
            }
            model.check(&queue);
        }
        if let Some(job) = background.take() {
            queue.finish_sync(job.run()).unwrap();
        }
        queue.close().unwrap();
        let mut queue = open_with(&storage, options);
        let rest = queue.depth();
        prop_assert_eq!(drain(&mut queue).len() as u64, rest);
        queue.sync().unwrap();
        prop_assert!(storage.names().len() <= 2, "a drained queue has at most one data file");
    }
}
