//! The configuration file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::text::os_error;
use crate::value::file_text;
use crate::{CoerceError, FileValue, Given, Table};

/// A file larger than this is no configuration: it is not read to its end.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The top-level keys of a TOML file. Tables and unknown keys are kept and never looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigFile {
    values: toml::Table,
}

impl ConfigFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`FileError::Load`] when it cannot be read, is no TOML, or has more than 16 MiB.
    pub fn read(path: &str) -> Result<Self, FileError> {
        let failed = |cause: String| FileError::Load {
            path: path.to_owned(),
            cause,
        };
        let file = File::open(Path::new(path))
            .map_err(|error| failed(format!("open {path}: {}", os_error(&error))))?;
        let text = read_text(file).map_err(|error| failed(format!("read {path}: {}", os_error(&error))))?;
        Self::parse(&text).map_err(failed)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// It is no TOML. The text names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        match toml::from_str(text) {
            Ok(values) => Ok(Self { values }),
            Err(error) => {
                let before = error
                    .span()
                    .and_then(|span| text.get(..span.start))
                    .unwrap_or(text);
                let line = before.matches('\n').count() + 1;
                Err(format!(
                    "toml: line {line}: {}",
                    error.message().replace('\n', ", ")
                ))
            }
        }
    }

    /// The value of a top-level key.
    pub fn get(&self, key: &str) -> Option<&FileValue> {
        self.values.get(key)
    }
}

fn read_text(file: File) -> io::Result<String> {
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// Why a configuration file was refused. Shows as the line that upstream ends with; the exit code is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be read or is no TOML.
    Load {
        /// The file, as it was named on the command line.
        path: String,
        /// What the operating system or the parser said.
        cause: String,
    },
    /// An enumeration holds none of its words.
    Parsing {
        /// The key in the file.
        key: String,
        /// What the file holds for it.
        value: String,
    },
    /// A value does not convert to its option's type.
    Coerce {
        /// What the file holds.
        value: String,
        /// The option's default.
        default: String,
        /// Upstream's name for the option.
        field: &'static str,
        /// Why.
        cause: CoerceError,
    },
}

impl FileError {
    /// Whether upstream ends through its log, with prefix and level, rather than with a bare dated line.
    pub fn is_logged(&self) -> bool {
        !matches!(self, Self::Coerce { .. })
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load { path, cause } => write!(f, "failed to load config file {path} - {cause}"),
            Self::Parsing { key, value } => write!(f, "failed parsing {key} {value}"),
            Self::Coerce {
                value,
                default,
                field,
                cause,
            } => write!(
                f,
                "ERROR: Resolve failed to coerce value {value} ({default}) for field {field} - {cause}"
            ),
        }
    }
}

impl std::error::Error for FileError {}

impl<O: Default> Table<O> {
    /// Fills in from `file` every option that the command line has not `given`. A list from the command
    /// line replaces the file's.
    ///
    /// # Errors
    /// A value in the file that its option refuses. Values behind a flag are not looked at, except those
    /// of enumerations.
    pub fn resolve(&self, options: &mut O, given: &Given, file: &ConfigFile) -> Result<(), FileError> {
        let in_file: Vec<_> = self
            .flags()
            .iter()
            .filter_map(|flag| {
                let key = flag.file_key()?;
                let value = file.get(&key)?;
                Some((flag, key, value))
            })
            .collect();

        let mut scratch = O::default();
        for (flag, key, value) in &in_file {
            let target = flag.value_mut(&mut scratch);
            if target.is_checked_first() && target.load(value).is_err() {
                return Err(FileError::Parsing {
                    key: key.clone(),
                    value: file_text(value),
                });
            }
        }
        for (flag, _, value) in in_file {
            if given.contains(flag.name()) {
                continue;
            }
            let target = flag.value_mut(options);
            let default = target.text();
            target.load(value).map_err(|cause| FileError::Coerce {
                value: file_text(value),
                default,
                field: flag.upstream(),
                cause,
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
