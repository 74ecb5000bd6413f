//! On which nodes messages may be watched.

use nsq_client::Error;
use nsq_clusterinfo::wire::NodeStats;
use nsq_clusterinfo::{Asker, Scope};

use crate::snapshot::is_ephemeral;

/// Why messages are not watched on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// There is no other channel that is not ephemeral: watching could lose messages.
    NoDurableChannel,
    /// The node has not the topic, which watching would create.
    NoTopic,
    /// It wants TLS, and there is none.
    TlsRequired,
    /// It wants a secret, and there is none.
    AuthRequired,
    /// It does not answer, or refuses.
    Unreachable(String),
}

impl Reason {
    pub(crate) fn of(error: &Error) -> Self {
        let text = error.to_string();
        match error {
            Error::AuthRequired | Error::Auth(_) => Self::AuthRequired,
            _ if text.to_lowercase().contains("tls required") => Self::TlsRequired,
            _ => Self::Unreachable(text),
        }
    }

    /// For programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoDurableChannel => "NO_DURABLE_CHANNEL",
            Self::NoTopic => "TOPIC_NOT_FOUND",
            Self::TlsRequired => "TLS_REQUIRED",
            Self::AuthRequired => "AUTH_REQUIRED",
            Self::Unreachable(_) => "UPSTREAM_ERROR",
        }
    }

    /// For people.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::NoDurableChannel => {
                "It has no channel there that stays: the messages of the topic would all go into \
                 the channel of the viewer, and be lost with it."
                    .to_owned()
            }
            Self::NoTopic => "The topic is not there.".to_owned(),
            Self::TlsRequired => "It requires TLS: see --nsqd-tls.".to_owned(),
            Self::AuthRequired => "It requires authorization: see --nsqd-auth-secret-file.".to_owned(),
            Self::Unreachable(error) => error.clone(),
        }
    }
}

/// Asks nodes whether it is safe to watch the messages of a topic.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) asker: Asker,
    pub(crate) topic: String,
}

impl Gate {
    /// # Errors
    /// It is not safe on the node with this HTTP address, or it does not say.
    pub(crate) async fn check(&self, address: &str) -> Result<(), Reason> {
        let scope = Scope {
            topic: &self.topic,
            ..Scope::default()
        };
        let stats = self.asker.get(&scope.url(address)).await;
        judge(
            &self.topic,
            &stats.map_err(|error| Reason::Unreachable(error.to_string()))?,
        )
    }
}

fn judge(topic: &str, stats: &NodeStats) -> Result<(), Reason> {
    let topic = stats
        .topics
        .iter()
        .find(|known| known.topic_name == topic)
        .ok_or(Reason::NoTopic)?;
    let has_durable = topic
        .channels
        .iter()
        .any(|channel| !is_ephemeral(&channel.channel_name));
    if has_durable {
        Ok(())
    } else {
        Err(Reason::NoDurableChannel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(channels: &str) -> Result<(), Reason> {
        let json = format!(r#"{{"topics":[{{"topic_name":"t","depth":1234,"channels":[{channels}]}}]}}"#);
        judge("t", &serde_json::from_str(&json).unwrap())
    }

    #[test]
    fn a_topic_without_a_channel_that_stays_is_not_watched() {
        assert_eq!(judged(""), Err(Reason::NoDurableChannel));
        assert_eq!(
            judged(r#"{"channel_name":"x#ephemeral"}"#),
            Err(Reason::NoDurableChannel)
        );
        let own = r#"{"channel_name":"nsqadmin-tail-1#ephemeral"}"#;
        assert_eq!(judged(own), Err(Reason::NoDurableChannel));
        assert_eq!(judged(&format!(r#"{own},{{"channel_name":"archive"}}"#)), Ok(()));
    }

    #[test]
    fn watching_never_creates_a_topic() {
        assert_eq!(judge("t", &NodeStats::default()), Err(Reason::NoTopic));
    }
}
