//! The runtime and the signals around a program's work.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use nsq_runtime::Shutdown;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long what the program left behind may hold up the exit. Its own work has ended by then.
const LEFTOVERS_PATIENCE: Duration = Duration::from_millis(100);

/// Runs `work` on as many threads as there are cores and gives what it ends with.
///
/// The first SIGINT or SIGTERM triggers the [`Shutdown`] that `work` is given, and further ones change
/// nothing: how long the stop takes is up to `work`. SIGUSR1 is ignored; other signals keep their
/// effect, SIGHUP unless `work` [takes it over](Hangups). The signals are taken over before `work` is called.
///
/// # Errors
/// The operating system refuses threads or signal handlers; nothing has run then.
pub fn run<F: Future>(work: impl FnOnce(Shutdown) -> F) -> io::Result<F::Output> {
    raise_descriptor_limit();
    let runtime = Builder::new_multi_thread()
        .thread_name("nsq-worker")
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let signals = Signals::take_over()?;
        let shutdown = Shutdown::new();
        let work = Box::pin(work(shutdown.clone()));
        Ok(signals.watch_during(work, &shutdown).await)
    });
    runtime.shutdown_timeout(LEFTOVERS_PATIENCE);
    outcome
}

/// Allows as many descriptors as the system lets the process have, as Go's runtime does: each connection
/// takes one, and the usual soft limit is 1,024.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Refused at worst; the process then lives with what it has.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    );
}

/// Requests to read files again, which is what SIGHUP means to a daemon that has taken it over.
#[derive(Debug)]
pub struct Hangups(Signal);

impl Hangups {
    /// Takes over the signal, which ends the process otherwise.
    ///
    /// # Errors
    /// The operating system refuses a signal handler.
    ///
    /// # Panics
    /// Outside the work of [`run`].
    pub fn take_over() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Waits for the next request. Several that come while nobody waits are one.
    ///
    /// # Cancel safety
    /// Dropping the future loses no request.
    pub async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // The runtime is shutting down.
            std::future::pending::<()>().await;
        }
    }
}

/// The signals with a meaning of their own.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Held so that the signal does not end the process.
    _user1: Signal,
}

impl Signals {
    fn take_over() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            _user1: signal(SignalKind::user_defined1())?,
        })
    }

    /// Waits for `work`, triggering `shutdown` at each request to stop.
    async fn watch_during<T>(mut self, work: impl Future<Output = T>, shutdown: &Shutdown) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                outcome = &mut work => return outcome,
                _ = self.interrupt.recv() => shutdown.trigger(),
                _ = self.terminate.recv() => shutdown.trigger(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    // One test for all signals: they reach the whole process.
    #[test]
    fn a_request_to_stop_reaches_the_work_and_further_ones_do_not_end_it() {
        let outcome = run(|shutdown| async move {
            kill_process(getpid(), Signal::USR1).unwrap();
            kill_process(getpid(), Signal::TERM).unwrap();
            tokio::time::timeout(Duration::from_secs(10), shutdown.triggered())
                .await
                .unwrap();
            for signal in [Signal::TERM, Signal::INT] {
                kill_process(getpid(), signal).unwrap();
            }
            tokio::task::yield_now().await;
            "ended"
        });
        assert_eq!(outcome.unwrap(), "ended");
    }

    #[test]
    fn work_that_leaves_a_task_behind_does_not_hold_up_the_exit() {
        let outcome = run(|_| async {
            nsq_runtime::TaskGroup::new("left behind").spawn(std::future::pending::<()>());
        });
        outcome.unwrap();
    }
}
