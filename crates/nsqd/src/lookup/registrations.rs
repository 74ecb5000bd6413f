//! What a peer has registered, and what to tell it next.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;

use bytes::BufMut;
use nsq_protocol::lookup::{encode_register, encode_unregister};
use nsq_protocol::name::{ChannelName, TopicName};

use super::changes::Change;

/// A command that changes what nsqlookupd knows of this nsqd. Shows as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) verb: Verb,
    pub(super) topic: TopicName,
    /// `None` for the topic itself.
    pub(super) channel: Option<ChannelName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Register,
    Unregister,
}

impl Step {
    pub(super) fn encode(&self, buf: &mut impl BufMut) {
        let topic = self.topic.as_name_ref();
        let channel = self.channel.as_ref().map(ChannelName::as_name_ref);
        match self.verb {
            Verb::Register => encode_register(buf, topic, channel),
            Verb::Unregister => encode_unregister(buf, topic, channel),
        }
    }

    /// What it is about, as upstream's log calls it.
    pub(super) fn subject(&self) -> &'static str {
        if self.channel.is_some() {
            "channel"
        } else {
            "topic"
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.verb {
            Verb::Register => "REGISTER",
            Verb::Unregister => "UNREGISTER",
        };
        write!(f, "{verb} {}", self.topic)?;
        match &self.channel {
            Some(channel) => write!(f, " {channel}"),
            None => Ok(()),
        }
    }
}

/// What nsqlookupd knows of this nsqd through one connection: nothing when that is new.
#[derive(Debug, Default)]
pub(super) struct Registrations(BTreeMap<TopicName, BTreeSet<ChannelName>>);

impl Registrations {
    /// The topics that are registered.
    pub(super) fn topics(&self) -> impl Iterator<Item = &TopicName> {
        self.0.keys()
    }

    /// Appends the steps after which nsqlookupd knows a topic by its present `channels`, or not at all if
    /// there is no such topic; and takes them as done.
    ///
    /// A topic is registered along with its channels, and by itself only if it has none. One that goes is
    /// unregistered behind its channels: nsqlookupd forgets ephemeral ones only if they are named.
    pub(super) fn follow(
        &mut self,
        topic: &TopicName,
        change: Change,
        channels: Option<BTreeSet<ChannelName>>,
        steps: &mut Vec<Step>,
    ) {
        let mut step = |verb, channel: Option<&ChannelName>| {
            steps.push(Step {
                verb,
                topic: topic.clone(),
                channel: channel.cloned(),
            });
        };
        if (change == Change::Deleted || channels.is_none())
            && let Some(known) = self.0.remove(topic)
        {
            for channel in &known {
                step(Verb::Unregister, Some(channel));
            }
            step(Verb::Unregister, None);
        }
        let Some(channels) = channels else { return };
        match self.0.entry(topic.clone()) {
            Entry::Vacant(vacant) => {
                for channel in &channels {
                    step(Verb::Register, Some(channel));
                }
                if channels.is_empty() {
                    step(Verb::Register, None);
                }
                vacant.insert(channels);
            }
            Entry::Occupied(mut known) => {
                for gone in known.get().difference(&channels) {
                    step(Verb::Unregister, Some(gone));
                }
                for new in channels.difference(known.get()) {
                    step(Verb::Register, Some(new));
                }
                known.insert(channels);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn topic(name: &str) -> TopicName {
        TopicName::new(name).unwrap()
    }

    /// The commands that are sent when topic `t` changes like this; `None` for one that does not exist.
    fn steps(registrations: &mut Registrations, change: Change, channels: Option<&[&str]>) -> Vec<String> {
        let names = |names: &[&str]| names.iter().map(|name| ChannelName::new(name).unwrap()).collect();
        let mut steps = Vec::new();
        registrations.follow(&topic("t"), change, channels.map(names), &mut steps);
        steps.iter().map(Step::to_string).collect()
    }

    #[test]
    fn a_topic_is_registered_with_its_channels_or_alone() {
        let mut known = Registrations::default();
        assert_eq!(steps(&mut known, Change::Touched, Some(&[])), ["REGISTER t"]);
        assert_eq!(
            steps(&mut known, Change::Touched, Some(&["b", "a"])),
            ["REGISTER t a", "REGISTER t b"]
        );
        let mut fresh = Registrations::default();
        assert_eq!(
            steps(&mut fresh, Change::Touched, Some(&["a", "b"])),
            ["REGISTER t a", "REGISTER t b"]
        );
    }

    #[test]
    fn what_has_gone_is_unregistered_and_what_stays_is_not_mentioned() {
        let mut known = Registrations::default();
        steps(&mut known, Change::Touched, Some(&["a", "b"]));
        assert_eq!(
            steps(&mut known, Change::Touched, Some(&["b", "c"])),
            ["UNREGISTER t a", "REGISTER t c"]
        );
        assert_eq!(steps(&mut known, Change::Touched, Some(&["b", "c"])), [""; 0]);
        assert_eq!(
            steps(&mut known, Change::Touched, None),
            ["UNREGISTER t b", "UNREGISTER t c", "UNREGISTER t"]
        );
        assert_eq!(steps(&mut known, Change::Deleted, None), [""; 0]);
    }

    #[test]
    fn a_topic_that_was_deleted_and_made_again_is_registered_anew() {
        let mut known = Registrations::default();
        steps(&mut known, Change::Touched, Some(&["a"]));
        assert_eq!(
            steps(&mut known, Change::Deleted, Some(&["a"])),
            ["UNREGISTER t a", "UNREGISTER t", "REGISTER t a"]
        );
    }

    /// What nsqlookupd makes of the commands.
    fn apply(model: &mut BTreeMap<TopicName, BTreeSet<ChannelName>>, step: &Step) {
        match (step.verb, &step.channel) {
            (Verb::Register, channel) => {
                model
                    .entry(step.topic.clone())
                    .or_default()
                    .extend(channel.clone());
            }
            (Verb::Unregister, None) => {
                model.remove(&step.topic);
            }
            (Verb::Unregister, Some(channel)) => {
                let known = model.get_mut(&step.topic).expect("a registered topic");
                assert!(known.remove(channel), "{step} is not registered");
            }
        }
    }

    proptest! {
        #[test]
        fn nsqlookupd_knows_what_there_is_after_each_change(
            changes in proptest::collection::vec(
                (0..3_u8, any::<bool>(), proptest::option::of(proptest::collection::btree_set(0..4_u8, 0..4))),
                1..40,
            )
        ) {
            let (mut known, mut model) = (Registrations::default(), BTreeMap::new());
            for (number, deleted, names) in changes {
                let topic = topic(&format!("t{number}"));
                let change = if deleted { Change::Deleted } else { Change::Touched };
                let channels: Option<BTreeSet<_>> = names
                    .map(|names| names.iter().map(|name| ChannelName::new(format!("c{name}")).unwrap()).collect());
                let mut steps = Vec::new();
                known.follow(&topic, change, channels.clone(), &mut steps);
                for step in &steps {
                    apply(&mut model, step);
                }
                prop_assert_eq!(model.get(&topic), channels.as_ref());
                prop_assert_eq!(&model, &known.0);
            }
        }
    }
}
