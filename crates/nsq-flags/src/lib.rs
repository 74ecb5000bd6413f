//! Go's flag dialect and TOML, resolved as NSQ does: flag, file, default.
//!
//! A program lists its flags in one [`Table`]: name, file key, default, help, and the field of its
//! options where the value lands. From that table come the [command-line parser](Table::parse), the
//! [usage text](Table::usage), the [reference in `docs/`](Table::reference), the
//! [configuration file](Table::resolve) and what [`GET /config/<option>`](Table::config_value)
//! answers, so none of them can disagree with another.
//!
//! The dialect is that of Go's `flag` package, because scripts and manifests written for NSQ depend
//! on it: one dash or two, `=` or a space, no abbreviations, booleans only with `=`, and everything
//! after the first positional argument left alone.
//!
//! What the values mean together, and which are refused, is left to each program's validated options.
//! Nothing here prints, exits or reads a clock.
//!
//! ```
//! use nsq_flags::{Flag, GoDuration, Table, field};
//!
//! struct Options {
//!     topic: String,
//!     interval: GoDuration,
//! }
//!
//! impl Default for Options {
//!     fn default() -> Self {
//!         Self { topic: String::new(), interval: GoDuration::from_secs(2) }
//!     }
//! }
//!
//! static TABLE: Table<Options> = Table::new(&[
//!     Flag::new("topic", field!(topic), "NSQ topic"),
//!     Flag::new("interval", field!(interval), "time between two rows"),
//! ]);
//!
//! let mut options = Options::default();
//! let args = ["-topic", "clicks", "--interval=1m30s"].map(Into::into);
//! let given = TABLE.parse(args, &mut options)?;
//!
//! assert_eq!(options.topic, "clicks");
//! assert_eq!(options.interval.to_string(), "1m30s");
//! assert!(given.contains("interval"));
//! # Ok::<(), nsq_flags::ParseError>(())
//! ```

mod config;
mod parse;
mod secret;
mod table;
pub mod text;
mod usage;
mod value;

pub use config::{ConfigFile, FileError};
pub use parse::{Given, ParseError};
pub use secret::hide_secrets;
pub use table::{Field, Flag, Table};
pub use text::GoDuration;
pub use toml::Value as FileValue;
pub use value::{
    CoerceError, ConfigValue, FloatList, LogLevel, LogLevelError, SetError, StringList, Value, file_text,
};
