//! The flags of `nsq_tail`.

use std::ffi::OsString;

use nsq_app::Exit;
use nsq_client::Config;
use nsq_flags::{Flag, StringList, Table, field};

use super::PROGRAM;
use crate::chance::Chance;
use crate::consumer_flags::{self, ConsumerFlags};
use crate::shell::{self, Source, fail};

type Row = Flag<RawOptions>;

/// The flags of `nsq_tail`, once each.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print version string"),
    Row::new("topic", field!(topics), "NSQ topic (may be given multiple times)"),
    Row::new("channel", field!(channel), "NSQ channel"),
    consumer_flags::max_in_flight(field!(consumer.max_in_flight)),
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
    consumer_flags::nsqd_tcp_address(field!(consumer.nsqd_tcp_addresses)),
    consumer_flags::lookupd_http_address(field!(consumer.lookupd_http_addresses)),
    consumer_flags::consumer_opt(field!(consumer.consumer_options)),
]);

/// The value of every flag, before any is checked.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is a flag, and TABLE holds its help text")]
pub struct RawOptions {
    pub version: bool,
    pub topics: StringList,
    pub channel: String,
    pub count: i64,
    pub print_topic: bool,
    pub consumer: ConsumerFlags,
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

    fn validate(mut raw: RawOptions) -> Result<Self, Exit> {
        let source = raw.consumer.source()?;
        let topics = raw.topics.as_slice().to_vec();
        if topics.is_empty() {
            return Err(fail("--topic required"));
        }
        let count = usize::try_from(raw.count).ok().filter(|count| *count > 0);
        if count.is_some() {
            // More could only be put back.
            raw.consumer.max_in_flight = raw.consumer.max_in_flight.min(raw.count);
        }
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
            config: raw.consumer.config(PROGRAM)?,
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
