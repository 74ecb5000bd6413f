//! Floating-point numbers.

use super::{NumberError, underscores_separate_digits};

/// Reads a floating-point number in the syntax of Go: decimal or hexadecimal, with `_` between digits,
/// `inf` and `infinity` with an optional sign, `nan` without one, letters in any case.
///
/// # Errors
/// Text that is no such number, or one too large for 64 bits.
pub fn parse_float(text: &str) -> Result<f64, NumberError> {
    if text.contains('_') && !underscores_separate_digits(text) {
        return Err(NumberError::Syntax);
    }
    let plain = text.replace('_', "").to_ascii_lowercase();
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if let Some(hexadecimal) = unsigned.strip_prefix("0x") {
        let magnitude = parse_hexadecimal(hexadecimal)?;
        return Ok(if plain.starts_with('-') {
            -magnitude
        } else {
            magnitude
        });
    }
    let named = unsigned.starts_with(['i', 'n']);
    if unsigned == "nan" && unsigned.len() != plain.len() {
        return Err(NumberError::Syntax);
    }
    let value: f64 = plain.parse().map_err(|_| NumberError::Syntax)?;
    if value.is_infinite() && !named {
        return Err(NumberError::Range);
    }
    Ok(value)
}

/// A number as Go prints it: the shortest digits that read back, with an exponent only below 0.0001
/// and from a million on.
pub fn format_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or(0) {
        -4..6 => value.to_string(),
        exponent if exponent < 0 => format!("{digits}e-{:02}", -exponent),
        exponent => format!("{digits}e+{exponent:02}"),
    }
}

/// The value of `1.8p-3` and the like: hexadecimal digits with a binary exponent, which Go demands.
fn parse_hexadecimal(text: &str) -> Result<f64, NumberError> {
    /// Digits beyond these cannot be told apart in the result, except that they are not all zero.
    const MANTISSA_MAX: u64 = u64::MAX >> 5;
    /// Far outside what 64 bits can express, and far inside what can be computed with.
    const EXPONENT_MAX: i64 = 1 << 20;

    let (digits, exponent) = text.split_once('p').ok_or(NumberError::Syntax)?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(NumberError::Syntax);
    }
    let written = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if written.is_empty() || !written.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    let far = if exponent.starts_with('-') {
        -EXPONENT_MAX
    } else {
        EXPONENT_MAX
    };
    let mut exponent = exponent.parse().unwrap_or(far).clamp(-EXPONENT_MAX, EXPONENT_MAX);

    let mut mantissa = 0_u64;
    for (place, byte) in whole.bytes().chain(fraction.bytes()).enumerate() {
        let digit = char::from(byte).to_digit(16).ok_or(NumberError::Syntax)?;
        let in_fraction = place >= whole.len();
        if mantissa <= MANTISSA_MAX {
            mantissa = mantissa << 4 | u64::from(digit);
            exponent -= if in_fraction { 4 } else { 0 };
        } else {
            mantissa |= u64::from(digit != 0);
            exponent += if in_fraction { 0 } else { 4 };
        }
    }
    let value = scale(mantissa, exponent);
    if value.is_infinite() {
        return Err(NumberError::Range);
    }
    Ok(value)
}

/// `mantissa` times two to the power of `exponent`.
#[expect(
    clippy::cast_precision_loss,
    reason = "rounding to the nearest is what reading a number means"
)]
fn scale(mantissa: u64, exponent: i64) -> f64 {
    // In steps that stay normal, so that only the last one rounds.
    const STEP: i64 = 1000;
    let mut value = mantissa as f64;
    let mut left = exponent;
    while left != 0 && value != 0.0 && value.is_finite() {
        let step = left.clamp(-STEP, STEP);
        value *= 2_f64.powi(i32::try_from(step).unwrap_or(0));
        left -= step;
    }
    value
}
