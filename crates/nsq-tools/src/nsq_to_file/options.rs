//! The flags of `nsq_to_file`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use flate2::Compression;
use nsq_app::Exit;
use nsq_client::Config;
use nsq_flags::{Flag, GoDuration, LogLevel, StringList, Table, Value, field};
use regex::Regex;

use super::PROGRAM;
use super::name::{Naming, Places};
use super::writer::Settings;
use crate::consumer_flags::{self, ConsumerFlags};
use crate::shell::{self, Source, fail, positive};

type Row = Flag<RawOptions>;

/// The flags of `nsq_to_file`, once each.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print version string"),
    Row::new(
        "log-level",
        field!(log_level),
        "set log verbosity: debug, info, warn, error, or fatal",
    ),
    Row::new("log-prefix", field!(log_prefix), "log message prefix"),
    Row::new("topic", field!(topics), "nsq topic (may be given multiple times)"),
    Row::new(
        "topic-pattern",
        field!(topic_pattern),
        "only log topics matching the following pattern",
    ),
    Row::new(
        "topic-refresh",
        field!(topic_refresh),
        "how frequently the topic list should be refreshed",
    ),
    Row::new("channel", field!(channel), "nsq channel"),
    consumer_flags::max_in_flight(field!(consumer.max_in_flight)),
    Row::new(
        "output-dir",
        field!(output_dir),
        "directory to write output files to",
    ),
    Row::new(
        "work-dir",
        field!(work_dir),
        "directory for in-progress files before moving to output-dir",
    ),
    Row::new(
        "datetime-format",
        field!(datetime_format),
        "strftime compatible format for <DATETIME> in filename format",
    ),
    Row::new(
        "filename-format",
        field!(filename_format),
        "output filename format (<TOPIC>, <HOST>, <PID>, <DATETIME>, <REV> are replaced. <REV> is increased when \
         file already exists)",
    ),
    Row::new(
        "host-identifier",
        field!(host_identifier),
        "value to output in log filename in place of hostname. <SHORT_HOST> and <HOSTNAME> are valid replacement \
         tokens",
    ),
    Row::new("gzip", field!(gzip), "gzip output files."),
    Row::new(
        "gzip-level",
        field!(gzip_level),
        "gzip compression level (1-9, 1=BestSpeed, 9=BestCompression)",
    ),
    Row::new(
        "skip-empty-files",
        field!(skip_empty_files),
        "skip writing empty files",
    ),
    Row::new(
        "rotate-size",
        field!(rotate_size),
        "rotate the file when it grows bigger than rotate-size bytes",
    ),
    Row::new(
        "rotate-interval",
        field!(rotate_interval),
        "rotate the file every duration",
    ),
    Row::new(
        "sync-interval",
        field!(sync_interval),
        "sync file to disk every duration",
    ),
    Row::new(
        "http-client-connect-timeout",
        field!(connect_timeout),
        "timeout for HTTP connect",
    ),
    Row::new(
        "http-client-request-timeout",
        field!(request_timeout),
        "timeout for HTTP request",
    ),
    consumer_flags::nsqd_tcp_address(field!(consumer.nsqd_tcp_addresses)),
    consumer_flags::lookupd_http_address(field!(consumer.lookupd_http_addresses)),
    consumer_flags::consumer_opt(field!(consumer.consumer_options)),
]);

/// The value of every flag, before any is checked.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each field is a flag, and TABLE holds its help text")]
pub struct RawOptions {
    pub version: bool,
    pub log_level: String,
    pub log_prefix: String,
    pub topics: StringList,
    pub topic_pattern: String,
    pub topic_refresh: GoDuration,
    pub channel: String,
    pub output_dir: String,
    pub work_dir: String,
    pub datetime_format: String,
    pub filename_format: String,
    pub host_identifier: String,
    pub gzip: bool,
    pub gzip_level: i64,
    pub skip_empty_files: bool,
    pub rotate_size: i64,
    pub rotate_interval: GoDuration,
    pub sync_interval: GoDuration,
    pub connect_timeout: GoDuration,
    pub request_timeout: GoDuration,
    pub consumer: ConsumerFlags,
}

impl Default for RawOptions {
    fn default() -> Self {
        Self {
            version: false,
            log_level: "info".to_owned(),
            log_prefix: "[nsq_to_file] ".to_owned(),
            topics: StringList::default(),
            topic_pattern: String::new(),
            topic_refresh: GoDuration::from_secs(60),
            channel: "nsq_to_file".to_owned(),
            output_dir: "/tmp".to_owned(),
            work_dir: String::new(),
            datetime_format: "%Y-%m-%d_%H".to_owned(),
            filename_format: "<TOPIC>.<HOST><REV>.<DATETIME>.log".to_owned(),
            host_identifier: String::new(),
            gzip: false,
            gzip_level: 6,
            skip_empty_files: false,
            rotate_size: 0,
            rotate_interval: GoDuration::ZERO,
            sync_interval: GoDuration::from_secs(30),
            connect_timeout: GoDuration::from_secs(2),
            request_timeout: GoDuration::from_secs(5),
            consumer: ConsumerFlags::default(),
        }
    }
}

/// The options of one `nsq_to_file`.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) log_level: LogLevel,
    pub(super) log_prefix: String,
    /// Those to archive; empty for all that nsqlookupd knows.
    pub(super) topics: Vec<String>,
    /// What the name of a topic must match, if it must.
    pub(super) pattern: Option<Regex>,
    /// Not zero.
    pub(super) topic_refresh: Duration,
    pub(super) channel: String,
    pub(super) source: Source,
    pub(super) config: Config,
    pub(super) naming: Naming,
    pub(super) settings: Settings,
    /// Not zero.
    pub(super) sync_interval: Duration,
    /// Messages that wait to be synced, at most. Not zero.
    pub(super) unsynced_max: usize,
    /// Not zero.
    pub(super) connect_timeout: Duration,
    /// Not zero.
    pub(super) request_timeout: Duration,
}

impl Options {
    /// Reads the command line, and checks it in upstream's order.
    pub(super) fn load(args: impl IntoIterator<Item = OsString>) -> Result<Self, Exit> {
        let (raw, given) = shell::load(PROGRAM, &TABLE, args, |_| false)?;
        if !given.rest().is_empty() {
            let words: Vec<_> = given.rest().iter().map(|word| word.to_string_lossy()).collect();
            return Err(fail(format_args!("unknown arguments: [{}]", words.join(" "))));
        }
        Self::validate(raw)
    }

    fn validate(raw: RawOptions) -> Result<Self, Exit> {
        let mut log_level = LogLevel::Info;
        log_level
            .set(&raw.log_level)
            .map_err(|_| fail("--log-level is invalid"))?;
        if raw.version {
            return Err(shell::version(PROGRAM));
        }
        if raw.channel.is_empty() {
            return Err(fail("--channel is required"));
        }
        let connect_timeout = positive("http-client-connect-timeout", raw.connect_timeout)?;
        let request_timeout = positive("http-client-request-timeout", raw.request_timeout)?;
        let source = source(&raw)?;
        let level = u32::try_from(raw.gzip_level)
            .ok()
            .filter(|level| (1..=9).contains(level))
            .ok_or_else(|| {
                fail(format_args!(
                    "invalid --gzip-level value ({}), should be 1-9",
                    raw.gzip_level
                ))
            })?;
        let topics = raw.topics.as_slice().to_vec();
        if topics.is_empty() {
            if raw.topic_pattern.is_empty() {
                return Err(fail("--topic or --topic-pattern required"));
            }
            if matches!(source, Source::Nsqds(_)) {
                return Err(fail(
                    "--lookupd-http-address must be specified when no --topic specified",
                ));
            }
        }
        let pattern = match raw.topic_pattern.as_str() {
            "" => None,
            pattern => Some(
                Regex::new(pattern)
                    .map_err(|_| fail(format_args!("--topic-pattern is invalid: {pattern}")))?,
            ),
        };
        let config = raw.consumer.config(PROGRAM)?;
        let settings = Settings {
            gzip: raw.gzip.then(|| Compression::new(level)),
            rotate_size: u64::try_from(raw.rotate_size).ok().filter(|size| *size > 0),
            rotate_interval: raw
                .rotate_interval
                .to_std()
                .filter(|interval| !interval.is_zero()),
            skip_empty_files: raw.skip_empty_files,
        };
        let output_dir = PathBuf::from(&raw.output_dir);
        let places = Places {
            work_dir: if raw.work_dir.is_empty() {
                output_dir.clone()
            } else {
                PathBuf::from(&raw.work_dir)
            },
            output_dir,
        };
        let naming = Naming::new(
            &raw.filename_format,
            &raw.datetime_format,
            &raw.host_identifier,
            places,
            &settings,
        )
        .map_err(|reason| {
            let topic = topics.first().map_or("", String::as_str);
            Exit::Fatal {
                prefix: raw.log_prefix.clone(),
                message: format!("couldn't create logger for new topic {topic}: {reason}"),
            }
        })?;
        Ok(Self {
            log_level,
            log_prefix: raw.log_prefix,
            topics,
            pattern,
            topic_refresh: positive("topic-refresh", raw.topic_refresh)?,
            channel: raw.channel,
            source,
            unsynced_max: usize::try_from(config.max_in_flight).unwrap_or(usize::MAX).max(1),
            config,
            naming,
            settings,
            sync_interval: positive("sync-interval", raw.sync_interval)?,
            connect_timeout,
            request_timeout,
        })
    }
}

/// Upstream writes one of the lines with a full stop.
fn source(raw: &RawOptions) -> Result<Source, Exit> {
    if raw.consumer.nsqd_tcp_addresses.as_slice().is_empty()
        && raw.consumer.lookupd_http_addresses.as_slice().is_empty()
    {
        return Err(fail("--nsqd-tcp-address or --lookupd-http-address required."));
    }
    raw.consumer.source()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(flags: &str) -> String {
        let args = ["nsq_to_file"].into_iter().chain(flags.split_whitespace());
        match Options::load(args.map(Into::into)) {
            Err(Exit::Dated(line) | Exit::Version(line)) => line,
            Err(Exit::Fatal { prefix, message }) => format!("{prefix}FATAL: {message}"),
            other => panic!("{flags}: {other:?}"),
        }
    }

    #[test]
    fn what_is_refused_is_said_in_upstreams_words_and_order() {
        for (flags, line) in [
            ("a b", "unknown arguments: [a b]"),
            ("--log-level=zz --version", "--log-level is invalid"),
            ("--version --channel=", "nsq_to_file v1.3.0"),
            ("--channel=", "--channel is required"),
            (
                "--http-client-connect-timeout=0",
                "--http-client-connect-timeout should be positive",
            ),
            (
                "--http-client-request-timeout=-1s",
                "--http-client-request-timeout should be positive",
            ),
            ("", "--nsqd-tcp-address or --lookupd-http-address required."),
            (
                "--nsqd-tcp-address=h:1 --lookupd-http-address=h:1",
                "use --nsqd-tcp-address or --lookupd-http-address not both",
            ),
            (
                "--nsqd-tcp-address=h:1 --gzip-level=0",
                "invalid --gzip-level value (0), should be 1-9",
            ),
            ("--nsqd-tcp-address=h:1", "--topic or --topic-pattern required"),
            (
                "--nsqd-tcp-address=h:1 --topic-pattern=x",
                "--lookupd-http-address must be specified when no --topic specified",
            ),
            (
                "--nsqd-tcp-address=h:1 --topic=t --topic-pattern=(",
                "--topic-pattern is invalid: (",
            ),
            (
                "--nsqd-tcp-address=h:1 --topic=t --sync-interval=0",
                "--sync-interval should be positive",
            ),
            (
                "--nsqd-tcp-address=h:1 --topic=t --gzip --filename-format=<TOPIC>",
                "[nsq_to_file] FATAL: couldn't create logger for new topic t: missing <REV> in --filename-format \
                 when gzip, rotation, or work dir enabled",
            ),
        ] {
            assert_eq!(refusal(flags), line, "{flags}");
        }
    }
}
