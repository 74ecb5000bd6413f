//! What users have changed by way of this nsqadmin, lately.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde::Serialize;

use crate::caller::Caller;
use crate::notify::Action;

/// How many changes are remembered; the oldest are forgotten first.
pub(crate) const ENTRIES_MAX: usize = 500;

/// No more of a header than anybody reads.
const TEXT_LEN_MAX: usize = 256;

/// A change by a user.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Entry {
    /// When, in milliseconds since 1970.
    at: i64,
    action: String,
    topic: String,
    channel: String,
    node: String,
    /// Empty if nobody says who it is.
    user: String,
    remote_address: String,
    user_agent: String,
}

/// The last changes. They are gone with the process; the notifications are for who keeps them.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    entries: Mutex<VecDeque<Entry>>,
}

impl Activity {
    /// Remembers a change. `user` is who the proxy in front says it is.
    pub(crate) fn note(&self, at_ms: i64, user: &str, caller: Caller<'_>, action: &Action<'_>) {
        let user = match user {
            "" => caller.basic_user(),
            user => user.to_owned(),
        };
        let entry = Entry {
            at: at_ms,
            action: action.verb.to_owned(),
            topic: action.topic.to_owned(),
            channel: action.channel.to_owned(),
            node: action.node.to_owned(),
            user: short(&user),
            remote_address: caller.remote_address(),
            user_agent: short(caller.user_agent()),
        };
        self.push(entry);
    }

    fn push(&self, entry: Entry) {
        let mut entries = self.entries.lock();
        if entries.len() == ENTRIES_MAX {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    /// The changes, the last one first.
    pub(crate) fn latest(&self) -> Vec<Entry> {
        self.entries.lock().iter().rev().cloned().collect()
    }
}

fn short(text: &str) -> String {
    text.chars().take(TEXT_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_changes_are_remembered_and_no_more() {
        let activity = Activity::default();
        for number in 0..ENTRIES_MAX + 3 {
            activity.push(Entry {
                topic: format!("t{number}"),
                ..Entry::default()
            });
        }
        let latest = activity.latest();
        assert_eq!(latest.len(), ENTRIES_MAX);
        assert_eq!(latest[0].topic, format!("t{}", ENTRIES_MAX + 2));
        assert_eq!(latest[ENTRIES_MAX - 1].topic, "t3");
    }

    #[test]
    fn headers_that_have_no_end_are_cut() {
        assert_eq!(short(&"é".repeat(1000)), "é".repeat(TEXT_LEN_MAX));
    }
}
