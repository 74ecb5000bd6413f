//! The flags of `to_nsq`.

use std::ffi::OsString;

use nsq_app::Exit;
use nsq_client::Config;
use nsq_flags::{Flag, StringList, Table, field};

use super::PROGRAM;
use crate::client_options::ClientOptions;
use crate::shell::{self, fail};

type Row = Flag<RawOptions>;

/// The flags of `to_nsq`, once each.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print version string"),
    Row::new("topic", field!(topic), "NSQ topic to publish to"),
    Row::new(
        "delimiter",
        field!(delimiter),
        "character to split input from stdin",
    ),
    Row::new(
        "nsqd-tcp-address",
        field!(nsqd_tcp_addresses),
        "destination nsqd TCP address (may be given multiple times)",
    ),
    Row::new(
        "rate",
        field!(rate),
        "Throttle messages to n/second. 0 to disable",
    ),
    Row::new(
        "producer-opt",
        field!(producer_options),
        "option to passthrough to nsq.Producer (may be given multiple times, \
         http://godoc.org/github.com/nsqio/go-nsq#Config)",
    ),
]);

/// The value of every flag, before any is checked.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each field is a flag, and TABLE holds its help text")]
pub struct RawOptions {
    pub version: bool,
    pub topic: String,
    pub delimiter: String,
    pub nsqd_tcp_addresses: StringList,
    pub rate: i64,
    pub producer_options: ClientOptions,
}

impl Default for RawOptions {
    fn default() -> Self {
        Self {
            version: false,
            topic: String::new(),
            delimiter: "\n".to_owned(),
            nsqd_tcp_addresses: StringList::default(),
            rate: 0,
            producer_options: ClientOptions::default(),
        }
    }
}

/// The options of one `to_nsq`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    /// nsqd says whether it is one.
    pub(super) topic: String,
    pub(super) delimiter: u8,
    /// Not empty.
    pub(super) nsqds: Vec<String>,
    /// Messages per second, if they are limited.
    pub(super) rate: Option<u64>,
    pub(super) config: Config,
}

impl Options {
    /// Reads the command line, and checks it in upstream's order.
    pub(super) fn load(args: impl IntoIterator<Item = OsString>) -> Result<Self, Exit> {
        let (raw, _) = shell::load(PROGRAM, &TABLE, args, |raw| raw.version)?;
        Self::validate(raw)
    }

    fn validate(raw: RawOptions) -> Result<Self, Exit> {
        if raw.topic.is_empty() {
            return Err(fail("--topic required"));
        }
        let [delimiter] = *raw.delimiter.as_bytes() else {
            return Err(fail("--delimiter must be a single byte"));
        };
        let config = raw.producer_options.config(PROGRAM);
        config
            .validate()
            .map_err(|error| fail(format_args!("failed to create nsq.Producer - {error}")))?;
        let nsqds = raw.nsqd_tcp_addresses.as_slice();
        if nsqds.is_empty() {
            return Err(fail("--nsqd-tcp-address required"));
        }
        Ok(Self {
            topic: raw.topic,
            delimiter,
            nsqds: nsqds.to_vec(),
            rate: u64::try_from(raw.rate).ok().filter(|rate| *rate > 0),
            config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: &str) -> Result<Options, Exit> {
        Options::load(
            ["to_nsq"]
                .into_iter()
                .chain(flags.split_whitespace())
                .map(Into::into),
        )
    }

    #[test]
    fn what_is_refused_is_said_in_upstreams_words_and_order() {
        for (flags, line) in [
            ("--delimiter=ab", "--topic required"),
            ("--topic=t --delimiter=ab", "--delimiter must be a single byte"),
            ("--topic=t --delimiter=é", "--delimiter must be a single byte"),
            ("--topic=t", "--nsqd-tcp-address required"),
            (
                "--topic=t --nsqd-tcp-address=h:1 --producer-opt=heartbeat_interval,90s",
                "failed to create nsq.Producer - HeartbeatInterval 1m30s must be less than ReadTimeout 1m0s",
            ),
        ] {
            assert_eq!(load(flags), Err(Exit::Dated(line.to_owned())), "{flags}");
        }
    }

    #[test]
    fn a_rate_of_nothing_is_no_limit() {
        for (flag, rate) in [
            ("", None),
            ("-rate=0", None),
            ("-rate=-1", None),
            ("-rate=5", Some(5)),
        ] {
            let options = load(&format!("-topic t -nsqd-tcp-address h:1 {flag}")).unwrap();
            assert_eq!(options.rate, rate, "{flag}");
            assert_eq!(options.delimiter, b'\n');
        }
    }
}
