//! What nsqd asks.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{Secret, form};

/// Who wants to be let in, as far as nsqd knows.
///
/// | parameter | value |
/// |---|---|
/// | `common_name` | of the client's certificate; empty without one |
/// | `remote_ip` | the client's address; empty for a unix socket |
/// | `secret` | the body of AUTH |
/// | `tls` | `true` or `false` |
///
/// All four are always sent, in this order. By GET they are the [query string](Self::to_query); by POST they
/// are a JSON object, which is what this serializes to, and in which each value is an array of one string.
///
/// Upstream: internal/auth/authorizations.go, `QueryAuthd`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// The common name of the certificate that the client presented, empty if it did not.
    pub common_name: String,
    /// Where the client connects from, without its port; empty for a unix socket.
    pub remote_ip: String,
    /// What the client presented.
    pub secret: Secret,
    /// Whether the client's connection is encrypted.
    pub tls: bool,
}

const COMMON_NAME: &str = "common_name";
const REMOTE_IP: &str = "remote_ip";
const SECRET: &str = "secret";
const TLS: &str = "tls";

impl Question {
    /// The question as a query string, without a `?`.
    pub fn to_query(&self) -> String {
        let mut query = String::with_capacity(64 + self.secret.reveal().len());
        for (name, value) in self.parameters() {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
            form::escape(value, &mut query);
        }
        query
    }

    fn parameters(&self) -> [(&'static str, &[u8]); 4] {
        [
            (COMMON_NAME, self.common_name.as_bytes()),
            (REMOTE_IP, self.remote_ip.as_bytes()),
            (SECRET, self.secret.reveal()),
            (TLS, if self.tls { b"true" } else { b"false" }),
        ]
    }

    /// Reads a query string, or the body of an HTML form.
    ///
    /// # Errors
    /// [`QuestionError`]; other parameters than those of a question are ignored.
    pub fn from_form(form: &str) -> Result<Self, QuestionError> {
        let mut parameters = Parameters::default();
        for pair in form::pairs(form) {
            let (name, value) = pair.ok_or(QuestionError::Malformed)?;
            if let Some(parameter) = str::from_utf8(&name).ok().and_then(|name| parameters.named(name)) {
                // As Go's Values.Get: the first one counts.
                parameter.get_or_insert(value);
            }
        }
        parameters.into_question()
    }

    /// Reads a JSON object whose values are strings, or arrays that begin with a string.
    ///
    /// # Errors
    /// [`QuestionError`]; other fields than those of a question are ignored.
    pub fn from_json(json: &[u8]) -> Result<Self, QuestionError> {
        serde_json::from_slice::<Parameters>(json)
            .map_err(|_| QuestionError::Malformed)?
            .into_question()
    }
}

impl Serialize for Question {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parameters = self.parameters();
        let mut map = serializer.serialize_map(Some(parameters.len()))?;
        for (name, value) in parameters {
            map.serialize_entry(name, &[String::from_utf8_lossy(value)])?;
        }
        map.end()
    }
}

/// Why a request is no question. None of the texts contains anything of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuestionError {
    /// An escape is not whole, or the body is not a JSON object of strings.
    Malformed,
    /// A parameter is missing; the name of a client's certificate may be.
    Missing(&'static str),
    /// `tls` is neither `true` nor `false`.
    Tls,
}

impl fmt::Display for QuestionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the parameters are malformed"),
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::Tls => f.write_str("tls is neither true nor false"),
        }
    }
}

impl std::error::Error for QuestionError {}

/// What was found of a question.
#[derive(Default)]
struct Parameters {
    common_name: Option<Vec<u8>>,
    remote_ip: Option<Vec<u8>>,
    secret: Option<Vec<u8>>,
    tls: Option<Vec<u8>>,
}

impl Parameters {
    fn named(&mut self, name: &str) -> Option<&mut Option<Vec<u8>>> {
        Some(match name {
            COMMON_NAME => &mut self.common_name,
            REMOTE_IP => &mut self.remote_ip,
            SECRET => &mut self.secret,
            TLS => &mut self.tls,
            _ => return None,
        })
    }

    fn into_question(self) -> Result<Question, QuestionError> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| QuestionError::Malformed);
        Ok(Question {
            common_name: text(self.common_name.unwrap_or_default())?,
            remote_ip: text(self.remote_ip.ok_or(QuestionError::Missing(REMOTE_IP))?)?,
            secret: Secret::new(self.secret.ok_or(QuestionError::Missing(SECRET))?),
            tls: match self.tls.ok_or(QuestionError::Missing(TLS))?.as_slice() {
                b"true" => true,
                b"false" => false,
                _ => return Err(QuestionError::Tls),
            },
        })
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ParametersVisitor)
    }
}

struct ParametersVisitor;

impl<'de> Visitor<'de> for ParametersVisitor {
    type Value = Parameters;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
        let mut parameters = Parameters::default();
        while let Some(name) = map.next_key::<String>()? {
            match parameters.named(&name) {
                Some(parameter) => *parameter = Some(map.next_value::<First>()?.0.into_bytes()),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(parameters)
    }
}

/// A string, alone or the first of an array.
struct First(String);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FirstVisitor).map(Self)
    }
}

struct FirstVisitor;

impl<'de> Visitor<'de> for FirstVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<String, A::Error> {
        let first = items.next_element()?.unwrap_or_default();
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn question() -> Question {
        Question {
            common_name: String::new(),
            remote_ip: "127.0.0.1".to_owned(),
            secret: Secret::new(*b"se cret&1"),
            tls: false,
        }
    }

    #[test]
    fn a_question_reads_on_the_wire_as_upstreams() {
        assert_eq!(
            question().to_query(),
            "common_name=&remote_ip=127.0.0.1&secret=se+cret%261&tls=false"
        );
        assert_eq!(
            serde_json::to_string(&question()).unwrap(),
            r#"{"common_name":[""],"remote_ip":["127.0.0.1"],"secret":["se cret&1"],"tls":["false"]}"#
        );
    }

    #[test]
    fn every_byte_of_a_secret_reaches_the_server_by_get() {
        let secret = Secret::new((0..=255).collect::<Vec<u8>>());
        let asked = Question { secret, ..question() };
        assert_eq!(Question::from_form(&asked.to_query()), Ok(asked));
    }

    #[test]
    fn json_may_hold_strings_and_arrays_and_more_than_a_question() {
        let json = br#"{"tls":"true","remote_ip":["::1","ignored",3],"x":{"secret":1},"secret":"s"}"#;
        let expected = Question {
            common_name: String::new(),
            remote_ip: "::1".to_owned(),
            secret: Secret::new(*b"s"),
            tls: true,
        };
        assert_eq!(Question::from_json(json), Ok(expected));
    }

    #[test]
    fn what_is_no_question_is_refused_by_its_reason() {
        let refused = |form: &str| Question::from_form(form).unwrap_err();
        assert_eq!(refused("remote_ip=&tls=true"), QuestionError::Missing("secret"));
        assert_eq!(refused("secret=&tls=true"), QuestionError::Missing("remote_ip"));
        assert_eq!(refused("secret=&remote_ip="), QuestionError::Missing("tls"));
        assert_eq!(refused("secret=&remote_ip=&tls=True"), QuestionError::Tls);
        assert_eq!(
            refused("secret=%zz&remote_ip=&tls=true"),
            QuestionError::Malformed
        );
        assert_eq!(refused("secret=%2"), QuestionError::Malformed);
        assert_eq!(
            refused("remote_ip=%ff&secret=&tls=true"),
            QuestionError::Malformed
        );
        for json in [
            &b"[]"[..],
            b"",
            b"null",
            b"{\"secret\":1}",
            b"{\"secret\":[1]}",
            b"{}x",
        ] {
            assert_eq!(
                Question::from_json(json),
                Err(QuestionError::Malformed),
                "{json:?}"
            );
        }
        assert_eq!(
            Question::from_json(br#"{"remote_ip":[],"tls":[]}"#),
            Err(QuestionError::Missing("secret"))
        );
    }

    proptest! {
        #[test]
        fn a_question_survives_both_of_its_forms(
            common_name in ".*",
            remote_ip in ".*",
            secret in ".*",
            tls: bool,
        ) {
            let asked = Question { common_name, remote_ip, secret: Secret::new(secret.into_bytes()), tls };
            let json = serde_json::to_vec(&asked).unwrap();
            prop_assert_eq!(Question::from_json(&json), Ok(asked.clone()));
            prop_assert_eq!(Question::from_form(&asked.to_query()), Ok(asked));
        }

        #[test]
        fn no_form_and_no_json_upsets_the_reader(bytes: Vec<u8>, text in ".*") {
            let _ = Question::from_json(&bytes);
            let _ = Question::from_form(&text);
        }
    }
}
