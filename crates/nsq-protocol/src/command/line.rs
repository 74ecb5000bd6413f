//! The text line of a command, and the numbers in it.

/// The longest command line in bytes, its newline included. Upstream's read buffer has this size, and a line
/// that does not fit ends the connection.
pub const LINE_LEN_MAX: usize = 16 * 1024;

/// A line longer than [`LINE_LEN_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Length of the line at the front of `buf`, newline included, or `None` when its end has not arrived.
///
/// `scanned` bytes at the front are known to hold no newline, so that a line arriving byte by byte is not
/// searched again and again.
#[inline]
pub(crate) fn find_line(buf: &[u8], scanned: usize) -> Result<Option<usize>, TooLong> {
    let window = buf.get(scanned..buf.len().min(LINE_LEN_MAX)).unwrap_or_default();
    match find_byte(window, b'\n') {
        Some(at) => Ok(Some(scanned + at + 1)),
        None if buf.len() >= LINE_LEN_MAX => Err(TooLong),
        None => Ok(None),
    }
}

/// Where `wanted` first stands in `bytes`, looking at eight of them at a time: lines are short, but there are
/// millions of them.
#[inline]
fn find_byte(bytes: &[u8], wanted: u8) -> Option<usize> {
    let (chunks, rest) = bytes.as_chunks();
    for (index, chunk) in chunks.iter().enumerate() {
        if let Some(at) = find_in_chunk(*chunk, wanted) {
            return Some(index * 8 + at);
        }
    }
    match bytes.last_chunk() {
        // What it repeats of the last chunk is known not to match.
        Some(chunk) if !rest.is_empty() => find_in_chunk(*chunk, wanted).map(|at| bytes.len() - 8 + at),
        Some(_) => None,
        None => bytes.iter().position(|&byte| byte == wanted),
    }
}

#[inline]
fn find_in_chunk(chunk: [u8; 8], wanted: u8) -> Option<usize> {
    const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let difference = u64::from_be_bytes(chunk) ^ u64::from_be_bytes([wanted; 8]);
    // Leaves the high bit of each byte set whose difference is zero; nothing carries from byte to byte.
    let zeros = !(((difference & LOW_BITS) + LOW_BITS) | difference | LOW_BITS);
    (zeros != 0).then(|| zeros.leading_zeros() as usize / 8)
}

/// The words of a line: what stands between single spaces. Two spaces in a row have an empty word between
/// them, and an empty line has one empty word.
#[derive(Debug, Clone)]
pub(crate) struct Words<'b> {
    rest: Option<&'b [u8]>,
}

impl<'b> Words<'b> {
    /// The words of `line`, which may end in a newline with an optional carriage return before it.
    #[inline]
    pub(crate) fn of_line(line: &'b [u8]) -> Self {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Self::of_text(line)
    }

    /// The words of `text`, which holds nothing but words.
    #[inline]
    pub(crate) fn of_text(text: &'b [u8]) -> Self {
        Self { rest: Some(text) }
    }
}

impl<'b> Iterator for Words<'b> {
    type Item = &'b [u8];

    #[inline]
    fn next(&mut self) -> Option<&'b [u8]> {
        let rest = self.rest.take()?;
        let Some(at) = find_byte(rest, b' ') else {
            return Some(rest);
        };
        let (word, after) = rest.split_at_checked(at)?;
        self.rest = after.get(1..);
        Some(word)
    }
}

/// Reads a number of ASCII digits; no digits at all are 0.
///
/// # Differs from upstream
///
/// A number beyond 64 bits is refused. Upstream wraps around, which turns an absurdly large count into a
/// small one that nobody asked for.
#[inline]
pub(crate) fn parse_number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}
