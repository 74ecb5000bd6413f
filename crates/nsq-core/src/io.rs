//! The threads that do all file work.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use nsq_runtime::Shutdown;
use parking_lot::Mutex;

/// How many threads read and write: one per processor, as what they do is mostly copying. At least two,
/// so that a file that is slow does not hold up all others, and no more than a disk gains from.
pub fn io_threads() -> usize {
    std::thread::available_parallelism()
        .map_or(IO_THREADS_MIN, usize::from)
        .clamp(IO_THREADS_MIN, IO_THREADS_MAX)
}

const IO_THREADS_MIN: usize = 2;
const IO_THREADS_MAX: usize = 4;

/// Threads that sync. The disk does one after the other; more threads let it choose the order.
pub const SYNC_THREADS: usize = 4;

/// Owners that wait for a thread in the channel; more of them wait in the overflow list.
const READY_MAX: usize = 1024;

/// The owner of files that have work from time to time.
pub(crate) trait IoTask: Send + Sync {
    fn io_state(&self) -> &IoState;

    /// Does a bounded amount of work; returns whether there is more.
    fn run_io(&self) -> bool;
}

/// Whether an owner waits for a thread or has one. An owner is in the queue at most once, so the queue
/// is bounded by the number of topics and channels, and runs on one thread at a time.
///
/// ```text
/// IDLE ──schedule──▶ QUEUED ──thread──▶ RUNNING ──▶ IDLE
///                      ▲                   │schedule
///                      └──thread done── RUNNING_AGAIN
/// ```
#[derive(Debug, Default)]
pub(crate) struct IoState(AtomicU8);

const IDLE: u8 = 0;
const QUEUED: u8 = 1;
const RUNNING: u8 = 2;
const RUNNING_AGAIN: u8 = 3;

/// The queue of owners with work for their files, and its threads.
pub struct IoPool {
    ready: Sender<Arc<dyn IoTask>>,
    taken: Receiver<Arc<dyn IoTask>>,
    /// Who found the channel full. Scheduling must never block: it happens on the runtime's threads.
    overflow: Mutex<VecDeque<Arc<dyn IoTask>>>,
    /// Given when a task has panicked. Without threads, panics are the caller's.
    broken: Option<Shutdown>,
}

impl IoPool {
    /// A pool without threads, whose work is done by [`run_next`](Self::run_next): for simulation.
    pub fn without_threads() -> Arc<Self> {
        Arc::new(Self::new(None))
    }

    fn new(broken: Option<Shutdown>) -> Self {
        let (ready, taken) = crossbeam_channel::bounded(READY_MAX);
        Self {
            ready,
            taken,
            overflow: Mutex::new(VecDeque::new()),
            broken,
        }
    }

    /// A pool with `threads` threads of its own, called `name`, which live as long as the process.
    ///
    /// A panic in one of them leaves the state of one topic or channel half changed. The thread goes on for the
    /// others, so that they can be saved, and `broken` is given: the process is to stop.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn start(name: &str, threads: usize, broken: &Shutdown) -> std::io::Result<Arc<Self>> {
        let pool = Arc::new(Self::new(Some(broken.clone())));
        for index in 0..threads {
            let pool = Arc::clone(&pool);
            nsq_runtime::spawn_thread(&format!("{name}-{index}"), move || {
                while let Ok(task) = pool.taken.recv() {
                    pool.run(task);
                    pool.drain_overflow();
                }
            })?;
        }
        Ok(pool)
    }

    /// Does the work of the owner that waits longest; returns false if nobody waits.
    pub fn run_next(&self) -> bool {
        self.drain_overflow();
        match self.taken.try_recv() {
            Ok(task) => {
                self.run(task);
                true
            }
            Err(_) => false,
        }
    }

    /// Sees to it that the files of `task` are worked on soon.
    pub(crate) fn schedule<T: IoTask + 'static>(&self, task: &Arc<T>) {
        let state = &task.io_state().0;
        let queued = state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| match state {
                IDLE => Some(QUEUED),
                RUNNING => Some(RUNNING_AGAIN),
                _ => None,
            })
            .is_ok_and(|before| before == IDLE);
        if queued {
            self.push(Arc::<T>::clone(task));
        }
    }

    fn push(&self, task: Arc<dyn IoTask>) {
        if let Err(TrySendError::Full(task) | TrySendError::Disconnected(task)) = self.ready.try_send(task) {
            self.overflow.lock().push_back(task);
            // By now every thread may have emptied the channel and gone to sleep.
            self.drain_overflow();
        }
    }

    /// Moves owners from the overflow list to the channel. A full channel means that every thread is
    /// busy, and each calls this when it has finished: nobody is forgotten.
    fn drain_overflow(&self) {
        let mut overflow = self.overflow.lock();
        while let Some(task) = overflow.pop_front() {
            if let Err(TrySendError::Full(task) | TrySendError::Disconnected(task)) =
                self.ready.try_send(task)
            {
                overflow.push_front(task);
                break;
            }
        }
    }

    fn run(&self, task: Arc<dyn IoTask>) {
        let state = &task.io_state().0;
        state.store(RUNNING, Ordering::Release);
        let more = match &self.broken {
            None => task.run_io(),
            Some(broken) => catch_unwind(AssertUnwindSafe(|| task.run_io())).unwrap_or_else(|_| {
                broken.trigger();
                false
            }),
        };
        let idle = !more
            && state
                .compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire)
                .is_ok();
        if !idle {
            state.store(QUEUED, Ordering::Release);
            self.push(task);
        }
    }
}

impl fmt::Debug for IoPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoPool")
            .field("waiting", &(self.ready.len() + self.overflow.lock().len()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Counter {
        state: IoState,
        runs: AtomicUsize,
        more: AtomicUsize,
    }

    impl IoTask for Counter {
        fn io_state(&self) -> &IoState {
            &self.state
        }

        fn run_io(&self) -> bool {
            self.runs.fetch_add(1, Ordering::Relaxed);
            self.more
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |more| more.checked_sub(1))
                .is_ok()
        }
    }

    #[test]
    fn an_owner_is_queued_once_however_often_it_is_scheduled() {
        let pool = IoPool::without_threads();
        let task = Arc::new(Counter::default());
        pool.schedule(&task);
        pool.schedule(&task);
        while pool.run_next() {}
        assert_eq!(task.runs.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn an_owner_with_more_work_runs_again() {
        let pool = IoPool::without_threads();
        let task = Arc::new(Counter {
            more: AtomicUsize::new(2),
            ..Counter::default()
        });
        pool.schedule(&task);
        while pool.run_next() {}
        assert_eq!(task.runs.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn nobody_is_forgotten_when_the_channel_is_full() {
        let pool = IoPool::without_threads();
        let tasks: Vec<_> = (0..3 * READY_MAX).map(|_| Arc::new(Counter::default())).collect();
        for task in &tasks {
            pool.schedule(task);
        }
        while pool.run_next() {}
        assert!(tasks.iter().all(|task| task.runs.load(Ordering::Relaxed) == 1));
    }

    #[derive(Default)]
    struct Faulty(IoState);

    impl IoTask for Faulty {
        fn io_state(&self) -> &IoState {
            &self.0
        }

        fn run_io(&self) -> bool {
            panic!("on purpose");
        }
    }

    #[test]
    fn a_panic_is_reported_and_the_thread_goes_on_for_the_others() {
        let broken = Shutdown::new();
        let pool = IoPool::start("test", 1, &broken).unwrap();
        let (faulty, other) = (Arc::new(Faulty::default()), Arc::new(Counter::default()));
        for _ in 0..2 {
            pool.schedule(&faulty);
            pool.schedule(&other);
            let runs = other.runs.load(Ordering::Relaxed);
            while !broken.is_triggered() || other.runs.load(Ordering::Relaxed) == runs {
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn threads_do_the_work_of_all_owners() {
        let pool = IoPool::start("test", 2, &Shutdown::new()).unwrap();
        let tasks: Vec<_> = (0..2 * READY_MAX).map(|_| Arc::new(Counter::default())).collect();
        for task in &tasks {
            pool.schedule(task);
        }
        while !tasks.iter().all(|task| task.runs.load(Ordering::Relaxed) > 0) {
            std::thread::yield_now();
        }
    }
}
