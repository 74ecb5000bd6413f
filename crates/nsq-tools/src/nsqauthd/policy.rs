//! Who may do what.

mod condition;
mod csv_file;
mod toml_file;

use std::fmt;
use std::path::Path;
use std::{fs, io};

use nsq_auth::{Answer, Authorization, Question, Rules, RulesError};

use condition::{Condition, Presented};

/// The largest data file. Tens of thousands of identities fit.
const FILE_SIZE_MAX: u64 = 16 * 1024 * 1024;

/// What a data file says.
///
/// An entry applies to a client that meets all of its conditions. What several entries permit adds up, and the
/// first of them that has a name gives the client its identity.
#[derive(Debug, Default)]
pub struct Policy {
    entries: Vec<Entry>,
    warnings: Vec<String>,
}

/// What clients are permitted that meet a condition.
#[derive(Debug)]
struct Entry {
    condition: Condition,
    /// Who they are; empty for nobody in particular.
    identity: String,
    /// A page about them.
    identity_url: String,
    authorizations: Vec<Authorization>,
}

/// What a question is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The answer for nsqd. Without authorizations nsqd turns the client away and says why.
    Answer(Answer),
    /// Nobody is known who presents nothing.
    NotAuthorized,
}

impl Policy {
    /// Reads a file: TOML if its name ends in `.toml`, else CSV. With `anchor`, patterns of CSV match whole
    /// names.
    ///
    /// # Errors
    /// It cannot be read, or something in it is wrong. Nothing of it is used then.
    pub fn load(path: &Path, anchor: bool) -> Result<Self, PolicyError> {
        let size = fs::metadata(path).map_err(PolicyError::Read)?.len();
        if size > FILE_SIZE_MAX {
            return Err(PolicyError::TooLarge(size));
        }
        let text = fs::read_to_string(path).map_err(PolicyError::Read)?;
        if path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
        {
            Self::from_toml(&text)
        } else {
            Self::from_csv(&text, anchor)
        }
    }

    /// Reads TOML. Patterns match whole names.
    ///
    /// # Errors
    /// Something in it is wrong.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        Self::of(toml_file::read(text)?)
    }

    /// Reads CSV as pynsqauthd does. Patterns match anywhere in a name unless `anchor` is set.
    ///
    /// # Errors
    /// Something in it is wrong.
    pub fn from_csv(text: &str, anchor: bool) -> Result<Self, PolicyError> {
        Self::of(csv_file::read(text, anchor)?)
    }

    fn of(policy: Self) -> Result<Self, PolicyError> {
        for entry in &policy.entries {
            // What nsqd would refuse is refused here, where someone can do something about it.
            Rules::compile(&entry.authorizations).map_err(|error| PolicyError::Rules {
                identity: entry.identity.clone(),
                error,
            })?;
        }
        Ok(policy)
    }

    /// What in the file has no effect, for people to read.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Writes the warnings to the log.
    pub(super) fn log_warnings(&self) {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
    }

    /// Decides about one client, for `ttl_s` seconds.
    ///
    /// How long that takes does not depend on how much of a secret is right.
    pub fn decide(&self, question: &Question, ttl_s: u64) -> Verdict {
        let presented = Presented::new(question);
        let mut answer = Answer {
            ttl_s,
            ..Answer::default()
        };
        let mut applies = false;
        for entry in self
            .entries
            .iter()
            .filter(|entry| entry.condition.is_met_by(&presented))
        {
            applies = true;
            if answer.identity.is_empty() {
                answer.identity.clone_from(&entry.identity);
                answer.identity_url.clone_from(&entry.identity_url);
            }
            for authorization in &entry.authorizations {
                merge(&mut answer.authorizations, authorization);
            }
        }
        if !applies && question.secret.reveal().is_empty() {
            return Verdict::NotAuthorized;
        }
        Verdict::Answer(answer)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.entries.iter().map(|entry| entry.authorizations.len()).sum();
        write!(f, "entries: {}, authorizations: {count}", self.entries.len())
    }
}

/// Adds an authorization, to one for the same topic and permissions if there is one.
fn merge(authorizations: &mut Vec<Authorization>, other: &Authorization) {
    let same = authorizations
        .iter_mut()
        .find(|it| it.topic == other.topic && it.permissions == other.permissions);
    match same {
        Some(same) => {
            for channel in &other.channels {
                if !same.channels.contains(channel) {
                    same.channels.push(channel.clone());
                }
            }
        }
        None => authorizations.push(other.clone()),
    }
}

/// `pattern` for whole names only.
fn anchored(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}

/// Why a data file cannot be used. None of the texts contains a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum PolicyError {
    /// It cannot be read, or is not UTF-8.
    Read(io::Error),
    /// It has this many bytes.
    TooLarge(u64),
    /// A line is wrong.
    Line {
        /// Counted from one; `None` if it is about the whole file.
        line: Option<usize>,
        /// What is wrong.
        reason: String,
    },
    /// nsqd could not use the patterns of an identity.
    Rules {
        /// Its name, if it has one.
        identity: String,
        /// What is wrong.
        error: RulesError,
    },
}

impl PolicyError {
    fn at(line: Option<usize>, reason: impl Into<String>) -> Self {
        Self::Line {
            line,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::TooLarge(size) => write!(f, "{size} bytes are more than {FILE_SIZE_MAX}"),
            Self::Line {
                line: Some(line),
                reason,
            } => write!(f, "line {line}: {reason}"),
            Self::Line { line: None, reason } => f.write_str(reason),
            Self::Rules { identity, error } if identity.is_empty() => error.fmt(f),
            Self::Rules { identity, error } => write!(f, "identity {identity:?}: {error}"),
        }
    }
}

impl std::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Rules { error, .. } => Some(error),
            Self::TooLarge(_) | Self::Line { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
