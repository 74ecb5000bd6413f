//! The flags of `nsq_to_nsq`.

use std::ffi::OsString;

use nsq_app::Exit;
use nsq_client::Config;
use nsq_flags::{Flag, StringList, Table, field};
use nsq_protocol::name::{ChannelName, TopicName};

use super::PROGRAM;
use super::filter::Filter;
use crate::client_options::ClientOptions;
use crate::consumer_flags::{self, ConsumerFlags};
use crate::host_pool::Mode;
use crate::shell::{self, Source, fail};

type Row = Flag<RawOptions>;

/// The flags of `nsq_to_nsq`, once each.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print version string"),
    Row::new("channel", field!(channel), "nsq channel"),
    Row::new(
        "destination-topic",
        field!(destination_topic),
        "use this destination topic for all consumed topics (default is consumed topic name)",
    ),
    consumer_flags::max_in_flight(field!(consumer.max_in_flight)),
    Row::new(
        "status-every",
        field!(status_every),
        "the # of requests between logging status (per destination), 0 disables",
    ),
    Row::new(
        "mode",
        field!(mode),
        "the upstream request mode options: round-robin, hostpool (default), epsilon-greedy",
    ),
    Row::new("topic", field!(topics), "nsq topic (may be given multiple times)"),
    consumer_flags::nsqd_tcp_address(field!(consumer.nsqd_tcp_addresses)),
    Row::new(
        "destination-nsqd-tcp-address",
        field!(destinations),
        "destination nsqd TCP address (may be given multiple times)",
    ),
    consumer_flags::lookupd_http_address(field!(consumer.lookupd_http_addresses)),
    Row::new(
        "require-json-field",
        field!(require_field),
        "for JSON messages: only pass messages that contain this field",
    ),
    Row::new(
        "require-json-value",
        field!(require_value),
        "for JSON messages: only pass messages in which the required field has this value",
    ),
    Row::new(
        "whitelist-json-field",
        field!(whitelist),
        "for JSON messages: pass this field (may be given multiple times)",
    ),
    Row::new(
        "consumer-opt",
        field!(consumer.consumer_options),
        "option to passthrough to nsq.Consumer (may be given multiple times, see \
         http://godoc.org/github.com/nsqio/go-nsq#Config)",
    ),
    Row::new(
        "producer-opt",
        field!(producer_options),
        "option to passthrough to nsq.Producer (may be given multiple times, see \
         http://godoc.org/github.com/nsqio/go-nsq#Config)",
    ),
]);

/// The value of every flag, before any is checked.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each field is a flag, and TABLE holds its help text")]
pub struct RawOptions {
    pub version: bool,
    pub channel: String,
    pub destination_topic: String,
    pub status_every: i64,
    pub mode: Mode,
    pub topics: StringList,
    pub destinations: StringList,
    pub require_field: String,
    pub require_value: String,
    pub whitelist: StringList,
    pub consumer: ConsumerFlags,
    pub producer_options: ClientOptions,
}

impl Default for RawOptions {
    fn default() -> Self {
        Self {
            version: false,
            channel: "nsq_to_nsq".to_owned(),
            destination_topic: String::new(),
            status_every: 250,
            mode: Mode::HostPool,
            topics: StringList::default(),
            destinations: StringList::default(),
            require_field: String::new(),
            require_value: String::new(),
            whitelist: StringList::default(),
            consumer: ConsumerFlags::default(),
            producer_options: ClientOptions::default(),
        }
    }
}

/// The options of one `nsq_to_nsq`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    /// Not empty.
    pub(super) topics: Vec<String>,
    pub(super) channel: String,
    /// Where all messages go; `None` for the topics they come from.
    pub(super) destination_topic: Option<String>,
    pub(super) source: Source,
    /// Not empty.
    pub(super) destinations: Vec<String>,
    pub(super) mode: Mode,
    pub(super) filter: Filter,
    /// Answers between two lines about them; 0 for none.
    pub(super) status_every: usize,
    pub(super) consumer_config: Config,
    pub(super) producer_config: Config,
}

impl Options {
    /// Reads the command line, and checks it in upstream's order.
    pub(super) fn load(args: impl IntoIterator<Item = OsString>) -> Result<Self, Exit> {
        let (raw, _) = shell::load(PROGRAM, &TABLE, args, |raw| raw.version)?;
        Self::validate(raw)
    }

    fn validate(raw: RawOptions) -> Result<Self, Exit> {
        let topics = raw.topics.as_slice().to_vec();
        if topics.is_empty() || raw.channel.is_empty() {
            return Err(fail("--topic and --channel are required"));
        }
        if topics.iter().any(|topic| TopicName::new(topic).is_err()) {
            return Err(fail("--topic is invalid"));
        }
        if !raw.destination_topic.is_empty() && TopicName::new(&raw.destination_topic).is_err() {
            return Err(fail("--destination-topic is invalid"));
        }
        if ChannelName::new(&raw.channel).is_err() {
            return Err(fail("--channel is invalid"));
        }
        let source = raw.consumer.source()?;
        let destinations = raw.destinations.as_slice().to_vec();
        if destinations.is_empty() {
            return Err(fail("--destination-nsqd-tcp-address required"));
        }
        let producer_config = raw.producer_options.config(PROGRAM);
        producer_config
            .validate()
            .map_err(|error| fail(format_args!("failed creating producer {error}")))?;
        Ok(Self {
            topics,
            channel: raw.channel,
            destination_topic: Some(raw.destination_topic).filter(|topic| !topic.is_empty()),
            source,
            destinations,
            mode: raw.mode,
            filter: Filter {
                require_field: raw.require_field,
                require_value: raw.require_value,
                whitelist: raw.whitelist.as_slice().to_vec(),
            },
            status_every: usize::try_from(raw.status_every).unwrap_or(0),
            consumer_config: raw.consumer.config(PROGRAM)?,
            producer_config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: &str) -> Result<Options, Exit> {
        Options::load(
            ["nsq_to_nsq"]
                .into_iter()
                .chain(flags.split_whitespace())
                .map(Into::into),
        )
    }

    #[test]
    fn what_is_refused_is_said_in_upstreams_words_and_order() {
        for (flags, line) in [
            ("", "--topic and --channel are required"),
            ("--topic=t --channel=", "--topic and --channel are required"),
            ("--topic=a$ --destination-topic=a$", "--topic is invalid"),
            (
                "--topic=t --destination-topic=a$ --channel=a$",
                "--destination-topic is invalid",
            ),
            ("--topic=t --channel=a$", "--channel is invalid"),
            (
                "--topic=t",
                "--nsqd-tcp-address or --lookupd-http-address required",
            ),
            (
                "--topic=t --nsqd-tcp-address=h:1",
                "--destination-nsqd-tcp-address required",
            ),
        ] {
            assert_eq!(load(flags), Err(Exit::Dated(line.to_owned())), "{flags}");
        }
    }

    #[test]
    fn a_mode_that_is_none_is_refused() {
        let Err(Exit::Usage { line, .. }) = load("--mode=x") else {
            panic!("a bad flag");
        };
        assert_eq!(
            line,
            r#"invalid value "x" for flag -mode: one of round-robin, hostpool, epsilon-greedy is wanted"#
        );
    }
}
