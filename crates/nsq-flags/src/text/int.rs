//! Integers and booleans.

use super::{NumberError, underscores_separate_digits};

/// Reads an integer in the syntax of Go's literals: an optional sign, then decimal digits, or `0x`,
/// `0o`, `0b` or a leading `0` for another base, with `_` between digits.
///
/// # Errors
/// Text that is no such number, or one outside 64 bits.
pub fn parse_int(text: &str) -> Result<i64, NumberError> {
    let (negative, unsigned) = split_sign(text);
    let bytes = unsigned.as_bytes();
    let (base, digits) = match bytes {
        [b'0', b'x' | b'X', digits @ ..] if !digits.is_empty() => (16, digits),
        [b'0', b'o' | b'O', digits @ ..] if !digits.is_empty() => (8, digits),
        [b'0', b'b' | b'B', digits @ ..] if !digits.is_empty() => (2, digits),
        [b'0', digits @ ..] => (8, digits),
        [] => return Err(NumberError::Syntax),
        digits => (10, digits),
    };
    let magnitude = parse_digits(digits.iter().copied().filter(|&byte| byte != b'_'), base)?;
    if digits.contains(&b'_') && !underscores_separate_digits(text) {
        return Err(NumberError::Syntax);
    }
    with_sign(magnitude, negative)
}

/// Reads an integer of decimal digits with an optional sign; nothing else is allowed.
///
/// # Errors
/// Text that is no such number, or one outside 64 bits.
pub fn parse_decimal(text: &str) -> Result<i64, NumberError> {
    let (negative, unsigned) = split_sign(text);
    if unsigned.is_empty() {
        return Err(NumberError::Syntax);
    }
    with_sign(parse_digits(unsigned.bytes(), 10)?, negative)
}

/// Reads one of the twelve words that Go takes for a boolean.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    }
}

/// The value of `digits`. Whichever is found first decides between the two errors, as in Go.
fn parse_digits(digits: impl Iterator<Item = u8>, base: u32) -> Result<u64, NumberError> {
    let mut value = 0_u64;
    for byte in digits {
        let digit = char::from(byte).to_digit(base).ok_or(NumberError::Syntax)?;
        value = value
            .checked_mul(u64::from(base))
            .and_then(|shifted| shifted.checked_add(u64::from(digit)))
            .ok_or(NumberError::Range)?;
    }
    Ok(value)
}

fn with_sign(magnitude: u64, negative: bool) -> Result<i64, NumberError> {
    let signed = if negative {
        0_i64.checked_sub_unsigned(magnitude)
    } else {
        0_i64.checked_add_unsigned(magnitude)
    };
    signed.ok_or(NumberError::Range)
}
