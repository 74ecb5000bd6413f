//! The life of topics, channels and producers.

mod model;

use nsq_protocol::lookup::PeerInfo;
use nsq_runtime::ManualClock;

use super::*;

const INACTIVE: Duration = Duration::from_secs(300);
const TOMBSTONED: Duration = Duration::from_secs(45);
const TICK: Duration = Duration::from_nanos(1);

struct Scene {
    manual: ManualClock,
    db: RegistrationDb,
}

impl Scene {
    fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    fn with_limits(limits: Limits) -> Self {
        let manual = ManualClock::new();
        let visibility = Visibility {
            inactive_producer_timeout: INACTIVE,
            tombstone_lifetime: TOMBSTONED,
        };
        let db = RegistrationDb::new(visibility, limits, manual.clock());
        Self { manual, db }
    }

    fn producer(&self, name: &str) -> Arc<Producer> {
        let info = PeerInfo {
            broadcast_address: name.to_owned(),
            http_port: 4151,
            tcp_port: 4150,
            version: "1.3.0".to_owned(),
            ..PeerInfo::default()
        };
        Arc::new(Producer::new(name, info, &self.manual.clock()))
    }

    fn add(&self, name: &str) -> ProducerId {
        self.db.add(self.producer(name))
    }

    /// Registers `topic` or `topic:channel`.
    fn register(&self, id: ProducerId, what: &str) -> Result<Registered, Full> {
        let (topic, channel) = parse(what);
        self.db.register(id, topic, channel)
    }

    fn unregister(&self, id: ProducerId, what: &str) -> Unregistered {
        match parse(what) {
            (topic, None) => self.db.unregister_topic(id, topic),
            (topic, Some(channel)) => Unregistered {
                topic: false,
                channels: Vec::from_iter(
                    self.db
                        .unregister_channel(id, topic, channel)
                        .then(|| channel.to_owned()),
                ),
            },
        }
    }

    fn create(&self, what: &str) -> Result<(), Full> {
        let (topic, channel) = parse(what);
        self.db.create(topic, channel)
    }

    fn withdraw(&self, id: ProducerId) -> Vec<Withdrawn> {
        let mut all = Vec::new();
        while let Some(mut some) = self.db.withdraw(id) {
            self.db.state.read().check();
            all.append(&mut some);
        }
        all
    }

    fn topics(&self) -> Vec<String> {
        let page = self.db.topics(None);
        assert_eq!(page.next, None);
        page.items.iter().map(ToString::to_string).collect()
    }

    fn channels(&self, topic: &str) -> Vec<String> {
        let channels = self.db.channels(topic);
        channels.iter().map(ToString::to_string).collect()
    }

    /// The producers of a topic by name, if the topic is known.
    fn lookup(&self, topic: &str) -> Option<Vec<String>> {
        let lookup = self.db.lookup(topic)?;
        let names = lookup.producers.iter();
        Some(names.map(|it| it.remote_address().to_owned()).collect())
    }

    /// Every active producer with its topics, a `!` behind those it is tombstoned in.
    fn nodes(&self) -> Vec<String> {
        let mut shown = Vec::new();
        let mut after = None;
        loop {
            let page = self.db.nodes(after);
            for node in page.items {
                let topics = node.topics.iter().map(|(topic, is_tombstoned)| {
                    let mark = if *is_tombstoned { "!" } else { "" };
                    format!(" {topic}{mark}")
                });
                shown.push(node.producer.remote_address().to_owned() + &topics.collect::<String>());
            }
            after = page.next;
            if after.is_none() {
                return shown;
            }
        }
    }

    /// Every registration that has producers, in the words of `/debug`; a `!` behind tombstoned producers.
    fn registrations(&self) -> Vec<String> {
        let mut shown = Vec::new();
        let mut after = None;
        loop {
            let page = self.db.registrations(after.as_ref());
            for entry in page.items {
                let key = match entry.registration {
                    Registration::Channel(topic, channel) => format!("channel:{topic}:{channel}"),
                    Registration::Client => "client::".to_owned(),
                    Registration::Topic(topic) => format!("topic:{topic}:"),
                };
                let producers = entry.producers.iter().map(|(producer, tombstone)| {
                    let mark = if tombstone.is_some() { "!" } else { "" };
                    format!(" {}{mark}", producer.remote_address())
                });
                shown.push(key + &producers.collect::<String>());
            }
            after = page.next;
            if after.is_none() {
                return shown;
            }
        }
    }
}

fn parse(what: &str) -> (TopicRef<'_>, Option<ChannelRef<'_>>) {
    let (topic, channel) = match what.split_once(':') {
        Some((topic, channel)) => (topic, Some(channel)),
        None => (what, None),
    };
    (
        TopicRef::parse(topic.as_bytes()).unwrap(),
        channel.map(|channel| ChannelRef::parse(channel.as_bytes()).unwrap()),
    )
}

const ALL_NEW: Result<Registered, Full> = Ok(Registered {
    topic: true,
    channel: true,
});
const CHANNEL_NEW: Result<Registered, Full> = Ok(Registered {
    topic: false,
    channel: true,
});
const NOTHING_NEW: Result<Registered, Full> = Ok(Registered {
    topic: false,
    channel: false,
});

#[test]
fn registering_a_channel_registers_its_topic_and_again_changes_nothing() {
    let scene = Scene::new();
    let a = scene.add("a");
    assert_eq!(scene.register(a, "t:c"), ALL_NEW);
    assert_eq!(scene.register(a, "t:c"), NOTHING_NEW);
    assert_eq!(scene.register(a, "t"), NOTHING_NEW);
    assert_eq!(scene.register(a, "t:d"), CHANNEL_NEW);
    assert_eq!(
        scene.registrations(),
        ["channel:t:c a", "channel:t:d a", "client:: a", "topic:t: a"]
    );
    assert_eq!(scene.lookup("t").unwrap(), ["a"]);
    assert_eq!(scene.nodes(), ["a t"]);
}

#[test]
fn giving_up_a_channel_leaves_the_topic_and_the_name_of_the_channel() {
    let scene = Scene::new();
    let a = scene.add("a");
    scene.register(a, "t:c").unwrap();
    assert_eq!(scene.unregister(a, "t:c").channels.len(), 1);
    assert_eq!(scene.unregister(a, "t:c").channels.len(), 0);
    assert_eq!(scene.registrations(), ["client:: a", "topic:t: a"]);
    assert_eq!(scene.channels("t"), ["c"]);
}

#[test]
fn giving_up_a_topic_gives_up_its_channels_and_keeps_all_names() {
    let scene = Scene::new();
    let (a, b) = (scene.add("a"), scene.add("b"));
    scene.register(a, "t:c").unwrap();
    scene.register(b, "t:d").unwrap();
    let unregistered = scene.unregister(a, "t");
    assert!(unregistered.topic);
    assert_eq!(
        unregistered.channels.iter().map(|it| &**it).collect::<Vec<_>>(),
        ["c"]
    );
    assert_eq!(scene.unregister(a, "t"), Unregistered::default());
    assert_eq!(scene.unregister(a, "nope"), Unregistered::default());
    assert_eq!(scene.channels("t"), ["c", "d"]);
    assert_eq!(scene.lookup("t").unwrap(), ["b"]);
    assert_eq!(scene.nodes(), ["a", "b t"]);
}

#[test]
fn names_stay_when_their_last_producer_goes() {
    let scene = Scene::new();
    let a = scene.add("a");
    scene.register(a, "t:c").unwrap();
    scene.withdraw(a);
    assert_eq!(scene.topics(), ["t"]);
    assert_eq!(scene.channels("t"), ["c"]);
    assert_eq!(scene.lookup("t").unwrap(), [""; 0]);
    assert_eq!(scene.registrations(), [""; 0]);
}

#[test]
fn an_ephemeral_channel_goes_with_its_last_producer() {
    let scene = Scene::new();
    let (a, b) = (scene.add("a"), scene.add("b"));
    scene.register(a, "t:c#ephemeral").unwrap();
    scene.register(b, "t:c#ephemeral").unwrap();
    scene.unregister(a, "t:c#ephemeral");
    assert_eq!(scene.channels("t"), ["c#ephemeral"]);
    scene.unregister(b, "t:c#ephemeral");
    assert_eq!(scene.channels("t"), [""; 0]);
}

#[test]
fn an_ephemeral_channel_nobody_has_goes_when_anyone_gives_it_up() {
    let scene = Scene::new();
    scene.create("t:c#ephemeral").unwrap();
    let a = scene.add("a");
    assert_eq!(scene.unregister(a, "t:c#ephemeral").channels.len(), 0);
    assert_eq!(scene.channels("t"), [""; 0]);
}

#[test]
fn an_ephemeral_topic_goes_with_its_last_producer_and_takes_its_channels_along() {
    let scene = Scene::new();
    let (a, b) = (scene.add("a"), scene.add("b"));
    scene.register(a, "t#ephemeral:c").unwrap();
    scene.register(b, "t#ephemeral").unwrap();
    scene.unregister(a, "t#ephemeral");
    assert_eq!(scene.topics(), ["t#ephemeral"]);
    scene.unregister(b, "t#ephemeral");
    assert_eq!(scene.topics(), [""; 0]);
    assert_eq!(scene.channels("t#ephemeral"), [""; 0]);
}

#[test]
fn what_is_ephemeral_goes_with_the_connection_of_its_last_producer() {
    let scene = Scene::new();
    let a = scene.add("a");
    for what in ["e#ephemeral:c", "t:c#ephemeral", "t:d"] {
        scene.register(a, what).unwrap();
    }
    let withdrawn = scene.withdraw(a);
    let withdrawn: Vec<_> = withdrawn
        .iter()
        .map(|it| format!("{} {:?}", it.topic, it.channels))
        .collect();
    assert_eq!(withdrawn, [r#"e#ephemeral ["c"]"#, r#"t ["c#ephemeral", "d"]"#]);
    assert_eq!(scene.topics(), ["t"]);
    assert_eq!(scene.channels("t"), ["d"]);
    assert_eq!(scene.nodes(), [""; 0]);
}

#[test]
fn a_created_ephemeral_topic_waits_for_its_first_producer() {
    let scene = Scene::new();
    scene.create("e#ephemeral:c").unwrap();
    let a = scene.add("a");
    scene.register(a, "t").unwrap();
    scene.withdraw(a);
    assert_eq!(scene.topics(), ["e#ephemeral", "t"]);
}

#[test]
fn a_deleted_topic_is_back_only_when_it_is_registered_again() {
    let scene = Scene::new();
    let a = scene.add("a");
    scene.register(a, "t:c").unwrap();
    scene.db.tombstone("t", "a:4151");
    assert_eq!(scene.db.delete_topic("t").unwrap().len(), 1);
    assert_eq!(scene.db.delete_topic("t"), None);
    assert_eq!(scene.lookup("t"), None);
    assert_eq!(scene.nodes(), ["a"]);
    assert_eq!(scene.unregister(a, "t"), Unregistered::default());

    assert_eq!(scene.register(a, "t:c"), ALL_NEW);
    assert_eq!(scene.lookup("t").unwrap(), ["a"]);
}

#[test]
fn a_deleted_channel_leaves_its_producers_in_the_topic() {
    let scene = Scene::new();
    let a = scene.add("a");
    scene.register(a, "t:c").unwrap();
    assert!(scene.db.delete_channel("t", "c"));
    assert!(!scene.db.delete_channel("t", "c"));
    assert!(!scene.db.delete_channel("nope", "c"));
    assert_eq!(scene.registrations(), ["client:: a", "topic:t: a"]);
}

#[test]
fn a_tombstone_hides_a_producer_from_lookups_of_one_topic_for_its_lifetime() {
    let scene = Scene::new();
    let (a, b) = (scene.add("a"), scene.add("b"));
    for id in [a, b] {
        scene.register(id, "t").unwrap();
        scene.register(id, "u").unwrap();
    }
    scene.db.tombstone("t", "a:4151");
    scene.db.tombstone("nope", "b:4151");
    assert_eq!(scene.lookup("t").unwrap(), ["b"]);
    assert_eq!(scene.lookup("u").unwrap(), ["a", "b"]);
    assert_eq!(scene.nodes(), ["a t! u", "b t u"]);

    scene.manual.advance(TOMBSTONED.saturating_sub(TICK));
    assert_eq!(scene.lookup("t").unwrap(), ["b"]);
    scene.manual.advance(TICK);
    assert_eq!(scene.lookup("t").unwrap(), ["a", "b"]);
    assert_eq!(scene.nodes(), ["a t u", "b t u"]);
    assert_eq!(
        scene.registrations(),
        ["client:: a b", "topic:t: a! b", "topic:u: a b"]
    );
}

#[test]
fn registering_again_keeps_a_tombstone_and_a_new_registration_has_none() {
    let scene = Scene::new();
    let a = scene.add("a");
    scene.register(a, "t").unwrap();
    scene.db.tombstone("t", "a:4151");
    assert_eq!(scene.register(a, "t"), NOTHING_NEW);
    assert_eq!(scene.lookup("t").unwrap(), [""; 0]);

    scene.unregister(a, "t");
    scene.register(a, "t").unwrap();
    assert_eq!(scene.lookup("t").unwrap(), ["a"]);
    assert_eq!(scene.registrations(), ["client:: a", "topic:t: a"]);
}

#[test]
fn a_producer_is_hidden_while_it_is_inactive_and_its_channels_are_not() {
    let scene = Scene::new();
    let producer = scene.producer("a");
    let a = scene.db.add(Arc::clone(&producer));
    scene.register(a, "t:c").unwrap();
    scene.manual.advance(INACTIVE + TICK);
    let lookup = scene.db.lookup("t").unwrap();
    assert_eq!((lookup.channels.len(), lookup.producers.len()), (1, 0));
    assert_eq!(scene.nodes(), [""; 0]);
    assert_eq!(
        scene.registrations(),
        ["channel:t:c a", "client:: a", "topic:t: a"]
    );

    producer.touch(&scene.manual.clock());
    assert_eq!(scene.lookup("t").unwrap(), ["a"]);
    assert_eq!(scene.nodes(), ["a t"]);
}

#[test]
fn a_producer_that_is_not_there_registers_nothing() {
    let scene = Scene::new();
    let a = scene.add("a");
    scene.withdraw(a);
    assert_eq!(scene.register(a, "t:c"), NOTHING_NEW);
    assert_eq!(scene.topics(), [""; 0]);
    assert_eq!(scene.db.withdraw(a), None);
}

#[test]
fn a_full_database_refuses_what_is_new_and_keeps_working() {
    let scene = Scene::with_limits(Limits {
        names_max: 3,
        registrations_max: 3,
        total_registrations_max: 5,
    });
    let (a, b) = (scene.add("a"), scene.add("b"));
    scene.register(a, "t:c").unwrap();
    assert_eq!(scene.register(a, "u:d"), Err(Full::Registrations));
    assert_eq!(scene.create("u:d"), Err(Full::Names));
    scene.create("u").unwrap();
    assert_eq!(scene.create("v"), Err(Full::Names));
    assert_eq!(scene.create("t:c"), Ok(()));
    scene.register(a, "u").unwrap();
    assert_eq!(scene.register(a, "u:d"), Err(Full::Registrations));

    assert_eq!(scene.register(b, "v"), Err(Full::Names));
    scene.register(b, "t:c").unwrap();
    assert_eq!(scene.register(b, "u"), Err(Full::TotalRegistrations));
    assert_eq!(scene.register(b, "t:c"), NOTHING_NEW);
    assert_eq!(scene.nodes(), ["a t u", "b t"]);

    scene.db.delete_topic("u");
    assert_eq!(scene.register(a, "t:d"), CHANNEL_NEW);
}

#[test]
fn long_listings_are_whole_over_all_their_pages() {
    let scene = Scene::new();
    let names: Vec<_> = (0..5000).map(|i| format!("t{i:04}")).collect();
    let (a, b) = (scene.add("a"), scene.add("b"));
    for name in &names {
        scene.register(a, &format!("{name}:c")).unwrap();
    }
    scene.register(b, "t0000").unwrap();

    let mut topics = Vec::new();
    let mut after = None;
    loop {
        let page = scene.db.topics(after.as_ref());
        topics.extend(page.items.iter().map(ToString::to_string));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(topics, names);
    assert_eq!(
        scene.nodes(),
        [format!("a {}", names.join(" ")), "b t0000".to_owned()]
    );

    let channels = names.iter().map(|name| format!("channel:{name}:c a"));
    let expected: Vec<_> = channels
        .chain(["client:: a b".to_owned(), "topic:t0000: a b".to_owned()])
        .chain(names.iter().skip(1).map(|name| format!("topic:{name}: a")))
        .collect();
    assert_eq!(scene.registrations(), expected);
    assert_eq!(scene.withdraw(a).len(), 5000);
    assert_eq!(scene.nodes(), ["b t0000"]);
}
