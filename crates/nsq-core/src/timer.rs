//! One deadline per owner instead of scanning.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::Poll;

use atomic_waker::AtomicWaker;
use nsq_runtime::{Clock, Moment, Shutdown};
use parking_lot::Mutex;

/// After this many owners the timer task lets others run.
const FIRED_MAX: usize = 64;

/// Something with deadlines: a channel with deferred messages, a queue that is due for a sync.
pub(crate) trait Timed: Send + Sync {
    /// Does what is due at `now`, and schedules the owner again if more is to come.
    fn on_timer(self: Arc<Self>, now: Moment);
}

/// The deadlines of all topics and channels, kept by one task that sleeps until the earliest.
///
/// Who schedules an earlier deadline than before adds an entry; the later one still fires and finds
/// nothing due. An owner that is gone by then is skipped.
///
/// # Differs from upstream
/// Upstream looks at 20 random channels every 100 ms (nsqd/nsqd.go, queueScanLoop), which costs CPU
/// when idle and delivers late when there are many channels.
#[derive(Default)]
pub struct Timers {
    heap: Mutex<Heap>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Heap {
    entries: BinaryHeap<Reverse<Entry>>,
    sequence: u64,
}

struct Entry {
    at: Moment,
    sequence: u64,
    owner: Weak<dyn Timed>,
}

impl Timers {
    pub(crate) fn schedule(&self, at: Moment, owner: Weak<dyn Timed>) {
        let mut heap = self.heap.lock();
        let earliest = heap.entries.peek().is_none_or(|Reverse(first)| at < first.at);
        heap.sequence += 1;
        let sequence = heap.sequence;
        heap.entries.push(Reverse(Entry { at, sequence, owner }));
        drop(heap);
        if earliest {
            self.waker.wake();
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.heap.lock().entries.len()
    }

    /// Fires up to a bounded number of owners whose deadline has come; returns the earliest deadline
    /// that is left, which may be due already.
    pub fn fire(&self, now: Moment) -> Option<Moment> {
        for _ in 0..FIRED_MAX {
            let owner = {
                let mut heap = self.heap.lock();
                match heap.entries.peek() {
                    Some(Reverse(first)) if first.at <= now => {
                        heap.entries.pop().map(|Reverse(entry)| entry.owner)
                    }
                    _ => None,
                }
            };
            match owner {
                Some(owner) => {
                    if let Some(owner) = owner.upgrade() {
                        owner.on_timer(now);
                    }
                }
                None => break,
            }
        }
        self.heap.lock().entries.peek().map(|Reverse(first)| first.at)
    }

    /// Fires deadlines as they come, until `shutdown`.
    pub async fn run(self: Arc<Self>, clock: Clock, shutdown: Shutdown) {
        let mut timer = clock.timer();
        let keep = poll_fn(|cx| {
            self.waker.register(cx.waker());
            loop {
                let now = clock.now();
                match self.fire(now) {
                    Some(at) if at <= now => {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    next => timer.arm(next.unwrap_or(Moment::FAR)),
                }
                if timer.poll_elapsed(cx).is_pending() {
                    return Poll::<()>::Pending;
                }
                timer.arm(Moment::FAR);
            }
        });
        tokio::select! {
            () = keep => {}
            () = shutdown.triggered() => {}
        }
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("len", &self.heap.lock().entries.len())
            .finish_non_exhaustive()
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nsq_runtime::ManualClock;

    use super::*;

    struct Bell(Mutex<Vec<Moment>>);

    impl Timed for Bell {
        fn on_timer(self: Arc<Self>, now: Moment) {
            self.0.lock().push(now);
        }
    }

    fn weak(bell: &Arc<Bell>) -> Weak<dyn Timed> {
        let owner: Arc<dyn Timed> = Arc::<Bell>::clone(bell);
        Arc::downgrade(&owner)
    }

    #[test]
    fn owners_fire_once_their_moment_has_come() {
        let timers = Timers::default();
        let bell = Arc::new(Bell(Mutex::default()));
        let second = |n| Moment::START + Duration::from_secs(n);
        timers.schedule(second(5), weak(&bell));
        timers.schedule(second(2), weak(&bell));
        assert_eq!(timers.fire(second(1)), Some(second(2)));
        assert_eq!(timers.fire(second(2)), Some(second(5)));
        assert_eq!(*bell.0.lock(), [second(2)]);
        drop(bell);
        assert_eq!(timers.fire(second(9)), None);
    }

    #[tokio::test]
    async fn the_task_wakes_for_a_deadline_earlier_than_the_one_it_sleeps_for() {
        let manual = ManualClock::new();
        let timers = Arc::new(Timers::default());
        let bell = Arc::new(Bell(Mutex::default()));
        let stop = Shutdown::new();
        timers.schedule(Moment::START + Duration::from_secs(100), weak(&bell));
        let ring = async {
            tokio::task::yield_now().await;
            timers.schedule(Moment::START + Duration::from_secs(1), weak(&bell));
            manual.advance(Duration::from_secs(1));
            while bell.0.lock().is_empty() {
                tokio::task::yield_now().await;
            }
            stop.trigger();
        };
        tokio::join!(Arc::clone(&timers).run(manual.clock(), stop.clone()), ring);
        assert_eq!(*bell.0.lock(), [Moment::START + Duration::from_secs(1)]);
    }
}
