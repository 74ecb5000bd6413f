//! Looking at the cluster, so that pages need not wait for it.
//!
//! Each nsqlookupd and each nsqd has a task that asks it, each `--stats-interval`, and more often while somebody
//! watches; however many do makes no difference. One that does not answer holds up nobody else: its task waits alone, and
//! what it said before stays known.
//!
//! What they say is added up into a [`View`] when somebody wants one. At each interval a point of it goes into the
//! history, and it is judged for problems.

mod ask;
mod pace;
mod state;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nsq_clusterinfo::Asker;
use nsq_runtime::{Clock, Moment, Shutdown, TaskGroup};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use crate::health::{Health, Problem, Severity};
use crate::history::History;
use crate::snapshot::{View, ViewInput};
use pace::{Pace, is_watched};
use state::State;

/// How long a page waits for fresh numbers before it takes those that are known.
const PAGE_PATIENCE: Duration = Duration::from_millis(300);

/// Numbers this old are as good as fresh ones.
const FRESH: Duration = Duration::from_secs(2);

/// A view is made again at least this often while somebody wants it: who does not answer changes with time alone.
const VIEW_AGE_MAX: Duration = Duration::from_secs(1);

/// And not more often than this, or than ten times what making it takes.
const VIEW_AGE_MIN: Duration = Duration::from_millis(100);

/// The first look is judged soon, so that a page that is opened right after the start has something to show.
const FIRST_TICK: Duration = Duration::from_secs(1);

/// How often is judged while somebody watches, if there is no interval.
const TICK_ON_DEMAND: Duration = Duration::from_secs(10);

/// What is known of a cluster. Clones share it.
#[derive(Clone)]
pub(crate) struct Collector {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    asker: Asker,
    pace: Pace,
    /// Watching, in nanoseconds of the clock: when somebody did last, and with clients.
    watched: AtomicU64,
    watched_clients: AtomicU64,
    state: Mutex<State>,
    built: Mutex<Built>,
    history: Mutex<History>,
    health: Mutex<Health>,
    problems: RwLock<Arc<Problems>>,
    /// Somebody watches: tasks look whether they are due.
    nudge: Notify,
    /// Somebody has answered, or failed to.
    updated: Notify,
    tasks: TaskGroup,
    stop: Shutdown,
}

/// The last view, and what it was made of.
#[derive(Default)]
struct Built {
    view: Arc<View>,
    version: u64,
    cost: Duration,
}

/// What is wrong, and the worst of it for each entity.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    pub(crate) list: Vec<Problem>,
    worst: HashMap<String, Severity>,
}

impl Problems {
    fn of(list: Vec<Problem>) -> Self {
        let mut worst: HashMap<String, Severity> = HashMap::new();
        for problem in &list {
            let severity = problem.finding.severity;
            let known = worst.entry(problem.finding.entity.key()).or_insert(severity);
            *known = severity.max(*known);
        }
        Self { list, worst }
    }

    /// The worst problem of an entity, such as `topic:orders`.
    pub(crate) fn worst(&self, entity: &str) -> Option<Severity> {
        self.worst.get(entity).copied()
    }
}

/// How a cluster is looked at.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) asker: Asker,
    /// Time between two looks; `None` for only when somebody watches.
    pub(crate) interval: Option<Duration>,
    /// For the history, in bytes.
    pub(crate) memory_max: usize,
    /// nsqds, if there are no nsqlookupds.
    pub(crate) nsqds: Vec<String>,
}

impl Collector {
    /// Knows nothing yet. [`run`](Self::run) changes that.
    pub(crate) fn new(settings: Settings, clock: Clock, stop: Shutdown) -> Self {
        let interval = settings.interval.unwrap_or(TICK_ON_DEMAND);
        let shared = Shared {
            asker: settings.asker,
            pace: Pace::new(settings.interval),
            watched: AtomicU64::new(0),
            watched_clients: AtomicU64::new(0),
            state: Mutex::new(State::new(settings.nsqds)),
            built: Mutex::new(Built::default()),
            history: Mutex::new(History::new(interval, settings.memory_max)),
            health: Mutex::new(Health::default()),
            problems: RwLock::default(),
            nudge: Notify::new(),
            updated: Notify::new(),
            tasks: TaskGroup::new("collector"),
            stop,
            clock,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Follows these nsqlookupds from now on, and no others.
    pub(crate) fn follow(&self, nsqlookupds: &[String]) {
        let added = self
            .shared
            .state
            .lock()
            .set_nsqlookupds(nsqlookupds, &self.shared.stop);
        for (address, stop) in added {
            self.shared
                .tasks
                .spawn(ask::follow_nsqlookupd(self.clone(), address, stop));
        }
        self.follow_nodes();
    }

    /// Follows the nsqds that the nsqlookupds know, or those that are configured.
    fn follow_nodes(&self) {
        let added = {
            let now = self.shared.clock.now();
            self.shared.state.lock().sync_nodes(&self.shared.stop, now)
        };
        for (address, stop) in added {
            self.shared
                .tasks
                .spawn(ask::follow_node(self.clone(), address, stop));
        }
    }

    /// Judges and remembers until it is stopped.
    pub(crate) async fn run(self) {
        let shared = &self.shared;
        let mut next = shared.clock.now() + FIRST_TICK;
        loop {
            tokio::select! {
                () = shared.stop.triggered() => break,
                () = shared.clock.sleep_until(next) => {}
            }
            let now = shared.clock.now();
            if shared.pace.interval.is_some() || shared.is_watched(now) {
                self.tick(now);
            }
            next = now
                + until_next(
                    shared.pace.interval.unwrap_or(TICK_ON_DEMAND),
                    wall_ms(&shared.clock),
                );
        }
    }

    fn tick(&self, now: Moment) {
        let shared = &self.shared;
        let view = self.view();
        if shared.pace.interval.is_some() {
            shared.history.lock().push(&view);
        }
        let problems = shared.health.lock().look(&view, now);
        *shared.problems.write() = Arc::new(Problems::of(problems));
        shared.state.lock().version += 1;
    }

    /// Says that somebody looks, and waits a moment for fresh numbers.
    pub(crate) async fn watch(&self, with_clients: bool) -> Arc<View> {
        let shared = &self.shared;
        let now = shared.clock.now();
        shared.watched.store(now.as_nanos(), Ordering::Relaxed);
        if with_clients {
            shared.watched_clients.store(now.as_nanos(), Ordering::Relaxed);
        }
        shared.nudge.notify_waiters();
        let deadline = now + PAGE_PATIENCE;
        loop {
            let updated = shared.updated.notified();
            if shared.state.lock().is_fresh(now, FRESH, with_clients) {
                break;
            }
            tokio::select! {
                () = updated => {}
                () = shared.clock.sleep_until(deadline) => break,
            }
        }
        self.view()
    }

    /// Something was changed: everybody who answers is asked again at once.
    pub(crate) fn hurry(&self) {
        self.shared.state.lock().forget_when_asked();
        self.shared.nudge.notify_waiters();
    }

    /// All that is known.
    pub(crate) fn view(&self) -> Arc<View> {
        let shared = &self.shared;
        let mut built = shared.built.lock();
        let now = shared.clock.now();
        let age = now - built.view.now;
        let version = shared.state.lock().version;
        let is_old =
            built.view.seq == 0 || age >= VIEW_AGE_MAX || (version != built.version && age >= VIEW_AGE_MIN);
        if !is_old || age < built.cost.saturating_mul(10) {
            return Arc::clone(&built.view);
        }
        let (nodes, nsqlookupds) = shared.state.lock().copy();
        let problems = Arc::clone(&shared.problems.read());
        let history = shared.history.lock();
        let view = View::build(ViewInput {
            seq: built.view.seq + 1,
            now,
            now_ms: wall_ms(&shared.clock),
            fresh_for: shared.pace.fresh_for(),
            nodes,
            nsqlookupds,
            previous: &built.view,
            trend: &|entity| history.trend(entity),
            problem: &|entity| problems.worst(entity),
        });
        drop(history);
        *built = Built {
            view: Arc::new(view),
            version,
            cost: shared.clock.now() - now,
        };
        Arc::clone(&built.view)
    }

    /// What is wrong.
    pub(crate) fn problems(&self) -> Arc<Problems> {
        Arc::clone(&self.shared.problems.read())
    }

    /// Looks at the history.
    pub(crate) fn with_history<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        look(&self.shared.history.lock())
    }

    /// Waits for its tasks after they were told to stop; how many are left.
    pub(crate) async fn wait(&self, patience: Duration) -> usize {
        self.shared.tasks.wait(&self.shared.clock, patience).await
    }
}

impl Shared {
    fn is_watched(&self, now: Moment) -> bool {
        is_watched(now, &self.watched)
    }

    fn is_watched_with_clients(&self, now: Moment) -> bool {
        is_watched(now, &self.watched_clients)
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

/// How long to wait from a tick to the next one: to the middle of the next slot of the history, so that ticks that come a
/// little early or late leave none without its point.
fn until_next(interval: Duration, now_ms: i64) -> Duration {
    let step_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
    let into_ms = now_ms.rem_euclid(step_ms);
    let wait_ms = step_ms.saturating_add(step_ms / 2) - into_ms;
    Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0))
}

/// Wall time in milliseconds since 1970.
pub(crate) fn wall_ms(clock: &Clock) -> i64 {
    clock.wall_ns() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_a_tick_however_late_they_are() {
        let interval = Duration::from_secs(10);
        for late_ms in [0, 3, 900, 4900] {
            let mut now_ms = 1_795_190_086_123_i64;
            let mut slots = Vec::new();
            for tick in 0..100 {
                slots.push(now_ms.div_euclid(10_000));
                let wait = i64::try_from(until_next(interval, now_ms).as_millis()).unwrap();
                assert!((5000..=15_000).contains(&wait), "{wait}");
                now_ms += wait + late_ms * (tick % 2);
            }
            assert!(slots.windows(2).all(|pair| pair[1] == pair[0] + 1), "{late_ms}");
        }
    }
}
