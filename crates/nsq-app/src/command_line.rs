//! From arguments to options, as all daemons do it.

use std::ffi::OsString;

use nsq_flags::{ConfigFile, Table};

use crate::{Exit, version_line};

/// Reads the options of the daemon `program` from `args`, which do not include its own name, and from
/// the configuration file they name.
///
/// `is_version` and `config` pick the values of `--version` and `--config`.
///
/// # Errors
/// An [`Exit`] when there is nothing to run: `--version`, `-h`, a bad flag, a bad file.
pub fn load<O: Default>(
    program: &str,
    table: &Table<O>,
    args: impl IntoIterator<Item = OsString>,
    is_version: impl FnOnce(&O) -> bool,
    config: impl FnOnce(&O) -> String,
) -> Result<O, Exit> {
    let mut options = O::default();
    let given = table
        .parse(args, &mut options)
        .map_err(|error| Exit::from_parse(error, || table.usage(program)))?;
    if is_version(&options) {
        return Err(Exit::Version(version_line(program)));
    }
    let path = config(&options);
    if !path.is_empty() {
        ConfigFile::read(&path)
            .and_then(|file| table.resolve(&mut options, &given, &file))
            .map_err(|error| Exit::from_file(program, &error))?;
    }
    Ok(options)
}
