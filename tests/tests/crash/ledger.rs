//! What was accepted, and what was finished.

use std::collections::BTreeSet;

use parking_lot::{Condvar, Mutex};

/// What was accepted, and what each channel's consumers have finished. It outlives every nsqd.
pub(crate) struct Ledger {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    accepted: BTreeSet<String>,
    finished: Vec<BTreeSet<String>>,
    is_dark: bool,
    /// Messages that came again after their FIN was sent.
    again: u64,
}

impl Ledger {
    pub(crate) fn new(channels: usize) -> Self {
        let state = State {
            finished: vec![BTreeSet::new(); channels],
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// From now on nothing counts that nsqd says: nobody would hear it, were it not for the test.
    ///
    /// A sync that is under way when a file system is shut down may end as if it had worked.
    pub(crate) fn lose_power(&self) {
        self.state.lock().is_dark = true;
    }

    /// It counts again.
    pub(crate) fn regain_power(&self) {
        self.state.lock().is_dark = false;
    }

    /// Whether nothing counts.
    pub(crate) fn is_dark(&self) -> bool {
        self.state.lock().is_dark
    }

    /// A body that no other message has.
    pub(crate) fn next_body(&self) -> String {
        let mut state = self.state.lock();
        state.next += 1;
        format!("order {:08}", state.next)
    }

    /// nsqd has said OK.
    pub(crate) fn accept(&self, bodies: impl IntoIterator<Item = String>) {
        let mut state = self.state.lock();
        if !state.is_dark {
            state.accepted.extend(bodies);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// A consumer has done its work, and is about to say so.
    pub(crate) fn finish(&self, channel: usize, body: &str) {
        let mut state = self.state.lock();
        let is_new = state
            .finished
            .get_mut(channel)
            .is_some_and(|finished| finished.insert(body.to_owned()));
        state.again += u64::from(!is_new);
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.state.lock().accepted.len() as u64
    }

    pub(crate) fn await_accepted(&self, count: u64) {
        let mut state = self.state.lock();
        while (state.accepted.len() as u64) < count {
            self.changed.wait(&mut state);
        }
    }

    /// What was accepted and is not finished.
    pub(crate) fn missing(&self, channel: usize) -> Vec<String> {
        let state = self.state.lock();
        let finished = state.finished.get(channel);
        let is_missing = |body: &&String| finished.is_none_or(|finished| !finished.contains(*body));
        state.accepted.iter().filter(is_missing).cloned().collect()
    }

    pub(crate) fn check(&self, channels: &[&str]) {
        for (index, channel) in channels.iter().enumerate() {
            let missing = self.missing(index);
            assert!(missing.is_empty(), "{channel} never got {missing:?}");
        }
    }

    pub(crate) fn summary(&self) -> String {
        let state = self.state.lock();
        let finished: Vec<_> = state.finished.iter().map(BTreeSet::len).collect();
        format!(
            "{} accepted, finished {finished:?}, delivered again {}",
            state.accepted.len(),
            state.again
        )
    }
}
