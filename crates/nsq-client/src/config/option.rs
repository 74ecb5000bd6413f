//! The options by name: how each is read from text, and its range.
//!
//! Upstream: go-nsq config.go, `Set`, `Validate` and the tags of `Config`.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use nsq_flags::text::{format_float, parse_bool, parse_decimal, parse_float, quote};
use nsq_flags::{GoDuration, text::NumberError};
use nsq_net::tls::MinVersion;

use super::{BackoffStrategy, Config, ConfigError};

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const MILLISECOND: i64 = 1_000_000;
/// What upstream calls off, in nanoseconds.
const OFF: i64 = -1;

struct Entry {
    key: &'static str,
    /// Upstream's name of the field.
    field: &'static str,
    /// What it is for, for the reference.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    help: &'static str,
    kind: Kind,
}

/// How an option is stored, read and checked. Durations are in nanoseconds here.
enum Kind {
    Duration {
        range: (i64, i64),
        at: fn(&mut Config) -> &mut Duration,
    },
    /// A duration that `-1ns` turns off.
    Optional(fn(&mut Config) -> &mut Option<Duration>),
    Integer {
        range: (i64, i64),
        read: fn(&Config) -> i64,
        /// Called with what is in range only.
        write: fn(&mut Config, i64),
    },
    Fraction(fn(&mut Config) -> &mut f64),
    Boolean(fn(&mut Config) -> &mut bool),
    Text(fn(&mut Config) -> &mut String),
    Path(fn(&mut Config) -> &mut Option<PathBuf>),
    Other(fn(&mut Config, &str) -> Result<(), String>),
}

/// An integer option whose field is of the type that holds its whole range.
macro_rules! integer {
    ($field:ident, $min:expr, $max:expr) => {
        Kind::Integer {
            range: ($min, $max),
            read: |config| i64::from(config.$field),
            write: |config, value| {
                if let Ok(value) = value.try_into() {
                    config.$field = value;
                }
            },
        }
    };
}

macro_rules! duration {
    ($field:ident, $min:expr, $max:expr) => {
        Kind::Duration {
            range: ($min, $max),
            at: |config| &mut config.$field,
        }
    };
}

const fn entry(key: &'static str, field: &'static str, help: &'static str, kind: Kind) -> Entry {
    Entry {
        key,
        field,
        help,
        kind,
    }
}

static OPTIONS: &[Entry] = &[
    entry(
        "dial_timeout",
        "DialTimeout",
        "how long connecting to nsqd may take",
        duration!(dial_timeout, 0, i64::MAX),
    ),
    entry(
        "read_timeout",
        "ReadTimeout",
        "how long nsqd may be silent, heartbeats included",
        duration!(read_timeout, 100 * MILLISECOND, 5 * MINUTE),
    ),
    entry(
        "write_timeout",
        "WriteTimeout",
        "how long nsqd may not take what is sent to it",
        duration!(write_timeout, 100 * MILLISECOND, 5 * MINUTE),
    ),
    entry(
        "local_addr",
        "LocalAddr",
        "where connections to nsqd come from, `ip:port`",
        Kind::Other(set_local_addr),
    ),
    entry(
        "lookupd_poll_interval",
        "LookupdPollInterval",
        "how often nsqlookupd is asked",
        duration!(lookupd_poll_interval, 10 * MILLISECOND, 5 * MINUTE),
    ),
    entry(
        "lookupd_poll_jitter",
        "LookupdPollJitter",
        "the part of the interval that the second poll is put off by at most",
        Kind::Fraction(|config| &mut config.lookupd_poll_jitter),
    ),
    entry(
        "lookupd_poll_timeout",
        "LookupdPollTimeout",
        "how long nsqlookupd may take to answer",
        duration!(lookupd_poll_timeout, 0, i64::MAX),
    ),
    entry(
        "lookupd_authorization",
        "LookupdAuthorization",
        "send the secret to nsqlookupd as well",
        Kind::Boolean(|config| &mut config.lookupd_authorization),
    ),
    // Upstream's name says the opposite of what the option does.
    entry(
        "skip_lookupd_authorization",
        "LookupdAuthorization",
        "the same, under upstream's name",
        Kind::Boolean(|config| &mut config.lookupd_authorization),
    ),
    entry(
        "max_requeue_delay",
        "MaxRequeueDelay",
        "the longest delay of a message that is requeued without one of its own",
        duration!(max_requeue_delay, 0, 60 * MINUTE),
    ),
    entry(
        "default_requeue_delay",
        "DefaultRequeueDelay",
        "that delay, for each attempt the message has had",
        duration!(default_requeue_delay, 0, 60 * MINUTE),
    ),
    entry(
        "backoff_strategy",
        "BackoffStrategy",
        "`exponential` or `full_jitter`",
        Kind::Other(set_backoff_strategy),
    ),
    entry(
        "max_backoff_duration",
        "MaxBackoffDuration",
        "the longest pause after failures; 0 for none",
        duration!(max_backoff_duration, 0, 60 * MINUTE),
    ),
    entry(
        "backoff_multiplier",
        "BackoffMultiplier",
        "the unit of those pauses",
        duration!(backoff_multiplier, 0, 60 * MINUTE),
    ),
    entry(
        "max_attempts",
        "MaxAttempts",
        "how often a message is tried; 0 for no limit",
        integer!(max_attempts, 0, 65535),
    ),
    entry(
        "low_rdy_idle_timeout",
        "LowRdyIdleTimeout",
        "a connection without a message for this long gives up its turn",
        duration!(low_rdy_idle_timeout, SECOND, 5 * MINUTE),
    ),
    entry(
        "low_rdy_timeout",
        "LowRdyTimeout",
        "a connection gives up its turn after this long",
        duration!(low_rdy_timeout, SECOND, 5 * MINUTE),
    ),
    entry(
        "rdy_redistribute_interval",
        "RDYRedistributeInterval",
        "how often turns are looked at",
        duration!(rdy_redistribute_interval, MILLISECOND, 5 * SECOND),
    ),
    entry(
        "client_id",
        "ClientID",
        "what the client calls itself",
        Kind::Text(|config| &mut config.client_id),
    ),
    entry(
        "hostname",
        "Hostname",
        "where the client runs",
        Kind::Text(|config| &mut config.hostname),
    ),
    entry(
        "user_agent",
        "UserAgent",
        "the program and the library",
        Kind::Text(|config| &mut config.user_agent),
    ),
    entry(
        "heartbeat_interval",
        "HeartbeatInterval",
        "how often nsqd asks for a sign of life, at most `read_timeout`; `-1ns` for never",
        Kind::Optional(|config| &mut config.heartbeat_interval),
    ),
    entry(
        "sample_rate",
        "SampleRate",
        "the percentage of messages to be delivered; 0 for all",
        integer!(sample_rate, 0, 99),
    ),
    entry(
        "tls_v1",
        "TlsV1",
        "ask for TLS",
        Kind::Boolean(|config| &mut config.tls_v1),
    ),
    entry(
        "tls_config",
        "TlsConfig",
        "not from text",
        Kind::Other(|_, _| Err(WRONG_TYPE.to_owned())),
    ),
    entry(
        "tls_root_ca_file",
        "TlsRootCaFile",
        "who may have signed nsqd's certificate, instead of whom the system trusts",
        Kind::Path(|config| &mut config.tls_root_ca_file),
    ),
    entry(
        "tls_cert",
        "TlsCert",
        "the client's certificate",
        Kind::Path(|config| &mut config.tls_cert),
    ),
    entry(
        "tls_key",
        "TlsKey",
        "its key",
        Kind::Path(|config| &mut config.tls_key),
    ),
    entry(
        "tls_insecure_skip_verify",
        "TlsInsecureSkipVerify",
        "take any server for the right one",
        Kind::Boolean(|config| &mut config.tls_insecure_skip_verify),
    ),
    entry(
        "tls_min_version",
        "TlsMinVersion",
        "`ssl3.0`, `tls1.0`, `tls1.1`, `tls1.2`, which all mean TLS 1.2, or `tls1.3`",
        Kind::Other(set_tls_min_version),
    ),
    entry(
        "deflate",
        "Deflate",
        "ask for compression with deflate",
        Kind::Boolean(|config| &mut config.deflate),
    ),
    entry(
        "deflate_level",
        "DeflateLevel",
        "how much to compress",
        integer!(deflate_level, 1, 9),
    ),
    entry(
        "snappy",
        "Snappy",
        "ask for compression with snappy",
        Kind::Boolean(|config| &mut config.snappy),
    ),
    entry(
        "output_buffer_size",
        "OutputBufferSize",
        "bytes that nsqd gathers before it writes; -1 for none",
        integer!(output_buffer_size, i32::MIN as i64, i32::MAX as i64),
    ),
    entry(
        "output_buffer_timeout",
        "OutputBufferTimeout",
        "how long nsqd keeps what it gathers; `-1ns` for ever",
        Kind::Optional(|config| &mut config.output_buffer_timeout),
    ),
    entry(
        "max_in_flight",
        "MaxInFlight",
        "how many messages a consumer may hold; 0 pauses it",
        integer!(max_in_flight, 0, u32::MAX as i64),
    ),
    entry(
        "msg_timeout",
        "MsgTimeout",
        "how long a message may be held; 0 for what nsqd is set to",
        duration!(msg_timeout, 0, i64::MAX),
    ),
    entry(
        "auth_secret",
        "AuthSecret",
        "the secret for nsqds that want one",
        Kind::Text(|config| &mut config.auth_secret),
    ),
    entry(
        "topology_region",
        "TopologyRegion",
        "where the client runs, coarsely",
        Kind::Text(|config| &mut config.topology_region),
    ),
    entry(
        "topology_zone",
        "TopologyZone",
        "where the client runs, finely",
        Kind::Text(|config| &mut config.topology_zone),
    ),
    entry(
        "max_msg_size",
        "MaxMsgSize",
        "the largest frame that is taken, in bytes; 0 for 256 MiB",
        integer!(max_msg_size, 0, u32::MAX as i64),
    ),
];

const WRONG_TYPE: &str = "invalid value type";

/// Sets one option; without a value it has to be a boolean, and becomes true.
pub(super) fn set(config: &mut Config, key: &str, value: Option<&str>) -> Result<(), ConfigError> {
    let name = key.replace('-', "_");
    let Some(entry) = OPTIONS.iter().find(|entry| entry.key == name) else {
        return Err(ConfigError::Unknown { key: key.to_owned() });
    };
    let coerce = |reason: String| ConfigError::Coerce {
        key: key.to_owned(),
        value: value.unwrap_or("true").to_owned(),
        reason,
    };
    let Some(text) = value else {
        return match &entry.kind {
            Kind::Boolean(at) => {
                *at(config) = true;
                Ok(())
            }
            _ => Err(coerce(WRONG_TYPE.to_owned())),
        };
    };
    match &entry.kind {
        Kind::Duration { range, at } => {
            let nanos = parse_duration(text).map_err(coerce)?;
            check(&name, nanos, *range, show_duration)?;
            *at(config) = Duration::from_nanos(nanos.unsigned_abs());
        }
        Kind::Optional(at) => {
            let nanos = parse_duration(text).map_err(coerce)?;
            check(&name, nanos, (OFF, i64::MAX), show_duration)?;
            *at(config) = u64::try_from(nanos).ok().map(Duration::from_nanos);
        }
        Kind::Integer { range, write, .. } => {
            let number =
                parse_decimal(text).map_err(|error| coerce(number_error("ParseInt", text, error)))?;
            check(&name, number, *range, |number| number.to_string())?;
            write(config, number);
        }
        Kind::Fraction(at) => {
            let number =
                parse_float(text).map_err(|error| coerce(number_error("ParseFloat", text, error)))?;
            check_fraction(&name, number)?;
            *at(config) = number;
        }
        Kind::Boolean(at) => {
            *at(config) = parse_bool(text)
                .ok_or_else(|| coerce(number_error("ParseBool", text, NumberError::Syntax)))?;
        }
        Kind::Text(at) => text.clone_into(at(config)),
        Kind::Path(at) => set_path(config, *at, text)?,
        Kind::Other(write) => write(config, text).map_err(coerce)?,
    }
    Ok(())
}

/// Checks all options of a configuration that may have been filled field by field.
pub(super) fn validate(config: &Config) -> Result<(), ConfigError> {
    // Only copies of fields are looked at; the entries have one accessor for both directions.
    let mut copy = config.clone();
    for entry in OPTIONS {
        match &entry.kind {
            Kind::Duration { range, at } => check(entry.field, nanos(*at(&mut copy)), *range, show_duration)?,
            Kind::Integer { range, read, .. } => {
                check(entry.field, read(config), *range, |number| number.to_string())?;
            }
            Kind::Fraction(at) => check_fraction(entry.field, *at(&mut copy))?,
            Kind::Optional(_) | Kind::Boolean(_) | Kind::Text(_) | Kind::Path(_) | Kind::Other(_) => {}
        }
    }
    match config.heartbeat_interval {
        Some(interval) if interval > config.read_timeout => Err(ConfigError::HeartbeatAboveReadTimeout {
            heartbeat_interval: show_duration(nanos(interval)),
            read_timeout: show_duration(nanos(config.read_timeout)),
        }),
        _ => Ok(()),
    }
}

fn check<T: PartialOrd + Copy>(
    name: &str,
    value: T,
    (min, max): (T, T),
    show: impl Fn(T) -> String,
) -> Result<(), ConfigError> {
    if value < min {
        return Err(ConfigError::Below {
            name: name.to_owned(),
            value: show(value),
            min: show(min),
        });
    }
    if value > max {
        return Err(ConfigError::Above {
            name: name.to_owned(),
            value: show(value),
            max: show(max),
        });
    }
    Ok(())
}

/// From 0 to 1. What is no number at all is above: it compares with nothing.
fn check_fraction(name: &str, value: f64) -> Result<(), ConfigError> {
    if value.is_nan() {
        return Err(ConfigError::Above {
            name: name.to_owned(),
            value: "NaN".to_owned(),
            max: "1".to_owned(),
        });
    }
    check(name, value, (0.0, 1.0), format_float)
}

fn nanos(duration: Duration) -> i64 {
    GoDuration::from(duration).as_nanos()
}

fn show_duration(nanos: i64) -> String {
    GoDuration::from_nanos(nanos).to_string()
}

fn parse_duration(text: &str) -> Result<i64, String> {
    match text.parse::<GoDuration>() {
        Ok(duration) => Ok(duration.as_nanos()),
        Err(error) => Err(error.to_string()),
    }
}

fn number_error(function: &str, text: &str, error: impl Display) -> String {
    format!("strconv.{function}: parsing {}: {error}", quote(text))
}

/// Reads the files as soon as they are named, so that a wrong name is told where it was given.
fn set_path(
    config: &mut Config,
    at: fn(&mut Config) -> &mut Option<PathBuf>,
    text: &str,
) -> Result<(), ConfigError> {
    let before = at(config).replace(PathBuf::from(text));
    if let Err(error) = config.tls_connector() {
        *at(config) = before;
        return Err(error);
    }
    Ok(())
}

fn set_local_addr(config: &mut Config, text: &str) -> Result<(), String> {
    // The port may be left out by naming none, as upstream's resolver allows.
    let padded = if text.ends_with(':') {
        format!("{text}0")
    } else {
        text.to_owned()
    };
    let address = padded
        .parse()
        .map_err(|_| format!("address {text}: not an IP address with a port"))?;
    config.local_addr = Some(address);
    Ok(())
}

fn set_backoff_strategy(config: &mut Config, text: &str) -> Result<(), String> {
    config.backoff_strategy = match text {
        "" | "exponential" => BackoffStrategy::Exponential,
        "full_jitter" => BackoffStrategy::FullJitter,
        _ => return Err(WRONG_TYPE.to_owned()),
    };
    Ok(())
}

fn set_tls_min_version(config: &mut Config, text: &str) -> Result<(), String> {
    config.tls_min_version = match text {
        "ssl3.0" | "tls1.0" | "tls1.1" | "tls1.2" => MinVersion::Tls12,
        "tls1.3" => MinVersion::Tls13,
        _ => return Err(format!("ERROR: {text} is not a tls version")),
    };
    Ok(())
}

#[cfg(test)]
mod reference;
