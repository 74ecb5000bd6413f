//! What is true of the data whenever nobody holds the lock.

use super::State;

impl State {
    /// Asserts that both sides of the relation say the same, and that the counts are right.
    pub(in crate::registration_db) fn check(&self) {
        let mut names = 0;
        let mut registrations = 0;
        assert_eq!(self.ids.len(), self.topics.len());
        for (id, topic) in &self.topics {
            assert_eq!(self.ids.get(&topic.name), Some(id));
            names += 1 + topic.channels.len();
            registrations += topic.producers.len();
            for producer in &topic.producers {
                assert!(self.holders[producer].topics.contains(id));
            }
            for producers in topic.channels.values() {
                registrations += producers.len();
                assert!(producers.is_subset(&topic.producers));
            }
        }
        assert_eq!(self.names, names);
        assert_eq!(self.registrations, registrations);
        for (id, holder) in &self.holders {
            let mut of_holder = holder.topics.len();
            for topic in &holder.topics {
                let topic = &self.topics[topic];
                assert!(topic.producers.contains(id));
                of_holder += topic.channels.values().filter(|it| it.contains(id)).count();
            }
            assert_eq!(holder.registrations, of_holder);
        }
        for (producer, topic) in self.tombstones.keys() {
            assert!(self.topics[topic].producers.contains(producer));
        }
    }
}
