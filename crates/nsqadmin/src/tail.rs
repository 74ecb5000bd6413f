//! Watching the messages of a topic without harm.
//!
//! A topic without channels keeps its messages, and the first channel gets them all. If that channel is ephemeral and its
//! consumer leaves, they are gone. So a session consumes through an ephemeral channel of its own, and on a node only
//! while another channel is there that is not ephemeral: then nsqd copies messages, and what the session does with its
//! copies harms nobody. That is asked before subscribing, right after it, and every [`RECHECK_INTERVAL`] from then on; when
//! the last other channel has gone, the session leaves the node at once. No session ever comes back to a node that it
//! has lost, because that could create the topic anew.
//!
//! What remains is that somebody deletes the last other channel, and messages come in, within those seconds.

mod event;
mod gate;
mod session;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use nsq_runtime::{Clock, Shutdown, TaskGroup};
use parking_lot::Mutex;

pub(crate) use event::{Open, encoded};
pub(crate) use gate::{Gate, Reason};
pub(crate) use session::{Session, Source};

/// How often is looked whether another channel is still there.
pub(crate) const RECHECK_INTERVAL: Duration = Duration::from_secs(5);

/// How long a session lasts.
pub(crate) const LIFETIME: Duration = Duration::from_secs(600);

/// How long a session waits for somebody to look.
pub(crate) const VIEWER_PATIENCE: Duration = Duration::from_secs(15);

/// What channels of sessions begin with.
const CHANNEL_PREFIX: &str = "nsqadmin-tail-";

/// All sessions.
#[derive(Debug)]
pub(crate) struct Tails {
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    max: usize,
    tasks: TaskGroup,
    stop: Shutdown,
    clock: Clock,
}

impl Tails {
    /// No sessions, and never more than `max`.
    pub(crate) fn new(max: usize, clock: Clock, stop: Shutdown) -> Self {
        Self {
            sessions: Mutex::default(),
            max,
            tasks: TaskGroup::new("tails"),
            stop,
            clock,
        }
    }

    /// An id that nobody guesses.
    pub(crate) fn new_id() -> String {
        // The keys of a hasher are random, and differ from one to the next.
        format!(
            "{:08x}",
            RandomState::new().hash_one(CHANNEL_PREFIX) & 0xffff_ffff
        )
    }

    /// The channel of the session with this id.
    pub(crate) fn channel(id: &str) -> String {
        format!("{CHANNEL_PREFIX}{id}#ephemeral")
    }

    /// What stops one more session.
    pub(crate) fn stop_of_one(&self) -> Shutdown {
        self.stop.child()
    }

    /// Makes room for one more session: a user has one per topic, and a new one ends the old one. Whether there is room.
    pub(crate) fn make_room(&self, topic: &str, user: &str) -> bool {
        let mut sessions = self.sessions.lock();
        sessions.retain(|_, session| {
            let is_replaced = session.topic == topic && session.user == user;
            if is_replaced {
                session.stop();
            }
            !is_replaced && !session.has_ended()
        });
        sessions.len() < self.max
    }

    /// Takes in a session and runs it; `None` if there is no room any more.
    pub(crate) fn start(self: &Arc<Self>, session: Session) -> Option<Arc<Session>> {
        let session = Arc::new(session);
        {
            let mut sessions = self.sessions.lock();
            if sessions.len() >= self.max {
                return None;
            }
            sessions.insert(session.id.clone(), Arc::clone(&session));
        }
        let tails = Arc::clone(self);
        let running = Arc::clone(&session);
        self.tasks.spawn(async move {
            running.run(&tails.clock, &tails.stop).await;
            tails.sessions.lock().remove(&running.id);
        });
        Some(session)
    }

    /// The session with this id.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Session>> {
        self.sessions.lock().get(id).cloned()
    }

    /// Waits for the sessions after they were told to stop; how many are left.
    pub(crate) async fn wait(&self, patience: Duration) -> usize {
        self.tasks.wait(&self.clock, patience).await
    }
}
