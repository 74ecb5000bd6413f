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
