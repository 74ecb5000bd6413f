//! The few fields of an X.509 certificate that are needed beside the verification of chains.
//!
//! Certificates of version 1, which OpenSSL makes unless it is told otherwise, and which the verification
//! of chains refuses, are read as well.

#[cfg(test)]
mod tests;

use std::time::Duration;

use rustls::pki_types::UnixTime;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// The tag of the version, which version 1 leaves out.
const VERSION: u8 = 0xa0;

/// 2.5.4.3, the attribute of a name that is the common name.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// Parts of a certificate, as slices of its encoding. Whether it deserves any trust is another question.
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    /// What is signed.
    pub(super) signed: &'a [u8],
    /// What it is signed with, without its outer tag.
    pub(super) signature_algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    /// Whether the certificate is of version 1, which has no extensions.
    pub(super) is_version_1: bool,
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    /// The public key and its algorithm, with the outer tag.
    pub(super) public_key_info: &'a [u8],
    /// The algorithm of the public key, without its outer tag.
    pub(super) key_algorithm: &'a [u8],
    pub(super) public_key: &'a [u8],
    not_before: UnixTime,
    not_after: UnixTime,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate; `None` if it is none.
    pub(super) fn parse(encoding: &'a [u8]) -> Option<Self> {
        let mut certificate = Reader(Reader(encoding).read(SEQUENCE)?.content);
        let signed = certificate.read(SEQUENCE)?;
        let signature_algorithm = certificate.read(SEQUENCE)?.content;
        let signature = bits(certificate.read(BIT_STRING)?.content)?;

        let mut fields = Reader(signed.content);
        let is_version_1 = fields.read(VERSION).is_none();
        fields.read(INTEGER)?;
        fields.read(SEQUENCE)?;
        let issuer = fields.read(SEQUENCE)?.content;
        let mut validity = Reader(fields.read(SEQUENCE)?.content);
        let subject = fields.read(SEQUENCE)?.content;
        let public_key_info = fields.read(SEQUENCE)?;
        let mut key = Reader(public_key_info.content);
        Some(Self {
            signed: signed.whole,
            signature_algorithm,
            signature,
            is_version_1,
            issuer,
            subject,
            public_key_info: public_key_info.whole,
            key_algorithm: key.read(SEQUENCE)?.content,
            public_key: bits(key.read(BIT_STRING)?.content)?,
            not_before: validity.read_time()?,
            not_after: validity.read_time()?,
        })
    }

    pub(super) fn is_valid_at(&self, now: UnixTime) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// The last common name of the subject, which is the one that Go takes.
    pub(super) fn common_name(&self) -> Option<String> {
        let mut names = Reader(self.subject);
        let mut found = None;
        while let Some(set) = names.read(SET) {
            let mut attributes = Reader(set.content);
            while let Some(attribute) = attributes.read(SEQUENCE) {
                let mut attribute = Reader(attribute.content);
                let kind = attribute.read(OBJECT_IDENTIFIER)?;
                let value = attribute.read_any()?;
                if kind.content == COMMON_NAME {
                    found = Some(text(&value));
                }
            }
        }
        found
    }
}

/// Bytes of a bit string; only whole ones are of interest.
fn bits(content: &[u8]) -> Option<&[u8]> {
    content.strip_prefix(&[0])
}

fn text(value: &Element<'_>) -> String {
    if value.tag == BMP_STRING {
        let units = value.content.chunks_exact(2).map(|pair| match pair {
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        });
        char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    } else {
        String::from_utf8_lossy(value.content).into_owned()
    }
}

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    /// Tag and length included.
    whole: &'a [u8],
}

/// Reads the distinguished encoding of ASN.1, element by element.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next element, if it has this tag; otherwise nothing is read.
    fn read(&mut self, tag: u8) -> Option<Element<'a>> {
        (self.0.first() == Some(&tag)).then(|| self.read_any()).flatten()
    }

    fn read_any(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // Three bytes of length are more than any certificate has.
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let len = bytes.iter().fold(0, |len, &byte| len << 8 | usize::from(byte));
                (len, rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(len)?;
        let whole = self.0.get(..self.0.len() - after.len())?;
        self.0 = after;
        Some(Element { tag, content, whole })
    }

    /// A time in UTC with seconds, the only form that certificates may have. One before 1970 is taken as
    /// 1970.
    fn read_time(&mut self) -> Option<UnixTime> {
        let element = self.read_any()?;
        let digits = element.content.strip_suffix(b"Z")?;
        let (year, rest) = match element.tag {
            UTC_TIME => {
                let (year, rest) = digits.split_at_checked(2)?;
                let year = number(year)?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            GENERALIZED_TIME => {
                let (year, rest) = digits.split_at_checked(4)?;
                (number(year)?, rest)
            }
            _ => return None,
        };
        if rest.len() != 10 {
            return None;
        }
        let mut parts = rest.chunks_exact(2).map(number);
        let mut part = |range: std::ops::RangeInclusive<u64>| {
            parts.next().flatten().filter(|value| range.contains(value))
        };
        let (month, day) = (part(1..=12)?, part(1..=31)?);
        let (hour, minute, second) = (part(0..=23)?, part(0..=59)?, part(0..=59)?);
        let days = days_since_1970(year, month, day);
        Some(UnixTime::since_unix_epoch(Duration::from_secs(
            days * SECONDS_PER_DAY + hour * 60 * 60 + minute * 60 + second,
        )))
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u64::from(digit - b'0'))
    })
}

/// Days from 1 January 1970 to a date of the Gregorian calendar, 0 for earlier ones.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    /// Days from 1 March of the year 0 to 1 January 1970.
    const EPOCH: u64 = 719_468;
    // A year that begins in March ends with its leap day.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year.saturating_sub(1), month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days_before_month = (153 * month + 2) / 5;
    (year * 365 + leap_days + days_before_month + day - 1).saturating_sub(EPOCH)
}
