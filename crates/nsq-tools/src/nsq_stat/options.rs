//! The flags of `nsq_stat`.

use std::ffi::OsString;
use std::time::Duration;

use nsq_app::Exit;
use nsq_flags::text::{parse_decimal, quote};
use nsq_flags::{ConfigValue, Flag, GoDuration, SetError, StringList, Table, Value, field};

use super::PROGRAM;
use crate::shell::{self, Source, fail, positive};

type Row = Flag<RawOptions>;

/// The flags of `nsq_stat`, once each.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print version"),
    Row::new("topic", field!(topic), "NSQ topic"),
    Row::new("channel", field!(channel), "NSQ channel"),
    Row::new(
        "interval",
        field!(interval),
        "duration of time between polling/printing output",
    ),
    Row::new("count", field!(count), "number of reports"),
    Row::new(
        "watch",
        field!(watch),
        "show a table by node, with rates, that is kept up to date",
    ),
    Row::new(
        "nsqd-http-address",
        field!(nsqd_http_addresses),
        "nsqd HTTP address (may be given multiple times)",
    ),
    Row::new(
        "lookupd-http-address",
        field!(lookupd_http_addresses),
        "lookupd HTTP address (may be given multiple times)",
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
]);

/// The value of every flag, before any is checked.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each field is a flag, and TABLE holds its help text")]
pub struct RawOptions {
    pub version: bool,
    pub topic: String,
    pub channel: String,
    pub interval: GoDuration,
    pub count: Count,
    pub watch: bool,
    pub nsqd_http_addresses: StringList,
    pub lookupd_http_addresses: StringList,
    pub connect_timeout: GoDuration,
    pub request_timeout: GoDuration,
}

impl Default for RawOptions {
    fn default() -> Self {
        Self {
            version: false,
            topic: String::new(),
            channel: String::new(),
            interval: GoDuration::from_secs(2),
            count: Count(None),
            watch: false,
            nsqd_http_addresses: StringList::default(),
            lookupd_http_addresses: StringList::default(),
            connect_timeout: GoDuration::from_secs(2),
            request_timeout: GoDuration::from_secs(5),
        }
    }
}

/// A number that may be left out. Upstream: `apps/nsq_stat/nsq_stat.go`, `numValue`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(Option<i64>);

impl Value for Count {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        let number = parse_decimal(text).map_err(|error| {
            SetError::Invalid(format!("strconv.ParseInt: parsing {}: {error}", quote(text)))
        })?;
        self.0 = Some(number);
        Ok(())
    }

    fn kind(&self) -> &'static str {
        "int"
    }

    fn text(&self) -> String {
        self.0.map(|count| count.to_string()).unwrap_or_default()
    }

    fn is_zero(&self) -> bool {
        self.0.is_none()
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Int(self.0.unwrap_or_default())
    }
}

/// The options of one `nsq_stat`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    pub(super) topic: String,
    pub(super) channel: String,
    /// Not zero.
    pub(super) interval: Duration,
    /// How many reports there are; `None` for no end.
    pub(super) count: Option<u64>,
    pub(super) is_watch: bool,
    /// HTTP addresses.
    pub(super) source: Source,
    /// Not zero.
    pub(super) connect_timeout: Duration,
    /// Not zero.
    pub(super) request_timeout: Duration,
}

impl Options {
    /// Reads the command line, and checks it in upstream's order.
    pub(super) fn load(args: impl IntoIterator<Item = OsString>) -> Result<Self, Exit> {
        let (raw, _) = shell::load(PROGRAM, &TABLE, args, |raw| raw.version)?;
        Self::validate(raw)
    }

    fn validate(raw: RawOptions) -> Result<Self, Exit> {
        if raw.topic.is_empty() || raw.channel.is_empty() {
            return Err(fail("--topic and --channel are required"));
        }
        let interval = positive("interval", raw.interval)?;
        let connect_timeout = positive("http-client-connect-timeout", raw.connect_timeout)?;
        let request_timeout = positive("http-client-request-timeout", raw.request_timeout)?;
        let count = match raw.count.0 {
            None => None,
            Some(count) => Some(
                u64::try_from(count)
                    .ok()
                    .filter(|count| *count > 0)
                    .ok_or_else(|| fail("--count should be positive"))?,
            ),
        };
        let source = Source::choose(
            "nsqd-http-address",
            &raw.nsqd_http_addresses,
            &raw.lookupd_http_addresses,
        )?;
        let (flag, addresses) = match &source {
            Source::Nsqds(addresses) => ("nsqd-http-address", addresses),
            Source::Nsqlookupds(addresses) => ("lookupd-http-address", addresses),
        };
        if addresses.iter().any(|address| address.starts_with("http")) {
            return Err(fail(format_args!(
                "--{flag} error - address should not contain scheme"
            )));
        }
        Ok(Self {
            topic: raw.topic,
            channel: raw.channel,
            interval,
            count,
            is_watch: raw.watch,
            source,
            connect_timeout,
            request_timeout,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: &str) -> Result<Options, Exit> {
        Options::load(
            ["nsq_stat"]
                .into_iter()
                .chain(flags.split_whitespace())
                .map(Into::into),
        )
    }

    #[test]
    fn what_is_refused_is_said_in_upstreams_words_and_order() {
        for (flags, line) in [
            ("--topic=t", "--topic and --channel are required"),
            (
                "--topic=t --channel=c --interval=0 --count=-3",
                "--interval should be positive",
            ),
            (
                "--topic=t --channel=c --http-client-connect-timeout=-1s",
                "--http-client-connect-timeout should be positive",
            ),
            (
                "--topic=t --channel=c --http-client-request-timeout=0",
                "--http-client-request-timeout should be positive",
            ),
            ("--topic=t --channel=c --count=0", "--count should be positive"),
            (
                "--topic=t --channel=c",
                "--nsqd-http-address or --lookupd-http-address required",
            ),
            (
                "--topic=t --channel=c --nsqd-http-address=a:1 --lookupd-http-address=a:1",
                "use --nsqd-http-address or --lookupd-http-address not both",
            ),
            (
                "--topic=t --channel=c --lookupd-http-address=http://a:1",
                "--lookupd-http-address error - address should not contain scheme",
            ),
        ] {
            assert_eq!(load(flags), Err(Exit::Dated(line.to_owned())), "{flags}");
        }
    }

    #[test]
    fn a_count_is_a_decimal_number() {
        let Err(Exit::Usage { line, usage }) = load("--count=x") else {
            panic!("a bad flag");
        };
        assert_eq!(
            line,
            r#"invalid value "x" for flag -count: strconv.ParseInt: parsing "x": invalid syntax"#
        );
        assert!(usage.starts_with("Usage of nsq_stat:\n"));
        let options = load("--topic=t --channel=c --nsqd-http-address=a:1 --count=3").unwrap();
        assert_eq!(options.count, Some(3));
        assert_eq!(options.source, Source::Nsqds(vec!["a:1".to_owned()]));
    }
}
