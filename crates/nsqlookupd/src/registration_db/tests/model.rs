//! The database against a model that is too simple to be wrong: sets of lines, scanned for everything.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const PRODUCERS: [&str; 3] = ["a", "b", "c"];
const NAMES: [&str; 8] = [
    "t",
    "t:c",
    "t:d",
    "t:e#ephemeral",
    "u",
    "u:c",
    "v#ephemeral",
    "v#ephemeral:c",
];

#[derive(Clone, Debug)]
enum Step {
    Connect(usize),
    Disconnect(usize),
    Register(usize, &'static str),
    Unregister(usize, &'static str),
    Create(&'static str),
    Delete(&'static str),
    Tombstone(usize, &'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..PRODUCERS.len();
    let what = || select(&NAMES[..]);
    prop_oneof![
        1 => who.clone().prop_map(Step::Connect),
        1 => who.clone().prop_map(Step::Disconnect),
        5 => (who.clone(), what()).prop_map(|(who, what)| Step::Register(who, what)),
        3 => (who.clone(), what()).prop_map(|(who, what)| Step::Unregister(who, what)),
        1 => what().prop_map(Step::Create),
        1 => what().prop_map(Step::Delete),
        1 => (who, what()).prop_map(|(who, what)| Step::Tombstone(who, what)),
    ]
}

/// Topics are `t`, channels `t:c`.
#[derive(Default)]
struct Model {
    names: BTreeSet<String>,
    /// Who has what.
    held: BTreeSet<(String, usize)>,
    tombstones: BTreeSet<(String, usize)>,
    connected: BTreeSet<usize>,
}

impl Model {
    fn is_in(name: &str, topic: &str) -> bool {
        name == topic || name.starts_with(&format!("{topic}:"))
    }

    fn topic_of(name: &str) -> &str {
        name.split(':').next().unwrap()
    }

    fn create(&mut self, name: &str) {
        self.names.insert(Self::topic_of(name).to_owned());
        self.names.insert(name.to_owned());
    }

    /// Removes a name and, of a topic, everything in it.
    fn remove(&mut self, name: &str) {
        self.names.retain(|it| !Self::is_in(it, name));
        self.held.retain(|(it, _)| !Self::is_in(it, name));
        self.tombstones.retain(|(it, _)| !Self::is_in(it, name));
    }

    fn give_up(&mut self, who: usize, name: &str) {
        let given_up: Vec<_> = self
            .held
            .iter()
            .filter(|(it, by)| *by == who && Self::is_in(it, name))
            .map(|(it, _)| it.clone())
            .collect();
        for it in &given_up {
            self.held.remove(&(it.clone(), who));
            self.tombstones.remove(&(it.clone(), who));
        }
        for it in given_up.iter().map(String::as_str).chain([name]) {
            if it.ends_with("#ephemeral") && !self.held.iter().any(|(held, _)| held == it) {
                self.remove(it);
            }
        }
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Connect(who) => {
                self.connected.insert(who);
            }
            Step::Disconnect(who) => {
                self.connected.remove(&who);
                for topic in NAMES.map(Self::topic_of) {
                    if self.held.contains(&(topic.to_owned(), who)) {
                        self.give_up(who, topic);
                    }
                }
            }
            Step::Register(who, what) if self.connected.contains(&who) => {
                self.create(what);
                self.held.insert((Self::topic_of(what).to_owned(), who));
                self.held.insert((what.to_owned(), who));
            }
            Step::Unregister(who, what) if self.connected.contains(&who) => self.give_up(who, what),
            Step::Register(..) | Step::Unregister(..) => {}
            Step::Create(what) => self.create(what),
            Step::Delete(what) => self.remove(what),
            Step::Tombstone(who, what) => {
                let entry = (Self::topic_of(what).to_owned(), who);
                if self.held.contains(&entry) {
                    self.tombstones.insert(entry);
                }
            }
        }
    }

    fn registrations(&self) -> Vec<String> {
        let show = |name: &str| {
            let holders = self.held.iter().filter(|(it, _)| it == name);
            let holders: Vec<_> = holders
                .map(|(_, who)| {
                    let is_tombstoned = self.tombstones.contains(&(name.to_owned(), *who));
                    PRODUCERS[*who].to_owned() + if is_tombstoned { "!" } else { "" }
                })
                .collect();
            (!holders.is_empty()).then(|| (name.to_owned(), holders))
        };
        let (channels, topics): (Vec<_>, Vec<_>) = self
            .names
            .iter()
            .filter_map(|name| show(name))
            .partition(|(name, _)| name.contains(':'));
        let clients: Vec<_> = self
            .connected
            .iter()
            .map(|who| PRODUCERS[*who].to_owned())
            .collect();
        let channels = channels
            .into_iter()
            .map(|(name, holders)| (format!("channel:{name}"), holders));
        let clients = [("client::".to_owned(), clients)]
            .into_iter()
            .filter(|(_, it)| !it.is_empty());
        let topics = topics
            .into_iter()
            .map(|(name, holders)| (format!("topic:{name}:"), holders));
        channels.chain(clients).chain(topics).map(line).collect()
    }
}

/// Producers sorted: the database has them in the order in which they connected.
fn line((key, mut holders): (String, Vec<String>)) -> String {
    holders.sort();
    format!("{key} {}", holders.join(" "))
}

fn sorted(shown: Vec<String>) -> Vec<String> {
    let split = |it: String| {
        let mut words = it.split(' ').map(str::to_owned);
        (words.next().unwrap(), words.collect())
    };
    shown.into_iter().map(|it| line(split(it))).collect()
}

fn names(scene: &Scene) -> BTreeSet<String> {
    let topics = scene.topics();
    let channels = topics.iter().flat_map(|topic| {
        let channels = scene.channels(topic).into_iter();
        channels.map(move |channel| format!("{topic}:{channel}"))
    });
    channels
        .collect::<Vec<_>>()
        .into_iter()
        .chain(topics.clone())
        .collect()
}

proptest! {
    #[test]
    fn the_database_agrees_with_the_model_after_every_step(steps in vec(step(), 1..60)) {
        let scene = Scene::new();
        let mut model = Model::default();
        let mut ids = [None; PRODUCERS.len()];
        for step in steps {
            model.apply(&step);
            match step {
                Step::Connect(who) => {
                    ids[who].get_or_insert_with(|| scene.add(PRODUCERS[who]));
                }
                Step::Disconnect(who) => {
                    if let Some(id) = ids[who].take() {
                        scene.withdraw(id);
                    }
                }
                Step::Register(who, what) => {
                    if let Some(id) = ids[who] {
                        scene.register(id, what).unwrap();
                    }
                }
                Step::Unregister(who, what) => {
                    if let Some(id) = ids[who] {
                        scene.unregister(id, what);
                    }
                }
                Step::Create(what) => scene.create(what).unwrap(),
                Step::Delete(what) => match what.split_once(':') {
                    Some((topic, channel)) => {
                        scene.db.delete_channel(topic, channel);
                    }
                    None => {
                        scene.db.delete_topic(what);
                    }
                },
                Step::Tombstone(who, what) => {
                    scene.db.tombstone(Model::topic_of(what), &format!("{}:4151", PRODUCERS[who]));
                }
            }
            scene.db.state.read().check();
            prop_assert_eq!(names(&scene), model.names.clone());
            prop_assert_eq!(sorted(scene.registrations()), model.registrations());
        }
    }
}
