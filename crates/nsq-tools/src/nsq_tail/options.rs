//! The flags of `nsq_tail`.

use std::ffi::OsString;

use nsq_app::Exit;
use nsq_client::Config;
use nsq_flags::{Flag, StringList, Table, field};

use super::PROGRAM;
use crate::chance::Chance;
use crate::client_options::ClientOptions;
use crate::shell::{self, Source, fail};

type Row = Flag<RawOptions>;

/// The flags of `nsq_tail`, once each.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print version string"),
    Row::new("topic", field!(topics), "NSQ topic (may be given multiple times)"),
    Row::new("channel", field!(channel), "NSQ channel"),
    Row::new(
        "max-in-flight",
        field!(max_in_flight),
        "max number of messages to allow in flight",
    ),
    Row::new(
        "n",
        field!(count),
        "total messages to show (will wait if starved)",
    ),
    Row::new(
        "print-topic",
        field!(print_topic),
        "print topic name where message was received",
    ),
    Row::new(
        "nsqd-tcp-address",
        field!(nsqd_tcp_addresses),
        "nsqd TCP address (may be given multiple times)",
    ),
    Row::new(
        "lookupd-http-address",
        field!(lookupd_http_addresses),
        "lookupd HTTP address (may be given multiple times)",
    ),
    Row::new(
        "consumer-opt",
        field!(consumer_options),
        "option to passthrough to nsq.Consumer (may be given multiple times, \
         http://godoc.org/github.com/nsqio/go-nsq#Config)",
    ),
]);

/// The value of every flag, before any is checked.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each field is a flag, and TABLE holds its help text")]
pub struct RawOptions {
    pub version: bool,
    pub topics: StringList,
    pub channel: String,
    pub max_in_flight: i64,
    pub count: i64,
    pub print_topic: bool,
    pub nsqd_tcp_addresses: StringList,
    pub lookupd_http_addresses: StringList,
    pub consumer_options: ClientOptions,
}

impl Default for RawOptions {
    fn default() -> Self {
        Self {
            version: false,
            topics: StringList::default(),
            channel: String::new(),
            max_in_flight: 200,
            count: 0,
            print_topic: false,
            nsqd_tcp_addresses: StringList::default(),
            lookupd_http_addresses: StringList::default(),
            consumer_options: ClientOptions::default(),
        }
    }
}

/// The options of one `nsq_tail`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    /// Not empty.
    pub(super) topics: Vec<String>,
    pub(super) channel: String,
    /// Messages of one topic after which it is enough; `None` for no end.
    pub(super) count: Option<usize>,
    pub(super) print_topic: bool,
    pub(super) source: Source,
    pub(super) config: Config,
}

impl Options {
    /// Reads the command line, and checks it in upstream's order.
    pub(super) fn load(args: impl IntoIterator<Item = OsString>) -> Result<Self, Exit> {
        let (raw, _) = shell::load(PROGRAM, &TABLE, args, |raw| raw.version)?;
        Self::validate(raw)
    }

    fn validate(raw: RawOptions) -> Result<Self, Exit> {
        let source = Source::choose(
            "nsqd-tcp-address",
            &raw.nsqd_tcp_addresses,
            &raw.lookupd_http_addresses,
        )?;
        let topics = raw.topics.as_slice().to_vec();
        if topics.is_empty() {
            return Err(fail("--topic required"));
        }
        let count = usize::try_from(raw.count).ok().filter(|count| *count > 0);
        // More could only be put back.
        let max_in_flight = match count {
            Some(_) => raw.max_in_flight.min(raw.count),
            None => raw.max_in_flight,
        };
        let channel = if raw.channel.is_empty() {
            format!("tail{:06}#ephemeral", Chance::new().below(999_999))
        } else {
            raw.channel
        };
        Ok(Self {
            topics,
            channel,
            count,
            print_topic: raw.print_topic,
            source,
            config: raw.consumer_options.consumer_config(PROGRAM, max_in_flight)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: &str) -> Result<Options, Exit> {
        Options::load(
            ["nsq_tail"]
                .into_iter()
                .chain(flags.split_whitespace())
                .map(Into::into),
        )
    }

    #[test]
    fn what_is_refused_is_said_in_upstreams_words_and_order() {
        for (flags, line) in [
            ("", "--nsqd-tcp-address or --lookupd-http-address required"),
            (
                "--nsqd-tcp-address=h:1 --lookupd-http-address=h:2",
                "use --nsqd-tcp-address or --lookupd-http-address not both",
            ),
            ("--nsqd-tcp-address=h:1", "--topic required"),
            (
                "--nsqd-tcp-address=h:1 --topic=t --max-in-flight=-1",
                "invalid MaxInFlight ! -1 < 0",
            ),
        ] {
            assert_eq!(load(flags), Err(Exit::Dated(line.to_owned())), "{flags}");
        }
    }

    #[test]
    fn the_channel_is_one_of_its_own_unless_it_is_given() {
        let options = load("--topic=t --nsqd-tcp-address=h:1").unwrap();
        let digits = options
            .channel
            .strip_prefix("tail")
            .and_then(|rest| rest.strip_suffix("#ephemeral"))
            .unwrap();
        assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        let options = load("--topic=t --nsqd-tcp-address=h:1 --channel=c").unwrap();
        assert_eq!(options.channel, "c");
    }

    #[test]
    fn no_more_is_asked_for_than_is_shown() {
        for (flags, max_in_flight) in [("", 200), ("-n 3", 3), ("-n 300", 200), ("-n -1", 200)] {
            let options = load(&format!("--topic=t --nsqd-tcp-address=h:1 {flags}")).unwrap();
            assert_eq!(options.config.max_in_flight, max_in_flight, "{flags}");
        }
    }
}
