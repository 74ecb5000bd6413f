//! What the generator puts into a message and checks when it comes back.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | sequence number, unique within a run |
//! | 8 | 8 | stamp: nanoseconds of [`crate::clock::now_ns`], meaning set by the workload |
//! | 16 | n | a prefix of one fixed pattern |

use std::sync::LazyLock;

use crate::error::{Error, Result};

/// The longest body: nsqd's default `--max-msg-size`.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Bytes before the pattern; the shortest body.
pub(crate) const HEADER_BYTES: usize = 16;

/// Lower-case letters from a small generator: neither constant nor random, so that compression has something to do
/// without making the bytes free.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..BODY_BYTES_MAX)
        .map(|_| {
            state = mix(state);
            b'a' + u8::try_from(state % 26).unwrap_or(0)
        })
        .collect()
});

/// The pattern of a body of `body_bytes`.
pub(crate) fn filler(body_bytes: usize) -> &'static [u8] {
    PATTERN
        .get(..body_bytes.saturating_sub(HEADER_BYTES))
        .unwrap_or_default()
}

/// Appends a body of `body_bytes` with an empty header, to be stamped later.
pub(crate) fn render(into: &mut Vec<u8>, body_bytes: usize) {
    into.extend_from_slice(&[0; HEADER_BYTES]);
    into.extend_from_slice(filler(body_bytes));
}

/// Sequence number and stamp of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamped {
    /// Unique within a run.
    pub(crate) sequence: u64,
    /// What the workload wrote beside it.
    pub(crate) stamp_ns: u64,
}

/// Reads and checks a whole body.
///
/// # Errors
///
/// [`Error::Mismatch`] when a byte differs from what was published.
pub(crate) fn check(body: &[u8]) -> Result<Stamped> {
    let Some((header, rest)) = body.split_first_chunk::<HEADER_BYTES>() else {
        return Err(Error::Mismatch(format!(
            "a body of {} bytes arrived, none was published",
            body.len()
        )));
    };
    if rest != filler(body.len()) {
        return Err(Error::Mismatch(format!(
            "a body of {} bytes arrived changed",
            body.len()
        )));
    }
    let [high, low] = [
        header.first_chunk::<8>().copied().unwrap_or_default(),
        header.last_chunk::<8>().copied().unwrap_or_default(),
    ];
    Ok(Stamped {
        sequence: u64::from_be_bytes(high),
        stamp_ns: u64::from_be_bytes(low),
    })
}

/// Which sequence numbers were seen, as a count and a checksum that does not depend on the order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How many.
    pub(crate) count: u64,
    checksum: u64,
}

impl Tally {
    /// Adds one sequence number.
    pub(crate) fn add(&mut self, sequence: u64) {
        self.count += 1;
        self.checksum = self.checksum.wrapping_add(mix(sequence ^ 0x9e37_79b9_7f4a_7c15));
    }

    /// The tally of the same messages delivered to `copies` channels.
    pub(crate) fn times(self, copies: u64) -> Self {
        Self {
            count: self.count * copies,
            checksum: self.checksum.wrapping_mul(copies),
        }
    }

    /// # Errors
    ///
    /// [`Error::Mismatch`] unless both saw the same messages equally often.
    pub(crate) fn expect(self, published: Self) -> Result<()> {
        if self == published {
            return Ok(());
        }
        Err(Error::Mismatch(format!(
            "{} messages arrived for {} expected, checksums {:016x} and {:016x}",
            self.count, published.count, self.checksum, published.checksum
        )))
    }
}

/// A bijective mixing of 64 bits (the finaliser of splitmix64).
pub(crate) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendered_body_has_its_size_and_passes_its_check() {
        for body_bytes in [HEADER_BYTES, 17, 200, BODY_BYTES_MAX] {
            let mut body = Vec::new();
            render(&mut body, body_bytes);
            body[7] = 5;
            body[15] = 9;
            assert_eq!(body.len(), body_bytes);
            assert_eq!(
                check(&body).unwrap(),
                Stamped {
                    sequence: 5,
                    stamp_ns: 9
                }
            );
        }
    }

    #[test]
    fn a_changed_or_shortened_body_is_refused() {
        let mut body = Vec::new();
        render(&mut body, 200);
        assert!(matches!(check(&body[..10]), Err(Error::Mismatch(_))));
        body[199] ^= 1;
        assert!(matches!(check(&body), Err(Error::Mismatch(_))));
    }

    #[test]
    fn tallies_ignore_order_but_not_loss_or_repetition() {
        let tally = |sequences: &[u64]| {
            let mut tally = Tally::default();
            for sequence in sequences {
                tally.add(*sequence);
            }
            tally
        };
        assert!(tally(&[1, 2, 3]).expect(tally(&[3, 1, 2])).is_ok());
        assert!(tally(&[1, 2]).expect(tally(&[1, 2, 3])).is_err());
        assert!(tally(&[1, 2, 2]).expect(tally(&[1, 2, 3])).is_err());
        assert_eq!(tally(&[1, 1, 2, 2]), tally(&[1, 2]).times(2));
    }
}
