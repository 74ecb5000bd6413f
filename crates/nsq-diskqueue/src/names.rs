//! File names.

use std::path::{Path, PathBuf};

/// Largest file number that is believed. Far beyond what can be reached by writing, far below what would overflow
/// Go's signed arithmetic.
pub(crate) const FILE_NUMBER_MAX: u64 = 1 << 62;

const KIND: &str = ".diskqueue.";
const SUFFIX: &str = ".dat";

/// Digits of a file number, padded with zeros. Upstream: diskqueue.go, fileName.
const NUMBER_WIDTH: usize = 6;

/// The names of one queue's files.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    directory: PathBuf,
    name: String,
}

impl Names {
    pub(crate) fn new(directory: PathBuf, name: String) -> Self {
        Self { directory, name }
    }

    pub(crate) fn queue(&self) -> &str {
        &self.name
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn data(&self, number: u64) -> PathBuf {
        self.directory
            .join(format!("{}{KIND}{number:0NUMBER_WIDTH$}{SUFFIX}", self.name))
    }

    pub(crate) fn metadata(&self) -> PathBuf {
        self.directory.join(format!("{}{KIND}meta{SUFFIX}", self.name))
    }

    /// Always the same name: what a crash leaves behind is overwritten by the next sync.
    pub(crate) fn metadata_temporary(&self) -> PathBuf {
        self.directory
            .join(format!("{}{KIND}meta{SUFFIX}.0.tmp", self.name))
    }

    /// Where records are kept that would hold back the read position. Upstream never looks at such a name.
    pub(crate) fn aside(&self) -> PathBuf {
        self.directory.join(format!("{}{KIND}aside{SUFFIX}", self.name))
    }

    /// The same, while it is written anew.
    pub(crate) fn aside_temporary(&self) -> PathBuf {
        self.directory
            .join(format!("{}{KIND}aside{SUFFIX}.tmp", self.name))
    }

    /// Until when records of the data files are deferred. Upstream never looks at such a name either.
    pub(crate) fn dues(&self) -> PathBuf {
        self.directory
            .join(format!("{}{KIND}deferred{SUFFIX}", self.name))
    }

    /// The same, while it is written.
    pub(crate) fn dues_temporary(&self) -> PathBuf {
        self.directory
            .join(format!("{}{KIND}deferred{SUFFIX}.tmp", self.name))
    }

    /// What is written to see whether the disk takes anything.
    pub(crate) fn probe(&self) -> PathBuf {
        self.directory
            .join(format!("{}{KIND}probe{SUFFIX}.tmp", self.name))
    }

    /// Where damage found at `offset` of data file `number` is kept: the name that upstream gives to a bad file
    /// while it is free, then one per place of damage.
    pub(crate) fn quarantine(&self, number: u64, offset: Option<u64>) -> PathBuf {
        let mut path = self.data(number).into_os_string();
        path.push(".bad");
        if let Some(offset) = offset {
            path.push(format!(".{offset}"));
        }
        path.into()
    }

    /// What the names of all files of the queue begin with, and of no other queue's data files.
    pub(crate) fn prefix(&self) -> String {
        format!("{}{KIND}", self.name)
    }
}

/// The queue and number of a data file, from its file name.
pub(crate) fn parse_data(file_name: &str) -> Option<(&str, u64)> {
    let (queue, digits) = file_name.strip_suffix(SUFFIX)?.rsplit_once(KIND)?;
    let number = digits.parse().ok().filter(|number| *number <= FILE_NUMBER_MAX)?;
    // Only the one spelling that is written for a number.
    (format!("{number:0NUMBER_WIDTH$}") == digits).then_some((queue, number))
}

/// The queue of a metadata file that was being written, from its file name.
pub(crate) fn parse_metadata_temporary(file_name: &str) -> Option<&str> {
    let (queue, rest) = file_name.strip_suffix(".tmp")?.rsplit_once(KIND)?;
    let digits = rest
        .strip_prefix("meta")?
        .strip_prefix(SUFFIX)?
        .strip_prefix('.')?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(queue)
}

/// The queue that has kept records aside, from the name of the file with them.
pub(crate) fn parse_aside(file_name: &str) -> Option<&str> {
    let (queue, rest) = file_name.strip_suffix(SUFFIX)?.rsplit_once(KIND)?;
    (rest == "aside").then_some(queue)
}

/// The queue of which some records are deferred, from the name of the file that says so.
pub(crate) fn parse_dues(file_name: &str) -> Option<&str> {
    let (queue, rest) = file_name.strip_suffix(SUFFIX)?.rsplit_once(KIND)?;
    (rest == "deferred").then_some(queue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_names_are_upstreams() {
        let names = Names::new("/data".into(), "t:c".to_owned());
        assert_eq!(names.data(7).to_str(), Some("/data/t:c.diskqueue.000007.dat"));
        assert_eq!(
            names.data(1_234_567).to_str(),
            Some("/data/t:c.diskqueue.1234567.dat")
        );
        assert_eq!(names.metadata().to_str(), Some("/data/t:c.diskqueue.meta.dat"));
        assert_eq!(
            names.quarantine(7, None).to_str(),
            Some("/data/t:c.diskqueue.000007.dat.bad")
        );
    }

    #[test]
    fn only_names_that_are_written_are_recognised() {
        for name in [
            "",
            "t",
            "t.diskqueue.meta.dat",
            "t.diskqueue.00007.dat",
            "t.diskqueue.0000007.dat",
            "t.diskqueue.+00007.dat",
            "t.diskqueue.00000x.dat",
            "t.diskqueue.000007.dat.bad",
            "t.diskqueue.99999999999999999999.dat",
            "t.diskqueue..dat",
        ] {
            assert_eq!(parse_data(name), None, "{name}");
        }
        for name in [
            "t.diskqueue.meta.dat",
            "t.diskqueue.meta.dat..tmp",
            "t.diskqueue.meta.dat.x.tmp",
            "7.tmp",
        ] {
            assert_eq!(parse_metadata_temporary(name), None, "{name}");
        }
        assert_eq!(
            parse_metadata_temporary("t.diskqueue.meta.dat.123.tmp"),
            Some("t")
        );
    }

    proptest! {
        #[test]
        fn the_name_of_a_data_file_says_whose_it_is(queue in ".{1,20}", number in 0..=FILE_NUMBER_MAX) {
            let path = Names::new(PathBuf::new(), queue.clone()).data(number);
            prop_assert_eq!(path.to_str().and_then(parse_data), Some((queue.as_str(), number)));
        }
    }
}
