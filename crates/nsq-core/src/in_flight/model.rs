//! Against a sorted map.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use nsq_runtime::Moment;
use proptest::collection::vec;
use proptest::prelude::*;

use super::InFlight;
use crate::guid::Guid;
use crate::message::Message;

/// How long a touch can hold a message.
const LONGEST: Duration = Duration::from_secs(40);

#[derive(Clone, Debug)]
enum Step {
    /// With a timeout of so many seconds.
    Insert(u64, u64),
    Remove(u64),
    Touch(u64, u64),
    Pass(u64),
    /// Moves everything into another set, as when a consumer leaves.
    Absorb,
    TakeAll,
    Shrink,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0_u64..60;
    prop_oneof![
        12 => (id.clone(), 1_u64..60).prop_map(|(id, timeout)| Step::Insert(id, timeout)),
        6 => id.clone().prop_map(Step::Remove),
        4 => (id, 1_u64..60).prop_map(|(id, timeout)| Step::Touch(id, timeout)),
        3 => (0_u64..10).prop_map(Step::Pass),
        1 => Just(Step::Absorb),
        1 => Just(Step::TakeAll),
        1 => Just(Step::Shrink),
    ]
}

#[derive(Debug)]
struct Expected {
    deadline: Moment,
    delivered_at: Moment,
}

fn earliest(model: &BTreeMap<u64, Expected>) -> Option<Moment> {
    model.values().map(|held| held.deadline).min()
}

proptest! {
    #[test]
    fn a_set_in_flight_is_a_map_sorted_by_deadline(steps in vec(step(), 1..200), in_order in any::<bool>()) {
        let (mut held, mut model) = (InFlight::default(), BTreeMap::new());
        let (mut now, mut next_id) = (Moment::START, 1_000_u64);
        for step in steps {
            match step {
                Step::Insert(id, timeout) => {
                    let mut id = if in_order { next_id } else { id };
                    next_id += 1;
                    // A second message of an id gets the next free one.
                    let message = Message::new(Guid::from_u64(id), 0, Bytes::new());
                    while model.contains_key(&id) {
                        id += 1;
                    }
                    let deadline = now + Duration::from_secs(timeout);
                    prop_assert_eq!(held.insert(message, now, deadline).id.as_u64(), id);
                    model.insert(id, Expected { deadline, delivered_at: now });
                }
                Step::Remove(index) => {
                    let id = pick(&model, index);
                    let removed = held.remove(Guid::from_u64(id)).map(|message| message.id.as_u64());
                    prop_assert_eq!(removed, model.remove(&id).map(|_| id));
                }
                Step::Touch(index, timeout) => {
                    let id = pick(&model, index);
                    let deadline = now + Duration::from_secs(timeout);
                    let touched = held.touch(Guid::from_u64(id), deadline, LONGEST);
                    prop_assert_eq!(touched, model.contains_key(&id));
                    if let Some(expected) = model.get_mut(&id) {
                        expected.deadline = deadline.min(expected.delivered_at + LONGEST);
                    }
                }
                Step::Pass(seconds) => {
                    now = now + Duration::from_secs(seconds);
                    let mut expired = Vec::new();
                    while let Some(message) = held.pop_expired(now) {
                        expired.push(message.id.as_u64());
                    }
                    expired.sort_unstable();
                    let is_due = |held: &Expected| held.deadline <= now;
                    let due: Vec<_> = model.iter().filter(|(_, held)| is_due(held)).map(|(id, _)| *id).collect();
                    prop_assert_eq!(expired, due);
                    model.retain(|_, held| !is_due(held));
                }
                Step::Absorb => {
                    let mut other = InFlight::default();
                    other.absorb(std::mem::take(&mut held));
                    held = other;
                }
                Step::TakeAll => {
                    let mut all: Vec<_> = held.take_all().iter().map(|message| message.id.as_u64()).collect();
                    all.sort_unstable();
                    prop_assert_eq!(all, model.keys().copied().collect::<Vec<_>>());
                    model.clear();
                }
                Step::Shrink => held.shrink(),
            }
            prop_assert_eq!(held.len(), model.len());
            prop_assert_eq!(held.next_deadline(), earliest(&model));
            prop_assert!(model.keys().all(|id| held.contains(Guid::from_u64(*id))));
        }
    }
}

/// One of the ids that are held, or one that is not.
fn pick(model: &BTreeMap<u64, Expected>, index: u64) -> u64 {
    let index = usize::try_from(index).unwrap();
    model.keys().nth(index).copied().unwrap_or(index as u64)
}
