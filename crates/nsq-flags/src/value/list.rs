//! Lists: flags that may be given more than once.

use super::scalar::{float_of, parse_file_float};
use super::{CoerceError, ConfigValue, SetError, Value, file_type};
use crate::FileValue;
use crate::text::{format_float, parse_float};

/// Strings in the order given, one per occurrence of the flag; commas do not separate.
///
/// Remembers whether it is empty or was set to nothing by the configuration file, which upstream
/// answers with `null`. Upstream: app.StringArray.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringList(Option<Vec<String>>);

impl StringList {
    /// The strings.
    pub fn as_slice(&self) -> &[String] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl Default for StringList {
    fn default() -> Self {
        Self(Some(Vec::new()))
    }
}

impl<S: Into<String>> FromIterator<S> for StringList {
    fn from_iter<I: IntoIterator<Item = S>>(items: I) -> Self {
        Self(Some(items.into_iter().map(Into::into).collect()))
    }
}

impl Value for StringList {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        self.0.get_or_insert_default().push(text.to_owned());
        Ok(())
    }

    /// A string is split on commas and not trimmed. Any other scalar gives no strings, as upstream.
    ///
    /// # Differs from upstream
    /// A list with anything but strings in it is refused, where upstream crashes.
    fn load(&mut self, value: &FileValue) -> Result<(), CoerceError> {
        self.0 = match value {
            FileValue::String(text) => Some(text.split(',').map(str::to_owned).collect()),
            FileValue::Array(items) => non_empty(items, |item| match item {
                FileValue::String(text) => Ok(text.clone()),
                other => Err(wrong_element("[]string", other)),
            })?,
            FileValue::Table(_) => return Err(CoerceError::wrong_type("[]string", value)),
            _ => None,
        };
        Ok(())
    }

    fn kind(&self) -> &'static str {
        "list of strings"
    }

    fn text(&self) -> String {
        format!("[{}]", self.as_slice().join(" "))
    }

    fn is_zero(&self) -> bool {
        self.as_slice().is_empty()
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Texts(self.0.clone())
    }
}

/// Numbers, from repeated flags and from commas within one; the largest first once a flag is read.
///
/// The configuration file's order is kept, and its empty list is `null`. Upstream: app.FloatArray.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatList(Option<Vec<f64>>);

impl FloatList {
    /// The numbers.
    pub fn as_slice(&self) -> &[f64] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl Default for FloatList {
    fn default() -> Self {
        Self(Some(Vec::new()))
    }
}

impl FromIterator<f64> for FloatList {
    fn from_iter<I: IntoIterator<Item = f64>>(items: I) -> Self {
        Self(Some(items.into_iter().collect()))
    }
}

impl Value for FloatList {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        let numbers = self.0.get_or_insert_default();
        for part in text.split(',') {
            let number =
                parse_float(part).map_err(|_| SetError::Fatal(format!("Could not parse: {part}")))?;
            numbers.push(number);
        }
        numbers.sort_by(|a, b| b.total_cmp(a));
        Ok(())
    }

    /// A string is split on commas and trimmed. Any other scalar gives no numbers, as upstream.
    ///
    /// # Differs from upstream
    /// A whole number in a list is a number; a list with anything but numbers in it is refused.
    /// Upstream crashes at both.
    fn load(&mut self, value: &FileValue) -> Result<(), CoerceError> {
        self.0 = match value {
            FileValue::String(text) => Some(
                text.split(',')
                    .map(|part| parse_file_float(part.trim()))
                    .collect::<Result<_, _>>()?,
            ),
            FileValue::Array(items) => non_empty(items, |item| match item {
                FileValue::Float(number) => Ok(*number),
                FileValue::Integer(number) => Ok(float_of(*number)),
                other => Err(wrong_element("[]float64", other)),
            })?,
            FileValue::Table(_) => return Err(CoerceError::wrong_type("[]float64", value)),
            _ => None,
        };
        Ok(())
    }

    fn kind(&self) -> &'static str {
        "list of numbers"
    }

    fn text(&self) -> String {
        let numbers: Vec<_> = self.as_slice().iter().copied().map(format_float).collect();
        format!("[{}]", numbers.join(" "))
    }

    fn is_zero(&self) -> bool {
        self.as_slice().is_empty()
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Floats(self.0.clone())
    }
}

/// The converted items, or `None` if there are none: upstream turns an empty list into a null one.
fn non_empty<T>(
    items: &[FileValue],
    convert: impl Fn(&FileValue) -> Result<T, CoerceError>,
) -> Result<Option<Vec<T>>, CoerceError> {
    if items.is_empty() {
        return Ok(None);
    }
    items.iter().map(convert).collect::<Result<_, _>>().map(Some)
}

fn wrong_element(list: &str, item: &FileValue) -> CoerceError {
    CoerceError(format!("invalid {list} element type {}", file_type(item)))
}
