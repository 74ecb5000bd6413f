//! Every flag of nsqadmin, once.

use nsq_flags::{Flag, Table, field};

use super::RawOptions;

type Row = Flag<RawOptions>;

/// The flags of nsqadmin: names, keys and help. Types and defaults are those of [`RawOptions`].
///
/// The order is upstream's, in which the first bad value of a configuration file is reported; the third
/// column is what its error line shows. Those from `stats-interval` on are additions.
///
/// Upstream: nsqadmin/options.go, apps/nsqadmin/main.go.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print the version"),
    Row::new("config", field!(config), "path to a TOML configuration file"),
    Row::new("verbose", field!(verbose), "accepted for compatibility, no effect"),
    Row::option("log-level", field!(log_level), "LogLevel", "least serious kind of log line: debug, info, warn, error or fatal"),
    Row::option("log-prefix", field!(log_prefix), "LogPrefix", "text before each log line"),
    Row::option("http-address", field!(http_address), "HTTPAddress", "<addr>:<port> to listen on for HTTP clients"),
    Row::option("base-path", field!(base_path), "BasePath", "URL path that everything is served below"),
    Row::option("dev-static-dir", field!(dev_static_dir), "DevStaticDir", "directory to serve the web pages from, instead of those built in (development)"),
    Row::option("graphite-url", field!(graphite_url), "GraphiteURL", "URL of Graphite; empty for none").holds_urls(),
    Row::option("proxy-graphite", field!(proxy_graphite), "ProxyGraphite", "let browsers reach Graphite by way of this nsqadmin"),
    Row::option("statsd-prefix", field!(statsd_prefix), "StatsdPrefix", "prefix of the names that nsqd sends to statsd, %s for its address"),
    Row::option("statsd-counter-format", field!(statsd_counter_format), "StatsdCounterFormat", "name of a counter in Graphite, %s for its name in statsd; empty for the same"),
    Row::option("statsd-gauge-format", field!(statsd_gauge_format), "StatsdGaugeFormat", "name of a gauge in Graphite, %s for its name in statsd; empty for the same"),
    Row::option("statsd-interval", field!(statsd_interval), "StatsdInterval", "time between what nsqd sends to statsd"),
    Row::option("lookupd-http-address", field!(nsqlookupd_http_addresses), "NSQLookupdHTTPAddresses", "<addr>:<port> of an nsqlookupd (may be given several times)").key("nsqlookupd_http_addresses"),
    Row::option("nsqd-http-address", field!(nsqd_http_addresses), "NSQDHTTPAddresses", "<addr>:<port> of an nsqd, if there is no nsqlookupd (may be given several times)").key("nsqd_http_addresses"),
    Row::option("http-client-connect-timeout", field!(http_client_connect_timeout), "HTTPClientConnectTimeout", "longest time to connect to nsqlookupd, nsqd and others"),
    Row::option("http-client-request-timeout", field!(http_client_request_timeout), "HTTPClientRequestTimeout", "longest time for an answer of them"),
    Row::option("http-client-tls-insecure-skip-verify", field!(http_client_tls_insecure_skip_verify), "HTTPClientTLSInsecureSkipVerify", "take any TLS server for the right one"),
    Row::option("http-client-tls-root-ca-file", field!(http_client_tls_root_ca_file), "HTTPClientTLSRootCAFile", "CA file, PEM, for the certificates of nsqds"),
    Row::option("http-client-tls-cert", field!(http_client_tls_cert), "HTTPClientTLSCert", "own certificate, PEM, for nsqds that ask for one"),
    Row::option("http-client-tls-key", field!(http_client_tls_key), "HTTPClientTLSKey", "its key, PEM"),
    Row::option("allow-config-from-cidr", field!(allow_config_from_cidr), "AllowConfigFromCIDR", "network that may read and change /config; empty for all"),
    Row::option("notification-http-endpoint", field!(notification_http_endpoint), "NotificationHTTPEndpoint", "URL that every change by a user is POSTed to").holds_urls(),
    Row::option("acl-http-header", field!(acl_http_header), "ACLHTTPHeader", "header that a proxy puts the name of the user into"),
    Row::option("admin-user", field!(admin_users), "AdminUsers", "user who may change things; all may if there is none (may be given several times)").key("admin_users"),
    Row::option("stats-interval", field!(stats_interval), "StatsInterval", "time between two looks at all nsqds and nsqlookupds; 0 to look only when a page is open"),
    Row::option("stats-memory", field!(stats_memory), "StatsMemory", "bytes for the history of topics, channels and nodes"),
    Row::option("tail-access", field!(tail_access), "TailAccess", "who may watch the messages of a topic: admin, all or off"),
    Row::option("tail-max-sessions", field!(tail_max_sessions), "TailMaxSessions", "how many may do so at once"),
    Row::option("publish-access", field!(publish_access), "PublishAccess", "who may publish messages from the web pages: admin, all or off"),
    Row::option("nsqd-tls", field!(nsqd_tls), "NSQDTLS", "use TLS to watch messages of nsqds"),
    Row::option("nsqd-tls-insecure-skip-verify", field!(nsqd_tls_insecure_skip_verify), "NSQDTLSInsecureSkipVerify", "there, take any nsqd for the right one"),
    Row::option("nsqd-tls-root-ca-file", field!(nsqd_tls_root_ca_file), "NSQDTLSRootCAFile", "there, CA file, PEM, for the certificates of nsqds"),
    Row::option("nsqd-tls-cert", field!(nsqd_tls_cert), "NSQDTLSCert", "there, own certificate, PEM"),
    Row::option("nsqd-tls-key", field!(nsqd_tls_key), "NSQDTLSKey", "there, its key, PEM"),
    Row::option("nsqd-auth-secret-file", field!(nsqd_auth_secret_file), "NSQDAuthSecretFile", "file with the secret for nsqds that ask for authorization"),
    Row::option("frame-ancestors", field!(frame_ancestors), "FrameAncestors", "who may show the pages in a frame, as in a Content-Security-Policy"),
    Row::option("external-link", field!(external_links), "ExternalLinks", "<name>=<URL> to link from topics, channels and nodes, with {topic}, {channel} and {node} (may be given several times)").key("external_links"),
]);
