//! Owned tasks: a parent starts them in a group and waits for the group.

use std::future::Future;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::Clock;

/// The tasks of one parent, which can be waited for together.
///
/// A panic in a task ends that task alone: the runtime reports it through the panic hook, the guards
/// of the task run, and the group counts it as ended.
#[derive(Clone, Debug)]
pub struct TaskGroup {
    name: &'static str,
    tracker: TaskTracker,
}

impl TaskGroup {
    /// An empty group; `name` says in logs who was waited for.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            tracker: TaskTracker::new(),
        }
    }

    /// The name given at construction.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Starts `task` on the current Tokio runtime.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.tracker.spawn(task));
    }

    /// How many tasks have not ended.
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Whether all tasks have ended.
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Waits until all tasks have ended, at most `patience`; returns how many are left then.
    ///
    /// # Cancel safety
    /// Dropping the future only stops the wait.
    pub async fn wait(&self, clock: &Clock, patience: Duration) -> usize {
        self.tracker.close();
        tokio::select! {
            () = self.tracker.wait() => 0,
            () = clock.sleep(patience) => self.tracker.len(),
        }
    }
}

/// Starts a thread of its own for work that blocks, such as file I/O. The name is cut to what the
/// operating system shows.
///
/// # Errors
/// The operating system refuses another thread.
pub fn spawn_thread<F>(name: &str, work: F) -> std::io::Result<std::thread::JoinHandle<()>>
where
    F: FnOnce() + Send + 'static,
{
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, Shutdown};

    #[tokio::test]
    async fn waiting_ends_when_the_last_task_does() {
        let group = TaskGroup::new("test");
        let stop = Shutdown::new();
        for _ in 0..3 {
            let stop = stop.clone();
            group.spawn(async move { stop.triggered().await });
        }
        assert_eq!(group.len(), 3);
        stop.trigger();
        assert_eq!(group.wait(&Clock::system(), Duration::from_secs(60)).await, 0);
    }

    #[tokio::test]
    async fn waiting_gives_up_after_its_patience_and_counts_who_is_left() {
        let group = TaskGroup::new("test");
        group.spawn(std::future::pending());
        let manual = ManualClock::new();
        let clock = manual.clock();
        let (left, ()) = tokio::join!(group.wait(&clock, Duration::from_secs(1)), async {
            manual.advance(Duration::from_secs(2));
        });
        assert_eq!(left, 1);
    }

    #[tokio::test]
    async fn a_panicking_task_counts_as_ended() {
        let group = TaskGroup::new("test");
        group.spawn(async { panic!("only this task") });
        assert_eq!(group.wait(&Clock::system(), Duration::from_secs(60)).await, 0);
    }
}
