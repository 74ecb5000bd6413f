//! The flags of `nsq_to_http`.

use std::ffi::OsString;
use std::time::Duration;

use nsq_app::Exit;
use nsq_client::Config;
use nsq_flags::{Flag, Given, GoDuration, StringList, Table, field};
use nsq_http::header::{HeaderName, HeaderValue};

use super::PROGRAM;
use super::deliver::Targets;
use super::target::GetTarget;
use crate::consumer_flags::{self, ConsumerFlags};
use crate::host_pool::Mode;
use crate::shell::{self, Source, fail, positive};

type Row = Flag<RawOptions>;

/// The flags of `nsq_to_http`, once each.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print version string"),
    Row::new("topic", field!(topic), "nsq topic"),
    Row::new("channel", field!(channel), "nsq channel"),
    consumer_flags::max_in_flight(field!(consumer.max_in_flight)),
    Row::new("n", field!(publishers), "number of concurrent publishers"),
    Row::new(
        "mode",
        field!(mode),
        "the upstream request mode options: round-robin, hostpool (default), epsilon-greedy",
    ),
    Row::new(
        "sample",
        field!(sample),
        "% of messages to publish (float b/w 0 -> 1)",
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
    Row::new(
        "status-every",
        field!(status_every),
        "the # of requests between logging status (per handler), 0 disables",
    ),
    Row::new(
        "content-type",
        field!(content_type),
        "the Content-Type used for POST requests",
    ),
    Row::new(
        "get",
        field!(gets),
        "HTTP address to make a GET request to. '%s' will be printf replaced with data (may be given multiple \
         times)",
    ),
    Row::new(
        "post",
        field!(posts),
        "HTTP address to make a POST request to.  data will be in the body (may be given multiple times)",
    ),
    Row::new(
        "header",
        field!(headers),
        "Custom header for HTTP requests (may be given multiple times)",
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
    pub topic: String,
    pub channel: String,
    pub publishers: i64,
    pub mode: Mode,
    pub sample: f64,
    pub connect_timeout: GoDuration,
    pub request_timeout: GoDuration,
    pub status_every: i64,
    pub content_type: String,
    pub gets: StringList,
    pub posts: StringList,
    pub headers: StringList,
    pub consumer: ConsumerFlags,
}

impl Default for RawOptions {
    fn default() -> Self {
        Self {
            version: false,
            topic: String::new(),
            channel: "nsq_to_http".to_owned(),
            publishers: 100,
            mode: Mode::HostPool,
            sample: 1.0,
            connect_timeout: GoDuration::from_secs(2),
            request_timeout: GoDuration::from_secs(20),
            status_every: 250,
            content_type: "application/octet-stream".to_owned(),
            gets: StringList::default(),
            posts: StringList::default(),
            headers: StringList::default(),
            consumer: ConsumerFlags::default(),
        }
    }
}

/// The options of one `nsq_to_http`.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) topic: String,
    pub(super) channel: String,
    pub(super) source: Source,
    pub(super) config: Config,
    /// Requests at the same time. Not zero.
    pub(super) publishers: usize,
    pub(super) mode: Mode,
    /// The part of the messages that is sent.
    pub(super) sample: f64,
    pub(super) targets: Targets,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Answers between two lines about them; 0 for none.
    pub(super) status_every: usize,
    /// Not zero.
    pub(super) connect_timeout: Duration,
    /// Not zero.
    pub(super) request_timeout: Duration,
}

impl Options {
    /// Reads the command line, and checks it in upstream's order.
    pub(super) fn load(args: impl IntoIterator<Item = OsString>) -> Result<Self, Exit> {
        let (raw, given) = shell::load(PROGRAM, &TABLE, args, |raw| raw.version)?;
        Self::validate(raw, &given)
    }

    fn validate(raw: RawOptions, given: &Given) -> Result<Self, Exit> {
        let headers = raw
            .headers
            .as_slice()
            .iter()
            .map(|text| header(text))
            .collect::<Result<_, _>>()?;
        if raw.topic.is_empty() || raw.channel.is_empty() {
            return Err(fail("--topic and --channel are required"));
        }
        if given.contains("content-type") {
            if raw.posts.as_slice().is_empty() {
                return Err(fail("--content-type only used with --post"));
            }
            if raw.content_type.is_empty() {
                return Err(fail("--content-type requires a value when used"));
            }
        }
        let source = raw.consumer.source()?;
        let targets = targets(&raw)?;
        if !(0.0..=1.0).contains(&raw.sample) {
            return Err(fail("ERROR: --sample must be between 0.0 and 1.0"));
        }
        let config = raw.consumer.config(PROGRAM)?;
        let publishers = usize::try_from(raw.publishers)
            .ok()
            .filter(|publishers| *publishers > 0)
            .ok_or_else(|| fail("no handlers"))?;
        Ok(Self {
            topic: raw.topic,
            channel: raw.channel,
            source,
            config,
            publishers,
            mode: raw.mode,
            sample: raw.sample,
            targets,
            headers,
            status_every: usize::try_from(raw.status_every).unwrap_or(0),
            connect_timeout: positive("http-client-connect-timeout", raw.connect_timeout)?,
            request_timeout: positive("http-client-request-timeout", raw.request_timeout)?,
        })
    }
}

fn targets(raw: &RawOptions) -> Result<Targets, Exit> {
    match (raw.gets.as_slice(), raw.posts.as_slice()) {
        ([], []) => Err(fail("--get or --post required")),
        (gets, []) => gets
            .iter()
            .map(|get| {
                GetTarget::parse(get).ok_or_else(|| fail("invalid GET address - must be a printf string"))
            })
            .collect::<Result<_, _>>()
            .map(Targets::Get),
        ([], posts) => {
            let content_type = HeaderValue::from_str(&raw.content_type)
                .map_err(|_| fail("--content-type cannot be the value of a header"))?;
            Ok(Targets::Post(posts.to_vec(), content_type))
        }
        _ => Err(fail("use --get or --post not both")),
    }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), Exit> {
    let read = || {
        let (name, value) = text.split_once(':')?;
        let value = value.trim();
        if value.is_empty() {
            return None;
        }
        Some((name.trim().parse().ok()?, HeaderValue::from_str(value).ok()?))
    };
    // In upstream's words, though it is a colon.
    read().ok_or_else(|| fail("--header value format should be 'key=value'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: &[&str]) -> Result<Options, Exit> {
        Options::load(["nsq_to_http"].iter().chain(flags).map(Into::into))
    }

    #[test]
    fn what_is_refused_is_said_in_upstreams_words_and_order() {
        for (flags, line) in [
            ("--header=x", "--header value format should be 'key=value'"),
            ("--header=a:", "--header value format should be 'key=value'"),
            ("--header=:b", "--header value format should be 'key=value'"),
            ("--topic=", "--topic and --channel are required"),
            ("--topic=t --channel=", "--topic and --channel are required"),
            (
                "--topic=t --content-type=",
                "--content-type only used with --post",
            ),
            (
                "--topic=t --content-type= --post=x",
                "--content-type requires a value when used",
            ),
            (
                "--topic=t",
                "--nsqd-tcp-address or --lookupd-http-address required",
            ),
            ("--topic=t --nsqd-tcp-address=h:1", "--get or --post required"),
            (
                "--topic=t --nsqd-tcp-address=h:1 --get=x --post=x",
                "use --get or --post not both",
            ),
            (
                "--topic=t --nsqd-tcp-address=h:1 --get=%s%s",
                "invalid GET address - must be a printf string",
            ),
            (
                "--topic=t --nsqd-tcp-address=h:1 --post=x --sample=2",
                "ERROR: --sample must be between 0.0 and 1.0",
            ),
            ("--topic=t --nsqd-tcp-address=h:1 --post=x -n 0", "no handlers"),
        ] {
            let flags: Vec<&str> = flags.split_whitespace().collect();
            assert_eq!(
                load(&flags).map(drop),
                Err(Exit::Dated(line.to_owned())),
                "{flags:?}"
            );
        }
    }

    #[test]
    fn a_header_is_split_at_its_first_colon() {
        let flags = [
            "--header= X-A : b: c ",
            "--topic=t",
            "--nsqd-tcp-address=h:1",
            "--post=http://h/",
        ];
        let options = load(&flags).unwrap();
        let expected = (HeaderName::from_static("x-a"), HeaderValue::from_static("b: c"));
        assert_eq!(options.headers, [expected]);
    }
}
