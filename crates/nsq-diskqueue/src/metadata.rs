//! The metadata file: positions and depth as text.

use crate::Position;
use crate::names::FILE_NUMBER_MAX;
use std::fmt;

/// Longest metadata file that is read: five numbers of up to 20 characters and their separators fit with room to
/// spare.
pub(crate) const METADATA_LEN_MAX: usize = 256;

/// Content of the metadata file.
///
/// ```text
/// <depth>\n
/// <read.file>,<read.offset>\n
/// <write.file>,<write.offset>\n
/// ```
///
/// Upstream: diskqueue.go, retrieveMetaData and persistMetaData.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// Records that are not consumed. Negative if go-diskqueue miscounted after a crash.
    pub(crate) depth: i64,
    /// Start of the first record that is not consumed.
    pub(crate) read: Position,
    /// Where the next record goes.
    pub(crate) write: Position,
}

/// Why bytes are not metadata; displayed in upstream's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetadataError {
    /// There are fewer than five numbers.
    Incomplete,
    /// Something else stands where a number belongs.
    NotANumber,
    /// A position is negative or absurdly large.
    OutOfRange,
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Incomplete => "EOF",
            Self::NotANumber => "expected integer",
            Self::OutOfRange => "integer out of range",
        })
    }
}

impl Metadata {
    pub(crate) fn encode(&self) -> String {
        let Self { depth, read, write } = self;
        format!(
            "{depth}\n{},{}\n{},{}\n",
            read.file, read.offset, write.file, write.offset
        )
    }

    /// Accepts what Go's formatted reading accepts: CRLF, a missing last line feed, and anything behind it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, MetadataError> {
        let text = match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                str::from_utf8(bytes.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
            }
        };
        let mut lines = text
            .split('\n')
            .map(|line| line.strip_suffix('\r').unwrap_or(line));
        let mut line = || lines.next().ok_or(MetadataError::Incomplete);
        let depth = number(line()?)?;
        let read = position(line()?)?;
        let write = position(line()?)?;
        Ok(Self { depth, read, write })
    }
}

fn number(field: &str) -> Result<i64, MetadataError> {
    if field.is_empty() {
        return Err(MetadataError::Incomplete);
    }
    field.parse().map_err(|_| MetadataError::NotANumber)
}

fn position(line: &str) -> Result<Position, MetadataError> {
    let Some((file, offset)) = line.split_once(',') else {
        number(line)?;
        return Err(MetadataError::Incomplete);
    };
    let unsigned = |field| u64::try_from(number(field)?).map_err(|_| MetadataError::OutOfRange);
    let position = Position {
        file: unsigned(file)?,
        offset: unsigned(offset)?,
    };
    if position.file > FILE_NUMBER_MAX {
        Err(MetadataError::OutOfRange)
    } else {
        Ok(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position(file: u64, offset: u64) -> Position {
        Position { file, offset }
    }

    #[test]
    fn the_text_is_upstreams() {
        let metadata = Metadata {
            depth: 5,
            read: position(0, 0),
            write: position(1, 88),
        };
        assert_eq!(metadata.encode(), "5\n0,0\n1,88\n");
    }

    #[test]
    fn what_is_missing_or_no_number_is_told_apart() {
        for (text, error) in [
            ("", MetadataError::Incomplete),
            ("5", MetadataError::Incomplete),
            ("5\n0\n", MetadataError::Incomplete),
            ("5\n0,\n1,1\n", MetadataError::Incomplete),
            ("5\n0,0\n", MetadataError::Incomplete),
            ("5\n0,0\n1\n", MetadataError::Incomplete),
            ("x\n0,0\n1,1\n", MetadataError::NotANumber),
            ("5\n0,0\n1,1x\n", MetadataError::NotANumber),
            ("5\n0;0\n1,1\n", MetadataError::NotANumber),
            ("5 \n0,0\n1,1\n", MetadataError::NotANumber),
            ("9223372036854775808\n0,0\n1,1\n", MetadataError::NotANumber),
            ("5\n-1,0\n1,1\n", MetadataError::OutOfRange),
            ("5\n0,0\n1,-1\n", MetadataError::OutOfRange),
            ("5\n0,0\n9000000000000000000,1\n", MetadataError::OutOfRange),
        ] {
            assert_eq!(Metadata::decode(text.as_bytes()), Err(error), "{text:?}");
        }
        assert_eq!(
            Metadata::decode(b"5\n0,0\n\xff\xff"),
            Err(MetadataError::Incomplete)
        );
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            depth in any::<i64>(),
            read in (0..=FILE_NUMBER_MAX, 0..i64::MAX as u64),
            write in (0..=FILE_NUMBER_MAX, 0..i64::MAX as u64),
        ) {
            let metadata = Metadata { depth, read: position(read.0, read.1), write: position(write.0, write.1) };
            let text = metadata.encode();
            prop_assert!(text.len() < METADATA_LEN_MAX);
            prop_assert_eq!(Metadata::decode(text.as_bytes()), Ok(metadata));
        }

        #[test]
        fn arbitrary_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Metadata::decode(&bytes);
        }
    }
}
