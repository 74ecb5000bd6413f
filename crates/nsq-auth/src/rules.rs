//! An answer, ready to be asked.

use std::fmt;

use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::pattern::{self, PatternError};
use crate::{Authorization, Permissions};

/// What a client may do. Deciding takes about a microsecond, however many authorizations there are.
///
/// Upstream: internal/auth/authorizations.go, `IsAllowed`, which compiles the patterns for every decision.
#[derive(Debug)]
pub struct Rules {
    topics: RegexSet,
    /// The channel patterns of all authorizations, one behind the other.
    channels: RegexSet,
    /// For each channel pattern, the authorization it belongs to.
    owners: Box<[usize]>,
    /// For each authorization, what it permits with a topic that matches.
    permissions: Box<[Permissions]>,
}

impl Rules {
    /// The most memory that the patterns for topics may take, and the same for those for channels, in bytes.
    /// A plain name takes some hundred. This also bounds the time to compile them, to about a tenth of a
    /// second.
    pub const SIZE_MAX: usize = 2 * 1024 * 1024;

    /// The most patterns, however small.
    pub const PATTERNS_MAX: usize = 5_000;

    /// Compiles the patterns of `authorizations`.
    ///
    /// # Errors
    /// A pattern is none, or they exceed [`Self::PATTERNS_MAX`] or [`Self::SIZE_MAX`] together.
    pub fn compile(authorizations: &[Authorization]) -> Result<Self, RulesError> {
        let count: usize = authorizations.iter().map(|it| 1 + it.channels.len()).sum();
        if count > Self::PATTERNS_MAX {
            return Err(RulesError::TooMany(count));
        }
        let mut topics = Vec::with_capacity(authorizations.len());
        let mut channels = Vec::new();
        let mut owners = Vec::new();
        for (owner, authorization) in authorizations.iter().enumerate() {
            let topic = &authorization.topic;
            topics.push(pattern::to_regex(topic).map_err(|cause| RulesError::Topic {
                pattern: topic.clone(),
                cause,
            })?);
            for channel in &authorization.channels {
                channels.push(pattern::to_regex(channel).map_err(|cause| RulesError::Channel {
                    pattern: channel.clone(),
                    cause,
                })?);
                owners.push(owner);
            }
        }
        let channels = compile(&channels)?;
        let mut permissions: Box<[_]> = authorizations
            .iter()
            .map(|authorization| Permissions {
                publish: false,
                ..authorization.permissions
            })
            .collect();
        // To publish is to name no channel, and that has to match as well.
        for channel in &channels.matches(b"") {
            let owner = owners.get(channel).copied().unwrap_or(usize::MAX);
            if let (Some(permissions), Some(authorization)) =
                (permissions.get_mut(owner), authorizations.get(owner))
            {
                permissions.publish = authorization.permissions.publish;
            }
        }
        Ok(Self {
            topics: compile(&topics)?,
            channels,
            owners: owners.into(),
            permissions,
        })
    }

    /// Whether messages may be published to `topic`.
    pub fn allow_publish(&self, topic: &str) -> bool {
        let topics = self.topics.matches(topic.as_bytes());
        topics
            .iter()
            .any(|index| self.permissions.get(index).is_some_and(|it| it.publish))
    }

    /// Whether `channel` of `topic` may be consumed.
    pub fn allow_subscribe(&self, topic: &str, channel: &str) -> bool {
        let topics = self.topics.matches(topic.as_bytes());
        let channels = self.channels.matches(channel.as_bytes());
        let mut owners = channels.iter().filter_map(|channel| self.owners.get(channel));
        owners
            .any(|&owner| topics.matched(owner) && self.permissions.get(owner).is_some_and(|it| it.subscribe))
    }
}

fn compile(patterns: &[String]) -> Result<RegexSet, RulesError> {
    RegexSetBuilder::new(patterns)
        .size_limit(Rules::SIZE_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => RulesError::TooLarge,
            other => RulesError::Compile(other),
        })
}

/// Why authorizations are of no use. Shows a pattern, which can be long.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RulesError {
    /// The pattern for a topic is none.
    Topic {
        /// As received.
        pattern: String,
        /// Why.
        cause: PatternError,
    },
    /// A pattern for a channel is none.
    Channel {
        /// As received.
        pattern: String,
        /// Why.
        cause: PatternError,
    },
    /// There are more patterns than [`Rules::PATTERNS_MAX`].
    TooMany(usize),
    /// The patterns take more memory than [`Rules::SIZE_MAX`].
    TooLarge,
    /// The patterns are valid, and yet cannot be compiled.
    Compile(regex::Error),
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic { pattern, cause } => write!(f, "unable to compile topic {pattern:?} {cause}"),
            Self::Channel { pattern, cause } => write!(f, "unable to compile channel {pattern:?} {cause}"),
            Self::TooMany(count) => write!(f, "{count} patterns are more than {}", Rules::PATTERNS_MAX),
            Self::TooLarge => write!(f, "patterns take more than {} bytes", Rules::SIZE_MAX),
            Self::Compile(cause) => write!(f, "unable to compile patterns {cause}"),
        }
    }
}

impl std::error::Error for RulesError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Topic { cause, .. } | Self::Channel { cause, .. } => Some(cause),
            Self::Compile(cause) => Some(cause),
            Self::TooMany(_) | Self::TooLarge => None,
        }
    }
}

#[cfg(test)]
mod tests;
