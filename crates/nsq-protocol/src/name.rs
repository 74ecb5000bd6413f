//! Topic and channel names, and the `#ephemeral` suffix.
//!
//! A name is 1 to 64 bytes of `.`, `_`, `-`, ASCII letters and digits, optionally ending in `#ephemeral`; the
//! suffix counts toward the 64 and cannot stand alone. Names are checked once, where they enter the process;
//! from then on the type is the proof.
//!
//! [`TopicName`] and [`ChannelName`] own their text behind a shared pointer, so a clone is a counter
//! increment. [`TopicRef`] and [`ChannelRef`] borrow it from a receive buffer.

use std::borrow::Borrow;
use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::str;
use std::sync::Arc;

mod quote;
#[cfg(test)]
mod tests;

pub use quote::quote;

/// The longest name, in bytes, the `#ephemeral` suffix included.
///
/// Upstream: internal/protocol/names.go.
pub const NAME_LEN_MAX: usize = 64;

/// The ending of a name that makes its topic or channel vanish with its last user.
pub const EPHEMERAL_SUFFIX: &str = "#ephemeral";

/// A name broke the rule in the [module documentation](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidName;

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "name is not 1 to 64 bytes of letters, digits, '.', '_' and '-' with an optional #ephemeral suffix",
        )
    }
}

impl Error for InvalidName {}

/// The bytes a name may hold in front of the suffix.
static IS_NAME_BYTE: [bool; 256] = name_bytes();

const fn name_bytes() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        #[expect(clippy::indexing_slicing, reason = "a byte is always below 256")]
        {
            table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        }
        byte += 1;
    }
    table
}

#[inline]
fn is_name_byte(byte: u8) -> bool {
    IS_NAME_BYTE.get(usize::from(byte)).is_some_and(|&is| is)
}

/// Checks `name` and returns it as text.
#[inline]
fn validate(name: &[u8]) -> Result<&str, InvalidName> {
    if name.len() > NAME_LEN_MAX {
        return Err(InvalidName);
    }
    let stem = name.strip_suffix(EPHEMERAL_SUFFIX.as_bytes()).unwrap_or(name);
    // Looking at every byte of a name is faster than stopping at the first bad one: there is none.
    let are_name_bytes = stem.iter().fold(true, |are, &byte| are & is_name_byte(byte));
    if stem.is_empty() || !are_name_bytes {
        return Err(InvalidName);
    }
    str::from_utf8(name).map_err(|_| InvalidName)
}

macro_rules! name_types {
    ($what:literal, $owned:ident, $borrowed:ident, $sample:literal) => {
        #[doc = concat!("The valid name of a ", $what, ", cheap to clone.")]
        ///
        /// Compares, orders and hashes as its text does, so a map keyed by it can be searched with a `&str`.
        ///
        /// ```
        #[doc = concat!("use nsq_protocol::name::", stringify!($owned), ";")]
        ///
        #[doc = concat!("let name = ", stringify!($owned), "::new(\"", $sample, "#ephemeral\")?;")]
        /// assert!(name.is_ephemeral());
        #[doc = concat!("assert!(", stringify!($owned), "::new(\"no spaces\").is_err());")]
        /// # Ok::<(), nsq_protocol::name::InvalidName>(())
        /// ```
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $owned(Arc<str>);

        impl $owned {
            #[doc = concat!("Checks `name` and takes it as the name of a ", $what, ".")]
            ///
            /// # Errors
            ///
            /// [`InvalidName`] when it breaks the rule in the [module documentation](self).
            pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidName> {
                Ok($borrowed::parse(name.as_ref().as_bytes())?.to_owned())
            }

            /// The name as text.
            #[inline]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name, borrowed, without checking it again.
            #[inline]
            pub fn as_name_ref(&self) -> $borrowed<'_> {
                $borrowed(&self.0)
            }

            #[doc = concat!("Whether the ", $what, " vanishes with its last user.")]
            pub fn is_ephemeral(&self) -> bool {
                self.as_name_ref().is_ephemeral()
            }
        }

        impl Deref for $owned {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $owned {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $owned {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $owned {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $owned {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl str::FromStr for $owned {
            type Err = InvalidName;

            fn from_str(name: &str) -> Result<Self, InvalidName> {
                Self::new(name)
            }
        }

        impl From<$borrowed<'_>> for $owned {
            fn from(name: $borrowed<'_>) -> Self {
                name.to_owned()
            }
        }

        #[doc = concat!("The valid name of a ", $what, ", borrowed from wherever it was read.")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $borrowed<'a>(&'a str);

        impl<'a> $borrowed<'a> {
            #[doc = concat!("Checks `name` and borrows it as the name of a ", $what, ".")]
            ///
            /// # Errors
            ///
            /// [`InvalidName`] when it breaks the rule in the [module documentation](self).
            #[inline]
            pub fn parse(name: &'a [u8]) -> Result<Self, InvalidName> {
                validate(name).map(Self)
            }

            /// The name as text.
            #[inline]
            pub const fn as_str(self) -> &'a str {
                self.0
            }

            #[doc = concat!("Whether the ", $what, " vanishes with its last user.")]
            pub fn is_ephemeral(self) -> bool {
                self.0.ends_with(EPHEMERAL_SUFFIX)
            }

            /// Copies the name into one of its own.
            pub fn to_owned(self) -> $owned {
                $owned(Arc::from(self.0))
            }
        }

        impl AsRef<str> for $borrowed<'_> {
            fn as_ref(&self) -> &str {
                self.0
            }
        }

        impl fmt::Display for $borrowed<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.0)
            }
        }

        impl fmt::Debug for $borrowed<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.0, f)
            }
        }

        impl<'a> From<&'a $owned> for $borrowed<'a> {
            fn from(name: &'a $owned) -> Self {
                name.as_name_ref()
            }
        }
    };
}

name_types!("topic", TopicName, TopicRef, "orders");
name_types!("channel", ChannelName, ChannelRef, "archive");
