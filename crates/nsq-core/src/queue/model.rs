//! Against a list, with files that are a list too.

use std::collections::{BTreeMap, VecDeque};

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
    /// The files can be written to again.
    Heal,
    /// One of those taken is finished.
    Finish(usize),
    /// One of those taken returns.
    Return(usize),
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
        1 => Just(Step::Heal),
        6 => any::<usize>().prop_map(Step::Finish),
        2 => any::<usize>().prop_map(Step::Return),
        3 => Just(Step::Want),
        12 => Just(Step::Work(None)),
        2 => (0_usize..6).prop_map(|kept| Step::Work(Some(kept))),
        1 => Just(Step::Empty),
    ]
}

/// Records in the files: handed out ones by their tickets.
#[derive(Default)]
struct FakeFiles {
    handed_out: BTreeMap<u64, u64>,
    unread: VecDeque<u64>,
    next_ticket: u64,
}

impl FakeFiles {
    fn hand_out(&mut self, id: u64) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.handed_out.insert(ticket, id);
        ticket
    }
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
    /// A write has failed, and nothing is written until that is over.
    is_in_trouble: bool,
    /// Taken, and not finished.
    held: Vec<Message>,
    next: u64,
}

impl Bench {
    fn new(memory_max: usize, durability: Durability) -> Self {
        Self {
            queue: Queue::new(QueueOptions {
                memory_max,
                durability,
                keeps_deferred: true,
                consumed_max: 3,
                is_ephemeral: false,
            }),
            files: FakeFiles::default(),
            model: VecDeque::new(),
            is_ordered: true,
            waiting: Vec::new(),
            is_in_trouble: false,
            held: Vec::new(),
            next: 0,
        }
    }

    fn put(&mut self, count: usize, is_publish: bool) {
        let in_memory = self.queue.available();
        let mut ids: Vec<_> = (self.next..).take(count).collect();
        self.next += count as u64;
        let messages: Vec<_> = ids.iter().map(|id| message(*id)).collect();
        self.model.extend(&ids);
        let mut wait = None;
        self.queue.put(messages.into_iter(), || {
            let (sender, receiver) = oneshot::channel();
            wait = Some(receiver);
            if is_publish {
                Claim::Publisher(sender)
            } else {
                Claim::Nobody
            }
        });
        if let Some(wait) = wait.filter(|_| is_publish) {
            // Those in memory are accepted at once.
            let ids = ids.split_off(self.queue.available() - in_memory);
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
        if let Some(ticket) = taken.message.ticket() {
            assert_eq!(
                self.files.handed_out.get(&ticket),
                Some(&id),
                "the record is another's"
            );
        }
        self.held.push(taken.message);
    }

    /// Finishes a message, or puts it back.
    fn answer(&mut self, index: usize, is_finished: bool) {
        if self.held.is_empty() {
            return;
        }
        let message = self.held.remove(index % self.held.len());
        if is_finished {
            self.queue.consume(&mut message.ticket().into_iter().collect());
        } else {
            self.model.push_back(message.id.as_u64());
            self.queue.put(std::iter::once(message), || Claim::Nobody);
        }
    }

    /// Does the next work. Returns whether there was any.
    fn work(&mut self, kept: Option<usize>) -> bool {
        let next = self.queue.next_work();
        if self.is_in_trouble {
            // What was accepted before may have been put back into memory, behind others.
            self.is_ordered = false;
            self.hear();
        }
        let Some((work, generation)) = next else {
            return false;
        };
        match work {
            Work::Open => {
                let depth = self.files.unread.len() as u64;
                self.queue.opened(generation, depth, false, Vec::new());
            }
            Work::Consume(tickets) | Work::Supersede(tickets) => {
                for ticket in tickets {
                    let id = self.files.handed_out.remove(&ticket);
                    assert!(id.is_some(), "{ticket} is consumed twice");
                }
            }
            Work::Write { segments, hand_out } => self.write(generation, segments, hand_out, kept),
            Work::Read => {
                let block: Vec<_> = self
                    .files
                    .unread
                    .drain(..self.files.unread.len().min(5))
                    .collect();
                let messages = block.into_iter().map(|id| {
                    let mut message = message(id);
                    message.set_ticket(self.files.hand_out(id));
                    message
                });
                let messages = messages.collect();
                let unread = self.files.unread.len() as u64;
                self.queue.refilled(generation, messages, Vec::new(), unread);
            }
            Work::Sync | Work::Commit => {
                self.queue.sync_began();
                self.queue.sync_ended(&Ok(()));
            }
            Work::Probe => {
                self.queue.leave_trouble();
            }
            Work::Refused => {}
            Work::Defer(messages) => panic!("{messages:?} are deferred"),
            Work::ReadDue(tickets) => panic!("{tickets:?} are deferred"),
            Work::Command(command, reply) => {
                assert_eq!(command, Command::Empty);
                self.files.handed_out.clear();
                self.files.unread.clear();
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
        let mut written = Written {
            kept,
            first_ticket: self.files.next_ticket,
            ..Written::default()
        };
        if hand_out {
            written.handed_out = kept;
            for id in &ids[..kept] {
                self.files.hand_out(*id);
            }
        } else {
            self.files.unread.extend(&ids[..kept]);
        }
        written.unread = self.files.unread.len() as u64;
        let lost = &ids[kept..];
        let mut is_accepted = segments
            .iter()
            .filter(|segment| matches!(segment.claim, Claim::Nobody))
            .flat_map(|segment| &segment.messages);
        self.is_ordered &= !is_accepted.any(|message| lost.contains(&message.id.as_u64()));
        let published: Vec<_> = segments
            .iter()
            .filter(|segment| matches!(segment.claim, Claim::Publisher(_)))
            .flat_map(|segment| &segment.messages)
            .map(|message| message.id.as_u64())
            .filter(|id| lost.contains(id))
            .collect();
        self.queue.written(generation, segments, written, error.as_ref());
        if let Some(error) = &error {
            self.queue
                .enter_trouble(Trouble::Sync(error.clone()), Moment::FAR);
            self.is_in_trouble = true;
        }
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
        let mut refused = Vec::new();
        self.waiting.retain_mut(|(ids, wait)| match wait.try_recv() {
            Err(TryRecvError::Empty) => true,
            Ok(Ok(())) => false,
            Ok(Err(_)) if self.is_in_trouble => {
                refused.append(ids);
                false
            }
            other => panic!("told {other:?} for no reason"),
        });
        self.model.retain(|id| !refused.contains(id));
    }

    fn heal(&mut self) {
        self.queue.leave_trouble();
        self.is_in_trouble = false;
    }

    fn empty(&mut self) {
        let (reply, _wait) = oneshot::channel();
        self.queue.empty(reply);
        self.model.clear();
        self.held.clear();
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
        for message in &self.held {
            let record = message
                .ticket()
                .map(|ticket| self.files.handed_out.get(&ticket).copied());
            assert!(
                record.is_none_or(|record| record == Some(message.id.as_u64())),
                "{message:?} has no record any more"
            );
        }
    }

    /// Takes everything, with all the work that wanting it makes.
    fn drain(&mut self) {
        self.heal();
        for _ in 0..10_000 {
            self.queue.want();
            while self.work(None) {}
            self.pop();
            self.check();
        }
        assert!(self.model.is_empty(), "{:?} cannot be taken", self.model);
        assert!(self.waiting.is_empty());
        while !self.held.is_empty() {
            self.answer(0, true);
        }
        while self.work(None) {}
        // Fewer than are reported at once.
        assert!(
            self.files.handed_out.len() < 3,
            "{:?} are left",
            self.files.handed_out
        );
    }
}

fn message(id: u64) -> Message {
    Message::new(Guid::from_u64(id), id.cast_signed(), Bytes::new())
}

proptest! {
    #[test]
    fn a_queue_through_memory_and_disk_is_a_list(
        memory_max in 0_usize..6,
        durability in prop::sample::select(vec![Durability::Go, Durability::Disk, Durability::Fsync]),
        steps in vec(step(), 1..120),
    ) {
        let mut bench = Bench::new(memory_max, durability);
        for step in steps {
            match step {
                Step::Put(count) => bench.put(count, true),
                Step::PutBack(count) => bench.put(count, false),
                Step::Pop(count) => (0..count).for_each(|_| bench.pop()),
                Step::Heal => bench.heal(),
                Step::Finish(index) => bench.answer(index, true),
                Step::Return(index) => bench.answer(index, false),
                Step::Want => { bench.queue.want(); }
                Step::Work(kept) => { bench.work(kept); }
                Step::Empty => bench.empty(),
            }
            bench.check();
        }
        bench.drain();
    }
}
