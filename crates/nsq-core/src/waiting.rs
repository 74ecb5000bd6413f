//! Which consumers of a channel have nothing to do, and whom to wake.

use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::consumer::{Consumer, Locality, Presence};

/// Consumers to wake once no lock is held.
pub(crate) type Wakes = SmallVec<[Arc<Consumer>; 2]>;

/// Wakes consumers that were chosen.
pub(crate) fn wake(wakes: Wakes) {
    for consumer in wakes {
        consumer.wake();
    }
}

/// One value for each place that a consumer can be in.
#[derive(Debug, Default)]
pub(crate) struct PerLocality<T> {
    pub(crate) zone: T,
    pub(crate) region: T,
    pub(crate) global: T,
}

impl<T> PerLocality<T> {
    pub(crate) fn get_mut(&mut self, locality: Locality) -> &mut T {
        match locality {
            Locality::Zone => &mut self.zone,
            Locality::Region => &mut self.region,
            Locality::Global => &mut self.global,
        }
    }

    fn nearest_first(&mut self) -> [&mut T; 3] {
        [&mut self.zone, &mut self.region, &mut self.global]
    }
}

/// The consumers that found nothing to take, and the count of those that were woken since.
///
/// A consumer that is listed may have become unable to take a message; it is woken all the same, and
/// passes the wake on. Upstream's consumers race for one Go channel instead; the choice among them is
/// arbitrary there, and here goes to who has waited longest.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    lists: PerLocality<VecDeque<Arc<Consumer>>>,
    woken: usize,
}

impl Waiting {
    /// How many consumers were woken and have not asked for messages yet.
    pub(crate) fn woken(&self) -> usize {
        self.woken
    }

    pub(crate) fn len(&self) -> usize {
        self.lists.zone.len() + self.lists.region.len() + self.lists.global.len()
    }

    /// Notes that a consumer has nothing to do. The place matters only if the nearest are served first.
    pub(crate) fn register(&mut self, consumer: &Arc<Consumer>, topology_aware: bool) {
        if consumer.presence() == Presence::Busy {
            consumer.set_presence(Presence::Waiting);
            let locality = if topology_aware {
                consumer.options.locality
            } else {
                Locality::Global
            };
            self.lists.get_mut(locality).push_back(Arc::clone(consumer));
        }
    }

    /// Chooses up to `count` consumers to wake: the nearest, and of these who has waited longest.
    pub(crate) fn choose(&mut self, count: usize, wakes: &mut Wakes) {
        let lists = self.lists.nearest_first().into_iter();
        let waiting = lists.flat_map(|list| std::iter::from_fn(|| list.pop_front()));
        for consumer in waiting.take(count) {
            consumer.set_presence(Presence::Woken);
            self.woken += 1;
            wakes.push(consumer);
        }
    }

    /// Notes that a consumer asks for messages.
    pub(crate) fn settle(&mut self, consumer: &Consumer) {
        if consumer.presence() == Presence::Woken {
            consumer.set_presence(Presence::Busy);
            self.woken -= 1;
        }
    }

    /// Forgets a consumer that leaves.
    pub(crate) fn remove(&mut self, consumer: &Arc<Consumer>) {
        self.settle(consumer);
        if consumer.presence() == Presence::Waiting {
            consumer.set_presence(Presence::Busy);
            for list in self.lists.nearest_first() {
                list.retain(|other| !Arc::ptr_eq(other, consumer));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::consumer::{ClientId, ConsumerOptions};

    fn consumer(id: u64, locality: Locality) -> Arc<Consumer> {
        let options = ConsumerOptions {
            msg_timeout: Duration::from_secs(60),
            sample_rate: 0,
            locality,
        };
        Arc::new(Consumer::new(ClientId(id), options))
    }

    fn chosen(waiting: &mut Waiting, count: usize) -> Vec<u64> {
        let mut wakes = Wakes::new();
        waiting.choose(count, &mut wakes);
        wakes.iter().map(|consumer| consumer.id.0).collect()
    }

    #[test]
    fn who_has_waited_longest_is_chosen_first_and_once() {
        let mut waiting = Waiting::default();
        let consumers = [1, 2, 3].map(|id| consumer(id, Locality::Global));
        for consumer in &consumers {
            waiting.register(consumer, false);
            waiting.register(consumer, false);
        }
        assert_eq!(waiting.len(), 3);
        assert_eq!(chosen(&mut waiting, 2), [1, 2]);
        assert_eq!((waiting.len(), waiting.woken()), (1, 2));
        assert_eq!(chosen(&mut waiting, 9), [3]);
        assert_eq!(chosen(&mut waiting, 9), [0; 0]);
    }

    #[test]
    fn the_nearest_are_chosen_first_only_if_that_is_asked_for() {
        let places = [Locality::Global, Locality::Region, Locality::Zone];
        for (topology_aware, expected) in [(true, [2, 1, 0]), (false, [0, 1, 2])] {
            let mut waiting = Waiting::default();
            for (id, locality) in (0..).zip(places) {
                waiting.register(&consumer(id, locality), topology_aware);
            }
            assert_eq!(chosen(&mut waiting, 3), expected);
        }
    }

    #[test]
    fn a_woken_consumer_counts_until_it_asks() {
        let mut waiting = Waiting::default();
        let consumer = consumer(1, Locality::Global);
        waiting.register(&consumer, false);
        chosen(&mut waiting, 1);
        // Not listed again before it has asked.
        waiting.register(&consumer, false);
        assert_eq!((waiting.len(), waiting.woken()), (0, 1));
        waiting.settle(&consumer);
        waiting.settle(&consumer);
        assert_eq!(waiting.woken(), 0);
        waiting.register(&consumer, false);
        assert_eq!(waiting.len(), 1);
    }

    #[test]
    fn one_that_leaves_is_forgotten_whether_it_waits_or_was_woken() {
        let mut waiting = Waiting::default();
        let consumers = [1, 2].map(|id| consumer(id, Locality::Region));
        for consumer in &consumers {
            waiting.register(consumer, true);
        }
        chosen(&mut waiting, 1);
        for consumer in &consumers {
            waiting.remove(consumer);
        }
        assert_eq!((waiting.len(), waiting.woken()), (0, 0));
    }
}
