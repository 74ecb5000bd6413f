//! Single values: text, numbers, booleans, durations.

use super::{CoerceError, ConfigValue, SetError, Value, scalar_text};
use crate::FileValue;
use crate::text::{
    DurationError, GoDuration, NumberError, format_float, parse_bool, parse_decimal, parse_float, parse_int,
    quote,
};

impl Value for String {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        text.clone_into(self);
        Ok(())
    }

    /// # Differs from upstream
    /// A number or boolean becomes its text, where upstream stores `%!s(int64=5)`; lists are refused.
    fn load(&mut self, value: &FileValue) -> Result<(), CoerceError> {
        *self = scalar_text(value).ok_or_else(|| CoerceError::wrong_type("string", value))?;
        Ok(())
    }

    fn usage_name(&self) -> &'static str {
        "string"
    }

    fn text(&self) -> String {
        self.clone()
    }

    fn is_quoted(&self) -> bool {
        true
    }

    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Text(self.clone())
    }
}

impl Value for bool {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        *self = parse_bool(text).ok_or(SetError::Syntax)?;
        Ok(())
    }

    /// # Differs from upstream
    /// The integers 0 and 1 mean false and true, where upstream has them the other way round.
    fn load(&mut self, value: &FileValue) -> Result<(), CoerceError> {
        *self = match value {
            FileValue::Boolean(value) => *value,
            FileValue::Integer(0) => false,
            FileValue::Integer(1) => true,
            FileValue::Integer(_) => return Err(CoerceError("an integer must be 0 or 1".to_owned())),
            FileValue::String(text) => {
                parse_bool(text).ok_or_else(|| strconv("ParseBool", text, NumberError::Syntax))?
            }
            other => return Err(CoerceError::wrong_type("bool", other)),
        };
        Ok(())
    }

    fn is_switch(&self) -> bool {
        true
    }

    fn usage_name(&self) -> &'static str {
        ""
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn is_zero(&self) -> bool {
        !self
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Bool(*self)
    }
}

impl Value for i64 {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        *self = parse_int(text)?;
        Ok(())
    }

    fn load(&mut self, value: &FileValue) -> Result<(), CoerceError> {
        *self = match value {
            FileValue::Integer(number) => *number,
            FileValue::String(text) => {
                parse_decimal(text).map_err(|error| strconv("ParseInt", text, error))?
            }
            other => return Err(CoerceError::wrong_type("int64", other)),
        };
        Ok(())
    }

    fn usage_name(&self) -> &'static str {
        "int"
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn is_zero(&self) -> bool {
        *self == 0
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Int(*self)
    }
}

impl Value for f64 {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        *self = parse_float(text)?;
        Ok(())
    }

    fn load(&mut self, value: &FileValue) -> Result<(), CoerceError> {
        *self = match value {
            FileValue::Float(number) => *number,
            FileValue::Integer(number) => float_of(*number),
            FileValue::String(text) => parse_file_float(text)?,
            other => return Err(CoerceError::wrong_type("float64", other)),
        };
        Ok(())
    }

    fn usage_name(&self) -> &'static str {
        "float"
    }

    fn text(&self) -> String {
        format_float(*self)
    }

    fn is_zero(&self) -> bool {
        *self == 0.0
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Float(*self)
    }
}

impl Value for GoDuration {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        *self = text.parse().map_err(|_: DurationError| SetError::Syntax)?;
        Ok(())
    }

    /// An integer is a number of milliseconds.
    ///
    /// # Differs from upstream
    /// Milliseconds beyond what a duration holds are refused, where upstream overflows.
    fn load(&mut self, value: &FileValue) -> Result<(), CoerceError> {
        *self = match value {
            FileValue::Integer(millis) => millis
                .checked_mul(1_000_000)
                .map(Self::from_nanos)
                .ok_or_else(|| CoerceError(NumberError::Range.to_string()))?,
            FileValue::String(text) => text
                .parse()
                .map_err(|error: DurationError| CoerceError(error.to_string()))?,
            other => return Err(CoerceError::wrong_type("time.Duration", other)),
        };
        Ok(())
    }

    fn usage_name(&self) -> &'static str {
        "duration"
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Int(self.as_nanos())
    }
}

/// A number that the configuration file spells as a string.
pub(super) fn parse_file_float(text: &str) -> Result<f64, CoerceError> {
    parse_float(text).map_err(|error| strconv("ParseFloat", text, error))
}

/// The nearest floating-point number.
#[expect(
    clippy::cast_precision_loss,
    reason = "a whole number written where a fraction is meant, such as 1 for 1.0"
)]
pub(super) fn float_of(number: i64) -> f64 {
    number as f64
}

/// The error line of Go's conversion `function`.
fn strconv(function: &str, text: &str, error: NumberError) -> CoerceError {
    CoerceError(format!("strconv.{function}: parsing {}: {error}", quote(text)))
}
