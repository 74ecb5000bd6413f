//! What an authorization server answers.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, Serializer};

/// Who a client is, what it may do, and for how long that holds.
///
/// ```text
/// {"ttl":3600,"identity":"joe","identity_url":"http://x/joe",
///  "authorizations":[{"topic":"^a.*$","channels":[".*"],"permissions":["subscribe","publish"]}]}
/// ```
///
/// Upstream: internal/auth/authorizations.go, `State`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Answer {
    /// Seconds for which the answer holds, more than zero.
    #[serde(rename = "ttl")]
    pub ttl_s: u64,
    /// Who the client is, for people to read.
    pub identity: String,
    /// A page about that identity.
    pub identity_url: String,
    /// What the client may do; any one that fits suffices. None refuse the client altogether.
    pub authorizations: Vec<Authorization>,
}

/// What a client may do with some topics and channels.
///
/// The patterns are regular expressions in RE2's syntax and match *anywhere* in a name: a server that means
/// whole names writes `^` and `$`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Authorization {
    /// A pattern for topics.
    pub topic: String,
    /// Patterns for channels. To publish, one of them has to match the empty name.
    pub channels: Vec<String>,
    /// What is permitted there.
    pub permissions: Permissions,
}

/// What an [`Authorization`] permits. On the wire, an array of the words `subscribe` and `publish`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Permissions {
    /// To consume the channels.
    pub subscribe: bool,
    /// To publish to the topics.
    pub publish: bool,
}

impl Answer {
    /// Reads an answer as nsqd does. Unknown fields are ignored, `null` is as good as absent, and the names
    /// of fields may be in any case.
    ///
    /// # Errors
    /// [`AnswerError`]. One bad authorization spoils the whole answer.
    ///
    /// # Differs from upstream
    /// An authorization without a topic, and a channel that is `null`, are refused. Upstream takes them for
    /// empty patterns, which match every name.
    pub fn from_json(json: &[u8]) -> Result<Self, AnswerError> {
        // `null` is an answer in which everything is absent.
        let received = serde_json::from_slice::<Option<Fields<ReceivedAnswer>>>(json)
            .map_err(AnswerError::Json)?
            .map_or_else(ReceivedAnswer::default, |fields| fields.0);
        let authorizations = received
            .authorizations
            .into_iter()
            .map(|fields| fields.0.check())
            .collect::<Result<_, _>>()?;
        let ttl_s = u64::try_from(received.ttl)
            .ok()
            .filter(|ttl| *ttl > 0)
            .ok_or(AnswerError::Ttl(received.ttl))?;
        Ok(Self {
            ttl_s,
            identity: received.identity,
            identity_url: received.identity_url,
            authorizations,
        })
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut words = serializer.serialize_seq(None)?;
        if self.subscribe {
            words.serialize_element(SUBSCRIBE)?;
        }
        if self.publish {
            words.serialize_element(PUBLISH)?;
        }
        words.end()
    }
}

const SUBSCRIBE: &str = "subscribe";
const PUBLISH: &str = "publish";

/// Why an answer is refused. May show a part of what was received, which can be as long as the answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnswerError {
    /// It is not JSON of the right shape.
    Json(serde_json::Error),
    /// An authorization has no topic.
    NoTopic,
    /// A permission is neither `subscribe` nor `publish`.
    UnknownPermission(String),
    /// The time for which it holds is not positive.
    Ttl(i64),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::NoTopic => f.write_str("authorization without a topic"),
            Self::UnknownPermission(word) => write!(f, "unknown permission {word}"),
            Self::Ttl(ttl) => write!(f, "invalid TTL {ttl} (must be >0)"),
        }
    }
}

impl std::error::Error for AnswerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::NoTopic | Self::UnknownPermission(_) | Self::Ttl(_) => None,
        }
    }
}

/// An object whose fields are stored by their names in lower case.
trait Receive: Default {
    /// Takes the value of one field from `map`, which is at it.
    fn set<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

#[derive(Default)]
struct ReceivedAnswer {
    ttl: i64,
    identity: String,
    identity_url: String,
    authorizations: Vec<Fields<ReceivedAuthorization>>,
}

impl Receive for ReceivedAnswer {
    fn set<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "ttl" => store(&mut self.ttl, map),
            "identity" => store(&mut self.identity, map),
            "identity_url" => store(&mut self.identity_url, map),
            "authorizations" => store(&mut self.authorizations, map),
            _ => map.next_value::<IgnoredAny>().map(drop),
        }
    }
}

#[derive(Default)]
struct ReceivedAuthorization {
    topic: Option<String>,
    channels: Vec<String>,
    permissions: Vec<String>,
}

impl Receive for ReceivedAuthorization {
    fn set<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "topic" => {
                self.topic = map.next_value()?;
                Ok(())
            }
            "channels" => store(&mut self.channels, map),
            "permissions" => store(&mut self.permissions, map),
            _ => map.next_value::<IgnoredAny>().map(drop),
        }
    }
}

impl ReceivedAuthorization {
    fn check(self) -> Result<Authorization, AnswerError> {
        let mut permissions = Permissions::default();
        for word in self.permissions {
            match word.as_str() {
                SUBSCRIBE => permissions.subscribe = true,
                PUBLISH => permissions.publish = true,
                _ => return Err(AnswerError::UnknownPermission(word)),
            }
        }
        Ok(Authorization {
            topic: self.topic.ok_or(AnswerError::NoTopic)?,
            channels: self.channels,
            permissions,
        })
    }
}

/// Stores the value that `map` is at; `null` leaves `field` as it is.
fn store<'de, A, T>(field: &mut T, map: &mut A) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    T: Deserialize<'de>,
{
    if let Some(value) = map.next_value()? {
        *field = value;
    }
    Ok(())
}

/// Reads an object field by field, as Go does: names in any case, the last of equal ones counts.
struct Fields<T>(T);

impl<'de, T: Receive> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor(PhantomData))
    }
}

struct FieldsVisitor<T>(PhantomData<T>);

impl<'de, T: Receive> Visitor<'de> for FieldsVisitor<T> {
    type Value = Fields<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<T>, A::Error> {
        let mut received = T::default();
        while let Some(name) = map.next_key::<String>()? {
            let name = name.to_ascii_lowercase();
            received
                .set(&name, &mut map)
                .map_err(|error| A::Error::custom(format_args!("{name}: {error}")))?;
        }
        Ok(Fields(received))
    }
}

#[cfg(test)]
mod tests;
