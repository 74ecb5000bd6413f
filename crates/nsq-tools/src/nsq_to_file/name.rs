//! What files are called.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::strftime::strftime;
use super::writer::Settings;

/// Where files are written, and where they go when they are finished; the same place unless it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) work_dir: PathBuf,
    pub(super) output_dir: PathBuf,
}

impl Places {
    /// Whether finished files are moved.
    pub(super) fn differ(&self) -> bool {
        self.work_dir != self.output_dir
    }
}

/// How the files of all topics are called.
///
/// Upstream: `apps/nsq_to_file/file_logger.go`, `computeFilenameFormat`.
#[derive(Clone, Debug)]
pub(super) struct Naming {
    /// Without `<HOST>` and `<PID>`; without `<REV>` as well if names are never revised.
    format: String,
    datetime_format: String,
    zone: TimeZone,
    places: Places,
}

impl Naming {
    /// # Errors
    /// Names may have to be revised, and the format has no place for that.
    pub(super) fn new(
        filename_format: &str,
        datetime_format: &str,
        host_identifier: &str,
        places: Places,
        settings: &Settings,
    ) -> Result<Self, &'static str> {
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let short = hostname.split('.').next().unwrap_or_default();
        let host = match host_identifier {
            "" => short.to_owned(),
            identifier => identifier
                .replace("<SHORT_HOST>", short)
                .replace("<HOSTNAME>", &hostname),
        };
        let mut format = filename_format
            .replace("<HOST>", &host)
            .replace("<PID>", &std::process::id().to_string());
        let is_revised = settings.gzip.is_some()
            || settings.rotate_size.is_some()
            || settings.rotate_interval.is_some()
            || places.differ();
        if !is_revised {
            format = format.replace("<REV>", "");
        } else if !format.contains("<REV>") {
            return Err("missing <REV> in --filename-format when gzip, rotation, or work dir enabled");
        }
        if settings.gzip.is_some() && format.strip_suffix(".gz").is_none() {
            format.push_str(".gz");
        }
        Ok(Self {
            format,
            datetime_format: datetime_format.to_owned(),
            zone: TimeZone::system(),
            places,
        })
    }

    /// How the files of `topic` are called.
    pub(super) fn of_topic(&self, topic: &str) -> TopicNaming {
        TopicNaming {
            format: self.format.replace("<TOPIC>", topic),
            naming: self.clone(),
            second: None,
            current: String::new(),
        }
    }
}

/// How the files of one topic are called.
#[derive(Clone, Debug)]
pub(super) struct TopicNaming {
    format: String,
    naming: Naming,
    /// The second that `current` is of.
    second: Option<i64>,
    current: String,
}

impl TopicNaming {
    /// The name at this moment, in nanoseconds since the Unix epoch, before it is revised.
    pub(super) fn at(&mut self, wall_ns: i64) -> &str {
        let second = wall_ns.div_euclid(1_000_000_000);
        if self.second != Some(second) {
            self.second = Some(second);
            let datetime = strftime(&self.naming.datetime_format, wall_ns, &self.naming.zone);
            self.current = self.format.replace("<DATETIME>", &datetime);
        }
        &self.current
    }

    /// Where a file is written.
    pub(super) fn working(&self, name: &str, revision: u64) -> PathBuf {
        path(&self.naming.places.work_dir, name, revision)
    }

    /// Where a file is when it is finished, if that is elsewhere.
    pub(super) fn finished(&self, name: &str, revision: u64) -> Option<PathBuf> {
        let places = &self.naming.places;
        places.differ().then(|| path(&places.output_dir, name, revision))
    }
}

fn path(directory: &Path, name: &str, revision: u64) -> PathBuf {
    // A format may begin with a slash, which does not lead out of the directory.
    directory.join(
        name.replace("<REV>", &format!("-{revision:06}"))
            .trim_start_matches('/'),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL_NS: i64 = 1_795_190_069_000_000_000;

    fn naming(format: &str, settings: &Settings) -> Result<Naming, &'static str> {
        let places = Places {
            work_dir: "out".into(),
            output_dir: "out".into(),
        };
        let mut naming = Naming::new(format, "%Y", "<SHORT_HOST>-<HOSTNAME>-x", places, settings)?;
        naming.zone = TimeZone::UTC;
        Ok(naming)
    }

    fn revised() -> Settings {
        Settings {
            rotate_size: Some(1),
            ..Settings::default()
        }
    }

    #[test]
    fn places_are_filled_in() {
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let short = hostname.split('.').next().unwrap();
        let mut names = naming("<TOPIC>.<HOST>.<PID><REV>.<DATETIME>.log", &revised())
            .unwrap()
            .of_topic("t");
        let name = names.at(WALL_NS).to_owned();
        let pid = std::process::id();
        assert_eq!(
            names.working(&name, 7),
            PathBuf::from(format!("out/t.{short}-{hostname}-x.{pid}-000007.2026.log"))
        );
        assert_eq!(names.finished(&name, 7), None);
    }

    #[test]
    fn names_that_are_never_revised_have_no_revision() {
        let mut names = naming("a/<TOPIC><REV>.log", &Settings::default())
            .unwrap()
            .of_topic("t");
        let name = names.at(WALL_NS).to_owned();
        assert_eq!(names.working(&name, 7), PathBuf::from("out/a/t.log"));
        naming("<TOPIC>.log", &Settings::default()).unwrap();
        naming("<TOPIC>.log", &revised()).unwrap_err();
    }

    #[test]
    fn compressed_files_say_so() {
        let settings = Settings {
            gzip: Some(flate2::Compression::fast()),
            ..Settings::default()
        };
        for format in ["<TOPIC><REV>", "<TOPIC><REV>.gz"] {
            assert_eq!(
                naming(format, &settings).unwrap().of_topic("t").at(WALL_NS),
                "t<REV>.gz"
            );
        }
    }

    #[test]
    fn a_name_changes_with_the_time() {
        let mut names = naming("<DATETIME>", &Settings::default()).unwrap().of_topic("t");
        assert_eq!(names.at(WALL_NS), "2026");
        assert_eq!(names.at(WALL_NS + 366 * 86_400 * 1_000_000_000), "2027");
        assert_eq!(names.at(WALL_NS), "2026");
    }
}
