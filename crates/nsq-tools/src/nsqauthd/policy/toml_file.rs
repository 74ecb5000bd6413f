//! The TOML form of a policy.
//!
//! ```toml
//! [[identity]]
//! name = "billing"                      # what nsqd shows
//! url = "https://wiki/billing"          # may be absent
//! secret = "..."                        # or secret_sha256 = "<64 hexadecimal digits>"
//! common_name = "billing.example.com"   # may be absent
//! networks = ["10.0.0.0/8", "::1"]      # may be absent
//! tls_required = true                   # may be absent: false
//!
//! [[identity.allow]]
//! topic = "orders"
//! permissions = ["subscribe", "publish"]
//! channels = ["billing", "billing_.*"]  # may be absent: all
//! ```

use std::fmt;

use nsq_auth::{Authorization, Permissions};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::condition::{Condition, SecretDigest};
use super::{Entry, Policy, PolicyError, anchored};

/// The pattern for channels that the right to publish needs.
const NO_CHANNEL: &str = "^$";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "identity")]
    identities: Vec<toml::Spanned<Identity>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    name: String,
    #[serde(default)]
    url: String,
    secret: Option<Hidden>,
    secret_sha256: Option<Hidden>,
    common_name: Option<String>,
    #[serde(default)]
    networks: Vec<String>,
    #[serde(default)]
    tls_required: bool,
    #[serde(default)]
    allow: Vec<Allow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    topic: String,
    permissions: Vec<Word>,
    channels: Option<Vec<String>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Word {
    Subscribe,
    Publish,
}

/// A text that no error may show.
struct Hidden(String);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("a secret is a string")),
        }
    }
}

pub(super) fn read(text: &str) -> Result<Policy, PolicyError> {
    let file: File = toml::from_str(text).map_err(|error| {
        // The error's own text would show the line.
        let line = error.span().map(|span| line_of(text, span.start));
        PolicyError::at(line, error.message())
    })?;
    let mut policy = Policy::default();
    for identity in file.identities {
        let line = line_of(text, identity.span().start);
        let identity = identity.into_inner();
        if identity.allow.is_empty() {
            policy
                .warnings
                .push(format!("line {line}: {:?} is allowed nothing", identity.name));
        }
        let entry = identity
            .into_entry()
            .map_err(|reason| PolicyError::at(Some(line), reason))?;
        policy.entries.push(entry);
    }
    Ok(policy)
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or_default();
    1 + before.matches('\n').count()
}

impl Identity {
    fn into_entry(self) -> Result<Entry, String> {
        let name = &self.name;
        if name.is_empty() {
            return Err("a name is not empty".to_owned());
        }
        let wrong = |what: fmt::Arguments<'_>| Err(format!("{name:?}: {what}"));
        let secret = match (&self.secret, &self.secret_sha256) {
            (Some(_), Some(_)) => return wrong(format_args!("secret and secret_sha256 exclude each other")),
            (Some(Hidden(secret)), None) if secret.is_empty() => {
                return wrong(format_args!("a secret is not empty"));
            }
            (Some(Hidden(secret)), None) => Some(SecretDigest::of(secret.as_bytes())),
            (None, Some(Hidden(digest))) => match SecretDigest::from_hex(digest) {
                Some(digest) => Some(digest),
                None => return wrong(format_args!("secret_sha256 is not 64 hexadecimal digits")),
            },
            (None, None) => None,
        };
        if self.common_name.as_deref() == Some("") {
            return wrong(format_args!("a common_name is not empty"));
        }
        let mut networks = Vec::with_capacity(self.networks.len());
        for network in &self.networks {
            match network.parse() {
                Ok(network) => networks.push(network),
                Err(_) => return wrong(format_args!("{network:?} is neither an address nor a prefix")),
            }
        }
        if secret.is_none() && self.common_name.is_none() && networks.is_empty() {
            // Who means everyone writes 0.0.0.0/0 and ::/0.
            return wrong(format_args!("one of secret, common_name and networks is needed"));
        }
        let mut authorizations = Vec::with_capacity(self.allow.len());
        for allow in &self.allow {
            match allow.authorization() {
                Ok(authorization) => authorizations.push(authorization),
                Err(reason) => return wrong(format_args!("topic {:?}: {reason}", allow.topic)),
            }
        }
        Ok(Entry {
            condition: Condition {
                secret,
                common_name: self.common_name,
                networks,
                tls: self.tls_required.then_some(true),
            },
            identity: self.name,
            identity_url: self.url,
            authorizations,
        })
    }
}

impl Allow {
    fn authorization(&self) -> Result<Authorization, &'static str> {
        let permissions = Permissions {
            subscribe: self.permissions.contains(&Word::Subscribe),
            publish: self.permissions.contains(&Word::Publish),
        };
        let mut channels = match (&self.channels, permissions.subscribe) {
            (Some(_), false) => return Err("channels are of no use without the permission to subscribe"),
            (Some(channels), true) if channels.is_empty() => return Err("channels are not empty"),
            (Some(channels), true) => channels.iter().map(|channel| anchored(channel)).collect(),
            (None, true) => vec![anchored(".*")],
            (None, false) if !permissions.publish => return Err("permissions are not empty"),
            (None, false) => Vec::new(),
        };
        if permissions.publish {
            channels.push(NO_CHANNEL.to_owned());
        }
        Ok(Authorization {
            topic: anchored(&self.topic),
            channels,
            permissions,
        })
    }
}
