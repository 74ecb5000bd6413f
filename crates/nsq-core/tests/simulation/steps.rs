//! What happens next, at random.

use std::time::Duration;

use nsq_testkit::storage::{EIO, EMFILE, ENOSPC, Operation};

use crate::coverage::Reached;
use crate::model::ChannelModel;
use crate::world::World;

const TOPICS: &[&str] = &["t0", "t1", "e0#ephemeral"];
const CHANNELS: &[&str] = &["c0", "c1", "sampled", "x#ephemeral"];

impl World {
    /// A whole life: random steps, then everything is delivered and finished.
    pub(crate) fn run(&mut self, steps: usize) {
        self.create_topic("t0");
        for _ in 0..steps {
            self.step();
            self.drain_events();
            self.check();
        }
        self.finish_all();
    }

    fn step(&mut self) {
        match self.rng.below(1000) {
            0..160 => self.publish_some(),
            160..200 => self.publish_deferred_one(),
            200..450 => self.run_some_client(),
            450..620 => {
                self.io_step();
            }
            620..760 => self.answer(),
            760..800 => self.change_client(),
            800..840 => self.subscribe_some(),
            840..850 => self.leave(),
            850..890 => {
                let millis = self.rng.pick(&[1, 100, 1_000, 5_000, 30_000]).unwrap();
                self.advance(Duration::from_millis(millis));
            }
            890..895 => self.step_wall_clock(),
            895..925 => self.settle(),
            925..930 => self.sync(),
            930..955 => self.operate(),
            955..968 => self.create(),
            968..982 => self.break_storage(),
            982..990 => self.heal(),
            990..995 => self.restart(),
            995..998 => self.crash(),
            _ => {
                self.heal();
                self.sync();
                self.crash();
            }
        }
    }

    fn some_topic(&mut self) -> String {
        (*self.rng.pick(TOPICS).unwrap()).to_owned()
    }

    fn some_channel(&mut self) -> String {
        (*self.rng.pick(CHANNELS).unwrap()).to_owned()
    }

    fn body_len(&mut self) -> usize {
        let max = self.rng.pick(&[1, 30, 30, 200, 2_000]).unwrap();
        self.rng.index(max)
    }

    fn publish_some(&mut self) {
        let topic = self.some_topic();
        let count = self.rng.pick(&[1, 1, 2, 7, 30]).unwrap();
        let lens: Vec<_> = match self.rng.below(100) {
            // More than the pump moves at once.
            0 => (0..300).map(|_| self.body_len()).collect(),
            // More than is handed out without being read back, and more than one read brings.
            1 if self.setup.is_heavy => vec![1; 1_200],
            2 if self.setup.is_heavy => vec![2_000; 300],
            _ => (0..count).map(|_| self.body_len()).collect(),
        };
        self.publish(&topic, &lens, 0);
    }

    fn publish_deferred_one(&mut self) {
        let topic = self.some_topic();
        if self.can_defer(&topic) {
            let len = self.body_len();
            let defer_ms = self.rng.pick(&[1, 100, 5_000, 60_000]).unwrap();
            self.publish(&topic, &[len], defer_ms);
        }
    }

    fn run_some_client(&mut self) {
        let runnable: Vec<_> = (0..self.clients.len())
            .filter(|index| self.clients[*index].is_runnable())
            .collect();
        if let Some(index) = self.rng.pick(&runnable) {
            self.run_client(index);
        }
    }

    fn some_client(&mut self) -> Option<usize> {
        (!self.clients.is_empty()).then(|| self.rng.index(self.clients.len()))
    }

    /// FIN, REQ or TOUCH, of a run of messages as a session would execute them.
    fn answer(&mut self) {
        let Some(index) = self.some_client() else { return };
        if self.rng.chance(10) {
            let others: Vec<_> = self.clients.iter().flat_map(|client| &client.held).collect();
            let others: Vec<_> = others.iter().map(|held| held.id).collect();
            let known: Vec<_> = self.messages.iter().filter_map(|info| info.id).collect();
            let ids = if self.rng.chance(50) { others } else { known };
            if let Some(id) = self.rng.pick(&ids) {
                self.answer_wrongly(index, id);
            }
            return;
        }
        for _ in 0..self.rng.pick(&[1, 1, 3, 20]).unwrap() {
            let held = self.clients[index].held.len();
            if held == 0 {
                return;
            }
            let which = if self.rng.chance(70) {
                0
            } else {
                self.rng.index(held)
            };
            match self.rng.below(10) {
                0..7 => self.finish(index, which),
                7 => self.requeue(index, which, Duration::ZERO),
                8 => {
                    let millis = self.rng.pick(&[1, 100, 5_000, 60_000]).unwrap();
                    self.requeue(index, which, Duration::from_millis(millis));
                }
                _ => self.touch(index, which),
            }
        }
    }

    fn change_client(&mut self) {
        let Some(index) = self.some_client() else { return };
        if self.rng.chance(60) {
            self.change_ready(index);
        } else {
            self.clients[index].is_blocked = self.rng.chance(40);
        }
    }

    fn change_ready(&mut self, index: usize) {
        let ready = self.rng.pick(&[0, 1, 1, 2, 10, 2_500]).unwrap();
        let client = &mut self.clients[index];
        client.subscription.set_ready(ready);
        client.may_take = true;
    }

    fn subscribe_some(&mut self) {
        if self.clients.len() < 12 {
            let (topic, channel) = (self.some_topic(), self.some_channel());
            self.create_topic(&topic);
            let clients = self.clients.len();
            self.subscribe(&topic, &channel);
            if self.clients.len() > clients && self.rng.chance(80) {
                self.change_ready(clients);
            }
        }
    }

    fn leave(&mut self) {
        if let Some(index) = self.some_client() {
            self.drop_client(index);
        }
    }

    fn step_wall_clock(&mut self) {
        let hours = self.rng.pick(&[-24, -1, 1, 24]).unwrap();
        self.trace(format!("wall clock steps by {hours} hours"));
        self.clock.step_wall(hours * 3_600_000_000_000);
        let channels = self
            .topics
            .values_mut()
            .flat_map(|topic| topic.channels.values_mut());
        channels.for_each(ChannelModel::blur_deferred);
        self.coverage.note_if(hours < 0, Reached::WallClockSteppedBack);
        self.coverage.note_if(hours > 0, Reached::WallClockSteppedForward);
    }

    fn operate(&mut self) {
        let (topic, channel) = (self.some_topic(), self.some_channel());
        match self.rng.below(12) {
            0..2 => self.delete_channel(&topic, &channel),
            2 => self.delete_topic(&topic),
            3..5 => self.empty_channel(&topic, &channel),
            5 => self.empty_topic(&topic),
            6..9 => self.toggle_channel_pause(&topic, &channel),
            _ => self.toggle_topic_pause(&topic),
        }
    }

    fn create(&mut self) {
        let (topic, channel) = (self.some_topic(), self.some_channel());
        self.create_topic(&topic);
        if self.rng.chance(70) {
            self.create_channel(&topic, &channel);
        }
    }

    fn break_storage(&mut self) {
        let fault = self.rng.below(9);
        let times = self.rng.pick(&[1, 1, 3, 1_000]).unwrap();
        let skip = self.rng.pick(&[0, 0, 1, 5]).unwrap();
        self.trace(format!("storage fault {fault}, {times} times after {skip}"));
        self.is_faulty = true;
        self.is_calm = false;
        let storage = &self.storage;
        match fault {
            0 => storage.fail(Operation::Write, "", skip, times, ENOSPC),
            1 => storage.fail(Operation::Write, "", skip, times, EIO),
            2 => storage.fail(Operation::Open, "", skip, times, EMFILE),
            3 => storage.fail(Operation::Read, "", skip, times, EIO),
            4 => storage.fail(Operation::Sync, "", skip, times, EIO),
            5 => storage.fail(Operation::Rename, "", skip, times, EIO),
            6 => storage.fail(Operation::Remove, "", skip, times, EIO),
            7 => storage.limit_bytes(storage.bytes_used() + self.rng.below(2_000)),
            _ => storage.limit_handles(storage.handles()),
        }
        self.has_leftovers |= fault == 6;
        self.coverage.note_if(fault == 3, Reached::FailedRead);
    }

    /// Heals everything and consumes until nothing is left: whoever is owed a message gets it.
    fn finish_all(&mut self) {
        self.trace("finish all".to_owned());
        self.heal();
        let paused: Vec<_> = self
            .topics
            .iter()
            .filter(|(_, topic)| topic.is_paused)
            .map(|(name, _)| name.clone())
            .collect();
        for topic in paused {
            self.toggle_topic_pause(&topic);
        }
        let channels: Vec<_> = self
            .topics
            .iter()
            .flat_map(|(topic, model)| {
                let channels = model.channels.iter();
                channels.map(|(name, channel)| (topic.clone(), name.clone(), channel.is_paused))
            })
            .collect();
        for (topic, channel, is_paused) in channels {
            if is_paused {
                self.toggle_channel_pause(&topic, &channel);
            }
            self.subscribe(&topic, &channel);
        }
        for client in &mut self.clients {
            client.is_blocked = false;
            client.subscription.set_ready(50);
            client.may_take = true;
        }
        for _ in 0..10_000 {
            self.settle();
            let is_idle = self.clients.iter().all(|client| client.held.is_empty());
            for index in 0..self.clients.len() {
                while !self.clients[index].held.is_empty() {
                    self.finish(index, 0);
                }
            }
            self.check();
            if is_idle {
                if self.is_drained() {
                    break;
                }
                self.advance(Duration::from_secs(10));
            }
        }
        self.check_all_delivered();
    }

    fn is_drained(&self) -> bool {
        let mut channels = self.topics.values().flat_map(|topic| topic.channels.values());
        channels.all(|channel| {
            let snapshot = channel.handle.snapshot(false);
            snapshot.depth + snapshot.in_flight_count + snapshot.deferred_count == 0
        })
    }

    fn check_all_delivered(&self) {
        assert!(self.is_drained(), "messages are left that nobody gets");
        for (name, topic) in &self.topics {
            for channel in topic.channels.values() {
                let Some(first) = channel.owed.first() else {
                    continue;
                };
                panic!(
                    "{} accepted messages never reached {name}:{}: {first} is the first",
                    channel.owed.len(),
                    channel.handle.name()
                );
            }
            assert!(
                topic.channels.is_empty() || topic.handle.snapshot(false, |_| false).depth == 0,
                "messages are left in {name}"
            );
        }
    }
}
