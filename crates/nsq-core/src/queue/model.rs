//! Against a list, with files that are a list too.

use std::collections::VecDeque;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::*;
use crate::guid::Guid;

#[derive(Clone, Debug)]
enum Step {
    /// From publishers, who want to know.
    Put(usize),
    /// Back from consumers: accepted before.
    PutBack(usize),
    Pop(usize),
    Want,
    /// The next work on the files; of a write, so many messages succeed.
    Work(Option<usize>),
    Empty,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_usize..8).prop_map(Step::Put),
        2 => (1_usize..4).prop_map(Step::PutBack),
        6 => (1_usize..8).prop_map(Step::Pop),
        3 => Just(Step::Want),
        12 => Just(Step::Work(None)),
        2 => (0_usize..6).prop_map(|kept| Step::Work(Some(kept))),
        1 => Just(Step::Empty),
    ]
}

/// Records in the files: handed out ones first.
#[derive(Default)]
struct FakeFiles {
    handed_out: VecDeque<u64>,
    unread: VecDeque<u64>,
}

/// Publishers that wait, each with its messages.
type Waiting = Vec<(Vec<u64>, oneshot::Receiver<Outcome>)>;

struct Bench {
    queue: Queue,
    files: FakeFiles,
    /// What should be there, in order.
    model: VecDeque<u64>,
    /// A failed write has put messages that were accepted before in front of others.
    is_ordered: bool,
    waiting: Waiting,
    next: u64,
}

impl Bench {
    fn new(memory_max: usize) -> Self {
        Self {
            queue: Queue::new(memory_max, false),
            files: FakeFiles::default(),
            model: VecDeque::new(),
            is_ordered: true,
            waiting: Vec::new(),
            next: 0,
        }
    }

    fn put(&mut self, count: usize, is_publish: bool) {
        let ids: Vec<_> = (self.next..).take(count).collect();
        self.next += count as u64;
        let messages: Vec<_> = ids.iter().map(|id| message(*id)).collect();
        self.model.extend(&ids);
        let mut wait = None;
        self.queue.put(messages.into_iter(), || {
            let (sender, receiver) = oneshot::channel();
            wait = Some(receiver);
            is_publish.then_some(sender)
        });
        if let Some(wait) = wait.filter(|_| is_publish) {
            self.waiting.push((ids, wait));
        }
    }

    fn pop(&mut self) {
        let Some(taken) = self.queue.pop() else { return };
        let id = taken.message.id.as_u64();
        let index = self.model.iter().position(|other| *other == id);
        let index = index.unwrap_or_else(|| panic!("{id} is not in the queue"));
        assert!(
            index == 0 || !self.is_ordered,
            "{id} overtakes {:?}",
            self.model.front()
        );
        self.model.remove(index);
    }

    /// Does the next work. Returns whether there was any.
    fn work(&mut self, kept: Option<usize>) -> bool {
        let Some((work, generation)) = self.queue.next_work() else {
            return false;
        };
        match work {
            Work::Open => {
                let depth = self.files.unread.len() as u64;
                self.queue.opened(generation, depth);
            }
            Work::Advance(count) => {
                for _ in 0..count {
                    self.files.handed_out.pop_front().unwrap();
                }
            }
            Work::Write { segments, hand_out } => self.write(generation, segments, hand_out, kept),
            Work::Read => {
                let block: Vec<_> = self
                    .files
                    .unread
                    .drain(..self.files.unread.len().min(5))
                    .collect();
                self.files.handed_out.extend(&block);
                let messages = block.into_iter().map(|id| Message {
                    from_disk: true,
                    ..message(id)
                });
                self.queue.refilled(generation, messages.collect());
                self.queue
                    .correct_stored(generation, self.files.unread.len() as u64);
            }
            Work::Sync => {}
            Work::Command(command, reply) => {
                assert_eq!(command, Command::Empty);
                self.files = FakeFiles::default();
                // Nobody waits here.
                let _ = reply.send(Ok(()));
            }
        }
        self.hear();
        true
    }

    fn write(&mut self, generation: u64, segments: Vec<Segment>, hand_out: bool, kept: Option<usize>) {
        let ids: Vec<_> = segments
            .iter()
            .flat_map(|segment| &segment.messages)
            .map(|message| message.id.as_u64())
            .collect();
        let kept = kept.unwrap_or(ids.len()).min(ids.len());
        let error = (kept < ids.len()).then(|| StorageError::new("full"));
        assert!(
            !hand_out || self.files.unread.is_empty(),
            "handed out before others"
        );
        if hand_out {
            self.files.handed_out.extend(&ids[..kept]);
        } else {
            self.files.unread.extend(&ids[..kept]);
        }
        let lost = &ids[kept..];
        let mut is_accepted = segments
            .iter()
            .filter(|segment| segment.receipt.is_none())
            .flat_map(|segment| &segment.messages);
        self.is_ordered &= !is_accepted.any(|message| lost.contains(&message.id.as_u64()));
        let published: Vec<_> = segments
            .iter()
            .filter(|segment| segment.receipt.is_some())
            .flat_map(|segment| &segment.messages)
            .map(|message| message.id.as_u64())
            .filter(|id| lost.contains(id))
            .collect();
        self.queue
            .written(generation, segments, kept, error.as_ref(), hand_out);
        self.model.retain(|id| !published.contains(id));
        for (ids, wait) in &mut self.waiting {
            if ids.iter().any(|id| published.contains(id)) {
                assert!(
                    matches!(wait.try_recv(), Ok(Err(_))),
                    "a publisher was not told of its loss"
                );
                ids.clear();
            }
        }
        self.waiting.retain(|(ids, _)| !ids.is_empty());
    }

    /// Whoever is told that all is well has its messages in the files.
    fn hear(&mut self) {
        self.waiting.retain_mut(|(_, wait)| match wait.try_recv() {
            Err(TryRecvError::Empty) => true,
            Ok(Ok(())) => false,
            other => panic!("told {other:?} for no reason"),
        });
    }

    fn empty(&mut self) {
        let (reply, _wait) = oneshot::channel();
        self.queue.empty(reply);
        self.model.clear();
        self.is_ordered = true;
        self.hear();
    }

    fn check(&self) {
        assert_eq!(self.queue.depth(), self.model.len() as u64);
        assert!(self.queue.backend_depth() <= self.queue.depth());
        assert!(self.queue.available() as u64 <= self.queue.depth());
        if let Some(oldest_ns) = self.queue.oldest_ns().filter(|_| self.is_ordered) {
            assert_eq!(Some(oldest_ns.cast_unsigned()), self.model.front().copied());
        }
    }

    /// Takes everything, with all the work that wanting it makes.
    fn drain(&mut self) {
        for _ in 0..10_000 {
            self.queue.want();
            while self.work(None) {}
            self.pop();
            self.check();
        }
        assert!(self.model.is_empty(), "{:?} cannot be taken", self.model);
        assert!(self.waiting.is_empty());
    }
}

fn message(id: u64) -> Message {
    Message::new(Guid::from_u64(id), id.cast_signed(), Bytes::new())
}

proptest! {
    #[test]
    fn a_queue_through_memory_and_disk_is_a_list(memory_max in 0_usize..6, steps in vec(step(), 1..120)) {
        let mut bench = Bench::new(memory_max);
        for step in steps {
            match step {
                Step::Put(count) => bench.put(count, true),
                Step::PutBack(count) => bench.put(count, false),
                Step::Pop(count) => (0..count).for_each(|_| bench.pop()),
                Step::Want => { bench.queue.want(); }
                Step::Work(kept) => { bench.work(kept); }
                Step::Empty => bench.empty(),
            }
            bench.check();
        }
        bench.drain();
    }
}
