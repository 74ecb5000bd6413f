//! Whether a process answers.

use std::time::Duration;

use nsq_runtime::Moment;

/// A question that is unanswered for this long makes its process one that does not answer, long before the
/// question times out.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Whether a process answers, and since when. Wall times are in milliseconds since 1970.
#[derive(Clone, Debug, Default)]
pub(crate) struct Status {
    /// Why the last question failed; `None` if it was answered.
    pub(crate) error: Option<String>,
    /// When it began not to answer.
    pub(crate) since_ms: Option<i64>,
    /// When it answered last.
    pub(crate) last_ok_ms: Option<i64>,
    /// How long the last answer took.
    pub(crate) latency: Duration,
    /// Questions without an answer since the last one that had one.
    pub(crate) failures: u32,
    /// When the question was put that has not been answered yet.
    pub(crate) asked: Option<Moment>,
}

impl Status {
    /// A question is put.
    pub(crate) fn ask(&mut self, now: Moment) {
        self.asked = Some(now);
    }

    /// The question was answered.
    pub(crate) fn answered(&mut self, now: Moment, now_ms: i64) {
        self.latency = self.asked.take().map_or(Duration::ZERO, |asked| now - asked);
        self.error = None;
        self.since_ms = None;
        self.last_ok_ms = Some(now_ms);
        self.failures = 0;
    }

    /// The question was not answered.
    pub(crate) fn failed(&mut self, error: String, now: Moment, now_ms: i64) {
        self.latency = self.asked.take().map_or(Duration::ZERO, |asked| now - asked);
        self.error = Some(error);
        let waited_ms = i64::try_from(self.latency.as_millis()).unwrap_or(0);
        self.since_ms.get_or_insert(now_ms.saturating_sub(waited_ms));
        self.failures = self.failures.saturating_add(1);
    }

    /// Why it is taken for one that does not answer; `None` if it answers, or has not been asked yet.
    pub(crate) fn trouble(&self, now: Moment) -> Option<String> {
        if self.error.is_some() {
            return self.error.clone();
        }
        let waited = now - self.asked?;
        let is_long = waited > PATIENCE && waited > self.latency.saturating_mul(4);
        is_long.then(|| format!("no answer for {} s", waited.as_secs().max(1)))
    }

    /// When it began not to answer.
    pub(crate) fn trouble_since_ms(&self, now: Moment, now_ms: i64) -> Option<i64> {
        self.since_ms.or_else(|| {
            let waited = now - self.asked?;
            Some(now_ms - i64::try_from(waited.as_millis()).unwrap_or(0))
        })
    }

    /// Whether there is no answer yet, and no failure.
    pub(crate) fn is_new(&self) -> bool {
        self.error.is_none() && self.last_ok_ms.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * S)
    }

    #[test]
    fn a_process_that_hangs_is_in_trouble_before_its_deadline() {
        let mut status = Status::default();
        assert!(status.is_new() && status.trouble(at(9)).is_none());
        status.ask(at(10));
        assert_eq!(status.trouble(at(11)), None);
        assert_eq!(status.trouble(at(13)).as_deref(), Some("no answer for 3 s"));
        status.failed("timeout".to_owned(), at(15), 15_000);
        assert_eq!(status.trouble(at(15)).as_deref(), Some("timeout"));
        assert_eq!(
            status.trouble_since_ms(at(15), 15_000),
            Some(10_000),
            "since it was asked"
        );
        status.ask(at(20));
        status.failed("timeout".to_owned(), at(25), 25_000);
        assert_eq!((status.since_ms, status.failures), (Some(10_000), 2));
        status.ask(at(30));
        status.answered(at(31), 31_000);
        assert_eq!((status.trouble(at(31)), status.failures), (None, 0));
        assert_eq!(status.latency, Duration::from_secs(1));
    }

    #[test]
    fn a_process_that_always_takes_long_is_given_its_time() {
        let mut status = Status::default();
        status.ask(at(0));
        status.answered(at(1), 1_000);
        status.ask(at(10));
        assert_eq!(status.trouble(at(13)), None);
        assert!(status.trouble(at(15)).is_some());
    }
}
