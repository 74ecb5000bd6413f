//! Every flag of nsqlookupd, once.

use nsq_flags::{Flag, Table, field};

use super::RawOptions;

type Row = Flag<RawOptions>;

/// The flags of nsqlookupd: names, keys and help. Types and defaults are those of [`RawOptions`].
///
/// The order is upstream's, in which the first bad value of a configuration file is reported; the third
/// column is what its error line shows. Upstream: nsqlookupd/options.go, apps/nsqlookupd/main.go.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print the version"),
    Row::new("config", field!(config), "path to a TOML configuration file"),
    Row::new(
        "verbose",
        field!(verbose),
        "accepted for compatibility, no effect",
    ),
    Row::option(
        "log-level",
        field!(log_level),
        "LogLevel",
        "least serious kind of log line: debug, info, warn, error or fatal",
    ),
    Row::option(
        "log-prefix",
        field!(log_prefix),
        "LogPrefix",
        "text before each log line",
    ),
    Row::option(
        "tcp-address",
        field!(tcp_address),
        "TCPAddress",
        "<addr>:<port> to listen on for nsqds",
    ),
    Row::option(
        "http-address",
        field!(http_address),
        "HTTPAddress",
        "<addr>:<port> to listen on for HTTP clients",
    ),
    Row::option(
        "broadcast-address",
        field!(broadcast_address),
        "BroadcastAddress",
        "address of this nsqlookupd that is told to nsqds",
    )
    .documented_default("host name"),
    Row::option(
        "inactive-producer-timeout",
        field!(inactive_producer_timeout),
        "InactiveProducerTimeout",
        "time after its last ping for which a producer is still listed",
    ),
    Row::option(
        "tombstone-lifetime",
        field!(tombstone_lifetime),
        "TombstoneLifetime",
        "time for which a tombstoned producer is left out of lookups of the topic",
    ),
]);
