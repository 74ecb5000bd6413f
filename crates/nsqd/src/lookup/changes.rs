//! What has changed since a peer was last told.

use std::collections::HashMap;

use nsq_protocol::name::TopicName;

/// Topics that are remembered one by one; with more, all topics are looked at.
const TOPICS_MAX: usize = 4096;

/// What has become of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It was created, or channels of it have come or gone.
    Touched,
    /// It was deleted. Another of its name may exist again, of which nsqlookupd must not think that it is
    /// the same: that one may be tombstoned.
    Deleted,
}

/// The topics that may differ from what a peer has registered.
#[derive(Debug, Default)]
pub(super) struct Changes {
    everything: bool,
    topics: HashMap<TopicName, Change>,
}

impl Changes {
    pub(super) fn note(&mut self, topic: &TopicName, change: Change) {
        if let Some(noted) = self.topics.get_mut(topic) {
            if change == Change::Deleted {
                *noted = change;
            }
        } else if self.topics.len() < TOPICS_MAX {
            self.topics.insert(topic.clone(), change);
        } else {
            self.everything = true;
        }
    }

    /// Whether any topic may differ; those noted one by one are in the way as well.
    pub(super) fn is_everything(&self) -> bool {
        self.everything
    }

    /// What has become of `topic`.
    pub(super) fn of(&self, topic: &TopicName) -> Change {
        self.topics.get(topic).copied().unwrap_or(Change::Touched)
    }

    /// The topics noted one by one.
    pub(super) fn topics(&self) -> impl Iterator<Item = &TopicName> {
        self.topics.keys()
    }

    /// Everything may differ: nothing has been registered yet.
    pub(super) fn everything() -> Self {
        Self {
            everything: true,
            topics: HashMap::new(),
        }
    }

    /// Whether nothing differs.
    pub(super) fn is_empty(&self) -> bool {
        !self.everything && self.topics.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> TopicName {
        TopicName::new(name).unwrap()
    }

    #[test]
    fn a_deletion_is_remembered_whatever_follows() {
        let mut changes = Changes::default();
        changes.note(&topic("a"), Change::Touched);
        changes.note(&topic("a"), Change::Deleted);
        changes.note(&topic("a"), Change::Touched);
        assert_eq!(changes.of(&topic("a")), Change::Deleted);
        assert_eq!(changes.of(&topic("b")), Change::Touched);
    }

    #[test]
    fn too_many_topics_are_all_topics() {
        let mut changes = Changes::default();
        for number in 0..TOPICS_MAX {
            changes.note(&topic(&number.to_string()), Change::Deleted);
        }
        assert!(!changes.is_everything());
        changes.note(&topic("one-more"), Change::Touched);
        assert!(changes.is_everything());
        assert_eq!(changes.topics().count(), TOPICS_MAX);
        assert_eq!(changes.of(&topic("7")), Change::Deleted);
    }
}
