//! What nsqd says about itself in `GET /stats?format=json`.

use serde_json::Value;

use crate::nsqd::Nsqd;
use crate::poll;

impl Nsqd {
    /// All statistics now.
    #[track_caller]
    pub fn stats(&self) -> Value {
        self.http().get("/stats?format=json").expect_json(200)
    }

    /// Waits until the statistics of a topic have all of these fields, and returns them.
    #[track_caller]
    pub fn await_topic(&self, topic: &str, fields: &Value) -> Value {
        poll::until(|| with_fields(find_topic(&self.stats(), topic), topic, fields))
    }

    /// Waits until the statistics of a channel have all of these fields, and returns them.
    #[track_caller]
    pub fn await_channel(&self, topic: &str, channel: &str, fields: &Value) -> Value {
        poll::until(|| with_fields(find_channel(&self.stats(), topic, channel), channel, fields))
    }

    /// Waits until there is no such topic.
    #[track_caller]
    pub fn await_no_topic(&self, topic: &str) {
        poll::until(|| without(find_topic(&self.stats(), topic), topic));
    }

    /// Waits until there is no such channel.
    #[track_caller]
    pub fn await_no_channel(&self, topic: &str, channel: &str) {
        poll::until(|| without(find_channel(&self.stats(), topic, channel), channel));
    }

    /// Waits until `look` is satisfied with the statistics, for conditions that are not about equal fields.
    #[track_caller]
    pub fn await_stats<T>(&self, mut look: impl FnMut(&Value) -> Option<T>) -> T {
        poll::until(|| {
            let stats = self.stats();
            look(&stats).ok_or_else(|| format!("the statistics are {stats:#}"))
        })
    }

    /// Waits until `nsqd.dat` has exactly this content.
    #[track_caller]
    pub fn await_metadata(&self, expected: &str) {
        poll::until(|| {
            let path = self.setup().data_path().join("nsqd.dat");
            let found = std::fs::read_to_string(&path).unwrap_or_default();
            if found == expected {
                Ok(())
            } else {
                Err(format!("nsqd.dat is {found}, expected {expected}"))
            }
        });
    }
}

/// The statistics of one topic.
pub(crate) fn find_topic(stats: &Value, topic: &str) -> Option<Value> {
    find(stats, "topics", "topic_name", topic)
}

/// The statistics of one channel.
pub(crate) fn find_channel(stats: &Value, topic: &str, channel: &str) -> Option<Value> {
    find(&find_topic(stats, topic)?, "channels", "channel_name", channel)
}

fn find(within: &Value, list: &str, key: &str, name: &str) -> Option<Value> {
    within
        .get(list)?
        .as_array()?
        .iter()
        .find(|entry| entry.get(key).is_some_and(|found| found == name))
        .cloned()
}

fn with_fields(found: Option<Value>, name: &str, fields: &Value) -> Result<Value, String> {
    let Some(found) = found else {
        return Err(format!("there is no {name}"));
    };
    let wanted = fields.as_object().expect("the fields are an object");
    if wanted.iter().all(|(key, value)| found.get(key) == Some(value)) {
        Ok(found)
    } else {
        Err(format!("{name} should have {fields}, but is {found:#}"))
    }
}

fn without(found: Option<Value>, name: &str) -> Result<(), String> {
    match found {
        None => Ok(()),
        Some(found) => Err(format!("{name} should be gone, but is {found:#}")),
    }
}
