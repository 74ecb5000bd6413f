//! The CSV form of a policy: pynsqauthd's.
//!
//! | column | meaning |
//! |---|---|
//! | `login` | the secret; empty for any, even none |
//! | `ip` | address or prefix; empty for any |
//! | `tls_required` | `true`: only over TLS; `false` or empty: either |
//! | `tls` | may stand in its place; `false` is then only without TLS, `both` or empty either |
//! | `topic`, `channel` | patterns |
//! | `subscribe`, `publish` | that word to permit it, anything else not to |
//! | `common_name` | may be absent; of the client's certificate, empty for any |
//! | `identity` | may be absent; what nsqd shows |

use csv::{ReaderBuilder, StringRecord};
use nsq_auth::{Authorization, Permissions};

use super::condition::{Condition, SecretDigest};
use super::{Entry, Policy, PolicyError, anchored};

/// Where the columns are.
struct Columns {
    login: usize,
    ip: usize,
    tls: usize,
    /// The column is called `tls`, not `tls_required`.
    is_exact: bool,
    topic: usize,
    channel: usize,
    subscribe: usize,
    publish: usize,
    common_name: Option<usize>,
    identity: Option<usize>,
}

pub(super) fn read(text: &str, anchor: bool) -> Result<Policy, PolicyError> {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let columns = Columns::of(reader.headers().map_err(|error| failed(&error))?)?;
    let mut policy = Policy::default();
    for record in reader.records() {
        let record = record.map_err(|error| failed(&error))?;
        let line = record.position().and_then(|at| usize::try_from(at.line()).ok());
        let entry = columns
            .entry(&record, anchor)
            .map_err(|reason| PolicyError::at(line, reason))?;
        if entry.authorizations.is_empty() {
            let line = line.unwrap_or_default();
            policy
                .warnings
                .push(format!("line {line} permits neither to subscribe nor to publish"));
        } else {
            policy.entries.push(entry);
        }
    }
    Ok(policy)
}

impl Columns {
    fn of(headers: &StringRecord) -> Result<Self, PolicyError> {
        let find = |name: &str| headers.iter().position(|header| header.trim() == name);
        let need = |name: &str| {
            find(name).ok_or_else(|| PolicyError::at(Some(1), format!("there is no column {name}")))
        };
        let required = find("tls_required");
        Ok(Self {
            login: need("login")?,
            ip: need("ip")?,
            is_exact: required.is_none(),
            tls: match required.or_else(|| find("tls")) {
                Some(column) => column,
                None => need("tls_required")?,
            },
            topic: need("topic")?,
            channel: need("channel")?,
            subscribe: need("subscribe")?,
            publish: need("publish")?,
            common_name: find("common_name"),
            identity: find("identity"),
        })
    }

    fn entry(&self, record: &StringRecord, anchor: bool) -> Result<Entry, &'static str> {
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let optional = |column: Option<usize>| column.map(cell).unwrap_or_default();
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let pattern = |text: &str| if anchor { anchored(text) } else { text.to_owned() };
        let login = cell(self.login);
        let condition = Condition {
            secret: (!login.is_empty()).then(|| SecretDigest::of(login.as_bytes())),
            common_name: given(optional(self.common_name)),
            networks: match cell(self.ip).trim() {
                "" => Vec::new(),
                ip => vec![ip.parse().map_err(|_| "ip is neither an address nor a prefix")?],
            },
            tls: self.tls(cell(self.tls))?,
        };
        let permissions = Permissions {
            subscribe: cell(self.subscribe).trim().eq_ignore_ascii_case("subscribe"),
            publish: cell(self.publish).trim().eq_ignore_ascii_case("publish"),
        };
        let authorization = Authorization {
            topic: pattern(cell(self.topic)),
            channels: vec![pattern(cell(self.channel))],
            permissions,
        };
        Ok(Entry {
            condition,
            identity: optional(self.identity).to_owned(),
            identity_url: String::new(),
            authorizations: if permissions == Permissions::default() {
                Vec::new()
            } else {
                vec![authorization]
            },
        })
    }

    fn tls(&self, cell: &str) -> Result<Option<bool>, &'static str> {
        match (cell.trim(), self.is_exact) {
            ("true" | "True", _) => Ok(Some(true)),
            ("false" | "False", true) => Ok(Some(false)),
            ("false" | "False" | "", false) | ("both" | "", true) => Ok(None),
            _ => Err("tls is none of the words it may be"),
        }
    }
}

/// The crate's own texts name fields by their numbers and never show one.
fn failed(error: &csv::Error) -> PolicyError {
    let line = error.position().and_then(|at| usize::try_from(at.line()).ok());
    PolicyError::at(
        line,
        match error.kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => {
                format!("{len} columns instead of {expected_len}")
            }
            _ => "not CSV in UTF-8".to_owned(),
        },
    )
}
