//! Monotonic and wall time behind one handle.

use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::{Add, Sub};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// A moment on the monotonic clock, in nanoseconds since that clock was made.
///
/// Deadlines are moments: a step of the wall clock never moves them. Arithmetic saturates, so a
/// deadline computed from an absurd timeout is simply far away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The moment the clock was made.
    pub const START: Self = Self(0);
    /// Later than every deadline.
    pub const FAR: Self = Self(u64::MAX);

    /// The moment `nanos` nanoseconds after the clock was made.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock was made.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to this moment, zero if `earlier` is the later one.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub for Moment {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// Reads the time. Cloning is cheap; all clones read the same clock.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System { origin: Instant },
    Manual(Arc<ManualTime>),
}

/// The hands of a manual clock, and who sleeps by it.
struct ManualTime {
    monotonic_ns: AtomicU64,
    wall_ns: AtomicI64,
    sleepers: Mutex<Vec<Waker>>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where clocks are read"
)]
impl Clock {
    /// The clocks of the operating system.
    pub fn system() -> Self {
        Self(Source::System {
            origin: Instant::now(),
        })
    }

    /// The present moment on the monotonic clock.
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::System { origin } => Moment::START + origin.elapsed(),
            Source::Manual(time) => Moment(time.monotonic_ns.load(Ordering::Acquire)),
        }
    }

    /// Wall time in nanoseconds since the Unix epoch; negative before it.
    pub fn wall_ns(&self) -> i64 {
        match &self.0 {
            Source::System { .. } => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
                Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
            },
            Source::Manual(time) => time.wall_ns.load(Ordering::Acquire),
        }
    }

    /// A timer of this clock, not armed.
    pub fn timer(&self) -> Timer {
        Timer {
            clock: self.clone(),
            at: Moment::FAR,
            sleep: None,
        }
    }

    /// Waits until `at`.
    ///
    /// # Cancel safety
    /// Dropping the future only stops the wait.
    pub async fn sleep_until(&self, at: Moment) {
        let mut timer = self.timer();
        timer.arm(at);
        poll_fn(|cx| timer.poll_elapsed(cx)).await;
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + duration).await;
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System { .. } => "Clock(system)",
            Source::Manual(_) => "Clock(manual)",
        })
    }
}

/// One re-armable deadline, for a task that waits for several things at once.
pub struct Timer {
    clock: Clock,
    at: Moment,
    /// Made when the timer is first polled while armed: an idle timer costs nothing.
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Timer {
    /// Sets the moment at which the timer elapses; [`Moment::FAR`] disarms it.
    ///
    /// The wait itself moves at the next [`poll_elapsed`](Self::poll_elapsed).
    pub fn arm(&mut self, at: Moment) {
        if at == self.at {
            return;
        }
        self.at = at;
        if let (Source::System { origin }, Some(sleep)) = (&self.clock.0, &mut self.sleep) {
            if at == Moment::FAR {
                self.sleep = None;
            } else {
                sleep.as_mut().reset(tokio_instant(*origin, at));
            }
        }
    }

    /// The moment at which the timer elapses, [`Moment::FAR`] when it is not armed.
    pub fn deadline(&self) -> Moment {
        self.at
    }

    /// Ready once the clock has reached the deadline; a timer that is not armed is never ready.
    pub fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.at == Moment::FAR {
            return Poll::Pending;
        }
        match &self.clock.0 {
            Source::System { origin } => self
                .sleep
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(tokio_instant(*origin, self.at))))
                .as_mut()
                .poll(cx),
            Source::Manual(time) => {
                // Registered before the clock is read: an advance in between finds the waker.
                let mut sleepers = time.sleepers.lock();
                if !sleepers.iter().any(|sleeper| sleeper.will_wake(cx.waker())) {
                    sleepers.push(cx.waker().clone());
                }
                drop(sleepers);
                if self.clock.now() >= self.at {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer")
            .field("clock", &self.clock)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

fn tokio_instant(origin: Instant, at: Moment) -> tokio::time::Instant {
    // A deadline past what the platform can express is a year away: the timer is armed anew by then.
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    let offset = Duration::from_nanos(at.as_nanos());
    origin.checked_add(offset).unwrap_or_else(|| origin + YEAR).into()
}

/// A clock that moves only when it is told to, for tests and simulation.
#[derive(Clone)]
pub struct ManualClock(Arc<ManualTime>);

impl ManualClock {
    /// A clock at [`Moment::START`] whose wall time is 2025-01-01 00:00 UTC.
    pub fn new() -> Self {
        const NEW_YEAR_2025_NS: i64 = 1_735_689_600_000_000_000;
        Self(Arc::new(ManualTime {
            monotonic_ns: AtomicU64::new(0),
            wall_ns: AtomicI64::new(NEW_YEAR_2025_NS),
            sleepers: Mutex::new(Vec::new()),
        }))
    }

    /// A handle that reads this clock.
    pub fn clock(&self) -> Clock {
        Clock(Source::Manual(Arc::clone(&self.0)))
    }

    /// Moves both clocks forward and wakes who sleeps by them.
    pub fn advance(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.monotonic_ns.fetch_add(nanos, Ordering::AcqRel);
        self.step_wall(i64::try_from(nanos).unwrap_or(i64::MAX));
        let sleepers = std::mem::take(&mut *self.0.sleepers.lock());
        for sleeper in sleepers {
            sleeper.wake();
        }
    }

    /// Steps the wall clock alone, as an operator or a time daemon would; negative steps go back.
    pub fn step_wall(&self, nanos: i64) {
        self.0.wall_ns.fetch_add(nanos, Ordering::AcqRel);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.clock().now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_saturate_instead_of_wrapping() {
        assert_eq!(Moment::from_nanos(5) + Duration::MAX, Moment::FAR);
        assert_eq!(Moment::from_nanos(5) - Moment::from_nanos(9), Duration::ZERO);
    }

    #[test]
    fn stepping_the_wall_clock_leaves_the_monotonic_clock_alone() {
        let manual = ManualClock::new();
        let clock = manual.clock();
        let (moment, wall) = (clock.now(), clock.wall_ns());
        manual.step_wall(-1_000);
        assert_eq!(clock.now(), moment);
        assert_eq!(clock.wall_ns(), wall - 1_000);
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_manual_clock_reaches_its_moment() {
        let manual = ManualClock::new();
        let clock = manual.clock();
        let at = clock.now() + Duration::from_secs(3);
        let sleeper = {
            let clock = clock.clone();
            async move {
                clock.sleep_until(at).await;
                clock.now()
            }
        };
        let ((), woken) = tokio::join!(
            async {
                manual.advance(Duration::from_secs(1));
                tokio::task::yield_now().await;
                manual.advance(Duration::from_secs(2));
            },
            sleeper
        );
        assert_eq!(woken, at);
    }

    #[tokio::test]
    async fn a_timer_can_be_armed_earlier_and_disarmed() {
        let clock = Clock::system();
        let mut timer = clock.timer();
        timer.arm(clock.now() + Duration::from_secs(3600));
        assert!(
            poll_fn(|cx| Poll::Ready(timer.poll_elapsed(cx)))
                .await
                .is_pending()
        );
        timer.arm(clock.now());
        poll_fn(|cx| timer.poll_elapsed(cx)).await;
        timer.arm(Moment::FAR);
        assert!(
            poll_fn(|cx| Poll::Ready(timer.poll_elapsed(cx)))
                .await
                .is_pending()
        );
    }
}
