//! What a flag can hold: reading it from either source, and showing it.

mod level;
mod list;
mod scalar;

pub use level::{LogLevel, LogLevelError};
pub use list::{FloatList, StringList};

use std::fmt;

use serde::Serialize;

use crate::FileValue;
use crate::text::{NumberError, format_float};

/// One kind of option value.
///
/// Implemented here for the kinds that all programs share; a program implements it for its own
/// enumerations and pairs. Upstream: Go's `flag.Value`, and the conversions of go-options.
///
/// ```
/// use nsq_flags::{ConfigValue, SetError, Value};
///
/// /// `--consumer-opt key,value`, which may be given more than once.
/// #[derive(Default)]
/// struct Pairs(Vec<(String, String)>);
///
/// impl Value for Pairs {
///     fn set(&mut self, text: &str) -> Result<(), SetError> {
///         let (key, value) = text
///             .split_once(',')
///             .ok_or_else(|| SetError::Invalid(format!("invalid option {text}")))?;
///         self.0.push((key.to_owned(), value.to_owned()));
///         Ok(())
///     }
///
///     fn text(&self) -> String {
///         String::new()
///     }
///
///     fn is_zero(&self) -> bool {
///         true
///     }
///
///     fn config_value(&self) -> ConfigValue {
///         ConfigValue::Text(self.text())
///     }
/// }
///
/// let mut pairs = Pairs::default();
/// pairs.set("max_in_flight,5")?;
/// assert_eq!(pairs.0, [("max_in_flight".to_owned(), "5".to_owned())]);
/// assert_eq!(pairs.set("nope").unwrap_err().to_string(), "invalid option nope");
/// # Ok::<(), SetError>(())
/// ```
pub trait Value {
    /// Applies one occurrence on the command line. Scalars are replaced, lists grow.
    fn set(&mut self, text: &str) -> Result<(), SetError>;

    /// Replaces the value by the one that the configuration file has for it.
    ///
    /// Unless a kind says otherwise the file may hold any scalar whose text the command line would take.
    fn load(&mut self, value: &FileValue) -> Result<(), CoerceError> {
        let text = scalar_text(value).ok_or_else(|| CoerceError::wrong_type("flag.Value", value))?;
        self.set(&text).map_err(|error| CoerceError(error.to_string()))
    }

    /// Whether the flag may stand alone, meaning `true`, and takes a value only after `=`.
    fn is_switch(&self) -> bool {
        false
    }

    /// Whether a bad value in the file is refused even where the command line overrides it, and before
    /// other options are looked at. Upstream does so for its enumerations.
    fn is_checked_first(&self) -> bool {
        false
    }

    /// The word after the flag in the usage text; empty for a switch.
    fn usage_name(&self) -> &'static str {
        "value"
    }

    /// What the reference calls the kind.
    fn kind(&self) -> &'static str {
        match self.usage_name() {
            "" => "switch",
            "value" => "word",
            name => name,
        }
    }

    /// The value as the usage text and error lines show it.
    fn text(&self) -> String;

    /// Whether the usage text shows the value in double quotes.
    fn is_quoted(&self) -> bool {
        false
    }

    /// Whether this is the zero of its kind, which the usage text leaves out.
    fn is_zero(&self) -> bool;

    /// The value as `GET /config/<option>` answers it.
    fn config_value(&self) -> ConfigValue;
}

/// Why a text on the command line is refused. Shows as the last part of the error line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetError {
    /// Not a value of this kind.
    Syntax,
    /// A number that does not fit.
    Range,
    /// A reason of the kind's own.
    Invalid(String),
    /// The whole line to end with, exit code 1, without the usage text. Upstream: app.FloatArray.
    Fatal(String),
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "parse error",
            Self::Range => "value out of range",
            Self::Invalid(reason) | Self::Fatal(reason) => reason,
        })
    }
}

impl std::error::Error for SetError {}

impl From<NumberError> for SetError {
    fn from(error: NumberError) -> Self {
        match error {
            NumberError::Syntax => Self::Syntax,
            NumberError::Range => Self::Range,
        }
    }
}

/// Why a value in the configuration file does not convert: the last part of the error line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoerceError(pub String);

impl CoerceError {
    /// A value whose type cannot become a `wanted`, both in Go's names.
    pub fn wrong_type(wanted: &str, value: &FileValue) -> Self {
        Self(format!("invalid {wanted} value type {}", file_type(value)))
    }
}

impl fmt::Display for CoerceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CoerceError {}

/// An option as `GET /config/<option>` answers it.
///
/// Text is sent raw; everything else is JSON, which is what serialising gives: integers, booleans,
/// lists, and `null` for a list that the configuration file left empty. Durations are integers in
/// nanoseconds, and enumerations are their numbers. (A number of a list without a fraction is `1` in Go's
/// JSON; that is up to the serialiser.)
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ConfigValue {
    /// Sent as it is, not as JSON.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// An integer, a duration in nanoseconds, or the number of an enumeration's value.
    Int(i64),
    /// A number.
    Float(f64),
    /// A list of strings, or `null`.
    Texts(Option<Vec<String>>),
    /// A list of numbers, or `null`.
    Floats(Option<Vec<f64>>),
}

/// A value of the configuration file as error lines show it: Go's `%v`.
pub fn file_text(value: &FileValue) -> String {
    match value {
        FileValue::Array(items) => {
            let items: Vec<_> = items.iter().map(file_text).collect();
            format!("[{}]", items.join(" "))
        }
        FileValue::Table(table) => {
            let entries: Vec<_> = table
                .iter()
                .map(|(key, value)| format!("{key}:{}", file_text(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
        scalar => scalar_text(scalar).unwrap_or_default(),
    }
}

/// The text of a value that is neither list nor table.
fn scalar_text(value: &FileValue) -> Option<String> {
    Some(match value {
        FileValue::String(text) => text.clone(),
        FileValue::Integer(number) => number.to_string(),
        FileValue::Float(number) => format_float(*number),
        FileValue::Boolean(value) => value.to_string(),
        FileValue::Datetime(moment) => moment.to_string(),
        FileValue::Array(_) | FileValue::Table(_) => return None,
    })
}

/// The Go type that upstream's parser gives a value, named in conversion errors.
fn file_type(value: &FileValue) -> &'static str {
    match value {
        FileValue::String(_) => "string",
        FileValue::Integer(_) => "int64",
        FileValue::Float(_) => "float64",
        FileValue::Boolean(_) => "bool",
        FileValue::Datetime(_) => "time.Time",
        FileValue::Array(_) => "[]interface {}",
        FileValue::Table(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests;
