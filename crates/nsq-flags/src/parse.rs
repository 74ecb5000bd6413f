//! The command line.

use std::ffi::{OsStr, OsString};
use std::fmt;

use crate::text::quote;
use crate::{Flag, SetError, Table};

/// What a command line held besides the values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    names: Vec<&'static str>,
    rest: Vec<OsString>,
}

impl Given {
    /// Whether the flag called `name` was given.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(&name)
    }

    /// What stood after the last flag, which the daemons ignore.
    pub fn rest(&self) -> &[OsString] {
        &self.rest
    }
}

/// Why a command line was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseError {
    /// `-h`, `-help` or `--help`: the usage text goes to standard error and the process ends with 0.
    Help,
    /// A line to print before the usage text, both on standard error; the process ends with 2.
    Usage(String),
    /// A line to log; the process ends with 1.
    Fatal(String),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Help => "flag: help requested",
            Self::Usage(line) | Self::Fatal(line) => line,
        })
    }
}

impl std::error::Error for ParseError {}

impl<O> Table<O> {
    /// Reads `args`, which do not include the program's own name, into `options`.
    ///
    /// Flags are applied from left to right, and the first bad one stops. Reading ends without an error
    /// at the first argument that does not start with a dash, at a lone dash, and after `--`.
    ///
    /// # Errors
    /// A flag that is not in the table, has no value, or has one that its kind refuses; or a request for
    /// help. Flags to the left of it have been applied.
    pub fn parse(
        &self,
        args: impl IntoIterator<Item = OsString>,
        options: &mut O,
    ) -> Result<Given, ParseError> {
        let mut given = Given::default();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let lossy = arg.to_string_lossy();
            let Some((name, value)) = split(&lossy)? else {
                if lossy != "--" {
                    given.rest.push(arg);
                }
                given.rest.extend(args);
                break;
            };
            let flag = self.flag(name).ok_or_else(|| match name {
                "h" | "help" => ParseError::Help,
                _ => ParseError::Usage(format!("flag provided but not defined: -{name}")),
            })?;
            match value {
                // What is not UTF-8 shows in the lossy form, which must not be taken for the value.
                Some(value) => apply(flag, value, arg.to_str().is_some(), options)?,
                None if flag.value(options).is_switch() => apply(flag, "true", true, options)?,
                None => {
                    let value = args.next().ok_or_else(|| {
                        ParseError::Usage(format!("flag needs an argument: -{}", flag.name()))
                    })?;
                    apply(flag, &value.to_string_lossy(), is_text(&value), options)?;
                }
            }
            given.names.push(flag.name());
        }
        Ok(given)
    }
}

/// The name and the value after `=` of one argument, or `None` if it ends the flags.
fn split(arg: &str) -> Result<Option<(&str, Option<&str>)>, ParseError> {
    let Some(undashed) = arg.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
        return Ok(None);
    };
    let flag = undashed.strip_prefix('-').unwrap_or(undashed);
    if arg == "--" {
        return Ok(None);
    }
    if flag.is_empty() || flag.starts_with(['-', '=']) {
        return Err(ParseError::Usage(format!("bad flag syntax: {arg}")));
    }
    Ok(Some(match flag.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (flag, None),
    }))
}

fn is_text(arg: &OsStr) -> bool {
    arg.to_str().is_some()
}

fn apply<O>(flag: &Flag<O>, text: &str, is_text: bool, options: &mut O) -> Result<(), ParseError> {
    let value = flag.value_mut(options);
    let outcome = if is_text {
        value.set(text)
    } else {
        Err(SetError::Invalid("not valid UTF-8".to_owned()))
    };
    outcome.map_err(|error| match error {
        SetError::Fatal(line) => ParseError::Fatal(line),
        error if value.is_switch() => ParseError::Usage(format!(
            "invalid boolean value {} for -{}: {error}",
            quote(text),
            flag.name()
        )),
        error => ParseError::Usage(format!(
            "invalid value {} for flag -{}: {error}",
            quote(text),
            flag.name()
        )),
    })
}

#[cfg(test)]
mod tests;
