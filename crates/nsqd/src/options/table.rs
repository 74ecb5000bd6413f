//! Every flag of nsqd, once.

use nsq_flags::{Flag, Table, field};

use super::RawOptions;

type Row = Flag<RawOptions>;

/// The flags of nsqd: names, keys and help. Types and defaults are those of [`RawOptions`].
///
/// The order is upstream's, in which the first bad value of a configuration file is reported; the third
/// column is what its error line shows. Upstream: nsqd/options.go, apps/nsqd/options.go.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print the version"),
    Row::new("config", field!(config), "path to a TOML configuration file"),
    Row::new(
        "verbose",
        field!(verbose),
        "accepted for compatibility, no effect",
    ),
    Row::new(
        "worker-id",
        field!(worker_id),
        "accepted for compatibility, no effect: see --node-id",
    ),
    Row::option(
        "node-id",
        field!(node_id),
        "ID",
        "unique part of message ids, in [0,1024)",
    )
    .key("id")
    .documented_default("hash of the host name"),
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
        "<addr>:<port> to listen on for TCP clients, or the path of a unix socket",
    ),
    Row::option(
        "http-address",
        field!(http_address),
        "HTTPAddress",
        "<addr>:<port> to listen on for HTTP clients, or the path of a unix socket; empty for none",
    ),
    Row::option(
        "https-address",
        field!(https_address),
        "HTTPSAddress",
        "<addr>:<port> to listen on for HTTPS clients, if there is a certificate; empty for none",
    ),
    Row::option(
        "broadcast-address",
        field!(broadcast_address),
        "BroadcastAddress",
        "address that is registered with nsqlookupd and told to clients",
    )
    .documented_default("host name"),
    Row::option(
        "broadcast-tcp-port",
        field!(broadcast_tcp_port),
        "BroadcastTCPPort",
        "TCP port that is registered with nsqlookupd; 0 for the one listened on",
    ),
    Row::option(
        "broadcast-http-port",
        field!(broadcast_http_port),
        "BroadcastHTTPPort",
        "HTTP port that is registered with nsqlookupd; 0 for the one listened on",
    ),
    Row::option(
        "lookupd-tcp-address",
        field!(nsqlookupd_tcp_addresses),
        "NSQLookupdTCPAddresses",
        "TCP address of a nsqlookupd (may be given multiple times)",
    )
    .key("nsqlookupd_tcp_addresses"),
    Row::option(
        "auth-http-address",
        field!(auth_http_addresses),
        "AuthHTTPAddresses",
        "<addr>:<port> or full URL of an authorization server (may be given multiple times)",
    )
    .key("auth_http_addresses")
    .holds_urls(),
    Row::option(
        "auth-http-request-method",
        field!(auth_http_request_method),
        "AuthHTTPRequestMethod",
        "HTTP method for authorization requests: get or post",
    ),
    Row::option(
        "http-client-connect-timeout",
        field!(http_client_connect_timeout),
        "HTTPClientConnectTimeout",
        "time for an outgoing HTTP connection to be made",
    ),
    Row::option(
        "http-client-request-timeout",
        field!(http_client_request_timeout),
        "HTTPClientRequestTimeout",
        "time for an outgoing HTTP request to be answered",
    ),
    Row::option(
        "topology-region",
        field!(topology_region),
        "TopologyRegion",
        "region this nsqd is in, for topology-aware consumption",
    ),
    Row::option(
        "topology-zone",
        field!(topology_zone),
        "TopologyZone",
        "zone this nsqd is in, for topology-aware consumption",
    ),
    Row::option(
        "data-path",
        field!(data_path),
        "DataPath",
        "directory for the files of disk queues and metadata, which must exist; empty for the \
         working directory",
    ),
    Row::option(
        "mem-queue-size",
        field!(mem_queue_size),
        "MemQueueSize",
        "messages to keep in memory, per topic and per channel",
    ),
    Row::option(
        "max-bytes-per-file",
        field!(max_bytes_per_file),
        "MaxBytesPerFile",
        "bytes per file of a disk queue before the next one is begun",
    ),
    Row::option(
        "sync-every",
        field!(sync_every),
        "SyncEvery",
        "operations of a disk queue between two fsyncs",
    ),
    Row::option(
        "sync-timeout",
        field!(sync_timeout),
        "SyncTimeout",
        "time between two fsyncs of a disk queue",
    ),
    Row::option(
        "queue-scan-worker-pool-max",
        field!(queue_scan_worker_pool_max),
        "QueueScanWorkerPoolMax",
        "accepted for compatibility, no effect: no queue is scanned",
    ),
    Row::option(
        "queue-scan-selection-count",
        field!(queue_scan_selection_count),
        "QueueScanSelectionCount",
        "accepted for compatibility, no effect: no queue is scanned",
    ),
    Row::option(
        "msg-timeout",
        field!(msg_timeout),
        "MsgTimeout",
        "time a message may be in flight before it is requeued, unless a client asks otherwise",
    ),
    Row::option(
        "max-msg-timeout",
        field!(max_msg_timeout),
        "MaxMsgTimeout",
        "longest time that a client may ask for, or extend by touching",
    ),
    Row::option(
        "max-msg-size",
        field!(max_msg_size),
        "MaxMsgSize",
        "bytes of a single message",
    ),
    Row::option(
        "max-body-size",
        field!(max_body_size),
        "MaxBodySize",
        "bytes of a single command body",
    ),
    Row::option(
        "max-req-timeout",
        field!(max_req_timeout),
        "MaxReqTimeout",
        "longest time for which a message may be requeued or deferred",
    ),
    Row::option(
        "max-heartbeat-interval",
        field!(max_heartbeat_interval),
        "MaxHeartbeatInterval",
        "longest time between heartbeats that a client may ask for",
    ),
    Row::option(
        "max-rdy-count",
        field!(max_rdy_count),
        "MaxRdyCount",
        "largest RDY count of a client",
    ),
    Row::option(
        "max-output-buffer-size",
        field!(max_output_buffer_size),
        "MaxOutputBufferSize",
        "bytes of the largest output buffer that a client may ask for",
    ),
    Row::option(
        "max-output-buffer-timeout",
        field!(max_output_buffer_timeout),
        "MaxOutputBufferTimeout",
        "longest time between flushes that a client may ask for",
    ),
    Row::option(
        "min-output-buffer-timeout",
        field!(min_output_buffer_timeout),
        "MinOutputBufferTimeout",
        "shortest time between flushes that a client may ask for",
    ),
    Row::option(
        "output-buffer-timeout",
        field!(output_buffer_timeout),
        "OutputBufferTimeout",
        "longest time that output to a client is buffered, unless it asks otherwise",
    ),
    Row::option(
        "max-channel-consumers",
        field!(max_channel_consumers),
        "MaxChannelConsumers",
        "consumers per channel on this nsqd; 0 for no limit",
    ),
    Row::option(
        "statsd-address",
        field!(statsd_address),
        "StatsdAddress",
        "UDP <addr>:<port> of a statsd daemon to push statistics to; empty for none",
    ),
    Row::option(
        "statsd-prefix",
        field!(statsd_prefix),
        "StatsdPrefix",
        "prefix of the names sent to statsd; %s is replaced by the host",
    ),
    Row::option(
        "statsd-interval",
        field!(statsd_interval),
        "StatsdInterval",
        "time between pushes to statsd, longer than a second",
    ),
    Row::option(
        "statsd-mem-stats",
        field!(statsd_mem_stats),
        "StatsdMemStats",
        "send memory statistics to statsd",
    ),
    Row::option(
        "statsd-udp-packet-size",
        field!(statsd_udp_packet_size),
        "StatsdUDPPacketSize",
        "bytes of a packet to statsd",
    ),
    Row::option(
        "statsd-exclude-ephemeral",
        field!(statsd_exclude_ephemeral),
        "StatsdExcludeEphemeral",
        "leave ephemeral topics and channels out of what is sent to statsd",
    ),
    Row::option(
        "e2e-processing-latency-window-time",
        field!(e2e_processing_latency_window_time),
        "E2EProcessingLatencyWindowTime",
        "time over which end-to-end latency quantiles are kept",
    ),
    Row::option(
        "e2e-processing-latency-percentile",
        field!(e2e_processing_latency_percentiles),
        "E2EProcessingLatencyPercentiles",
        "end-to-end latency quantile to keep, in (0,1] (may be given multiple times or \
         comma-separated; none by default)",
    )
    .key("e2e_processing_latency_percentiles"),
    Row::option("tls-cert", field!(tls_cert), "TLSCert", "certificate file, PEM"),
    Row::option("tls-key", field!(tls_key), "TLSKey", "private key file, PEM"),
    Row::option(
        "tls-client-auth-policy",
        field!(tls_client_auth_policy),
        "TLSClientAuthPolicy",
        "what TLS clients have to show: require (any certificate) or require-verify (one signed \
         by the CA)",
    ),
    Row::option(
        "tls-root-ca-file",
        field!(tls_root_ca_file),
        "TLSRootCAFile",
        "CA file, PEM, for client certificates and outgoing HTTPS",
    ),
    Row::option(
        "tls-required",
        field!(tls_required),
        "TLSRequired",
        "require TLS of clients: true, false or tcp-https (needs =)",
    ),
    Row::option(
        "tls-min-version",
        field!(tls_min_version),
        "TLSMinVersion",
        "oldest TLS version to accept: tls1.0, tls1.1, tls1.2 or tls1.3",
    ),
    Row::option(
        "deflate",
        field!(deflate),
        "DeflateEnabled",
        "let clients negotiate deflate compression",
    ),
    Row::option(
        "max-deflate-level",
        field!(max_deflate_level),
        "MaxDeflateLevel",
        "highest deflate level that a client may ask for, in [1,9]",
    ),
    Row::option(
        "snappy",
        field!(snappy),
        "SnappyEnabled",
        "let clients negotiate snappy compression",
    ),
    Row::option(
        "enable-experiment",
        field!(experiments),
        "Experiments",
        "experimental feature to switch on: topology-aware-consumption (may be given multiple times)",
    )
    .key("enable_experiment"),
    Row::option(
        "requeue-on-disconnect",
        field!(requeue_on_disconnect),
        "RequeueOnDisconnect",
        "return a client's messages in flight to their channel when its connection ends, \
         instead of after their timeout",
    ),
    Row::option(
        "durability",
        field!(durability),
        "Durability",
        "what is done before a publisher is told OK: go (a place in memory, or on disk if that is full), \
         disk (written, survives a crash of nsqd) or fsync (synced, survives a power loss)",
    ),
    Row::option(
        "keep-deferred",
        field!(keep_deferred),
        "KeepDeferred",
        "let messages that are deferred when nsqd is stopped wait until they are due after the next start, too, \
         instead of delivering them at once then",
    ),
    Row::option(
        "min-free-disk-space",
        field!(min_free_disk_space),
        "MinFreeDiskSpace",
        "bytes of disk space below which publishers are refused instead of filling the disk; 0 for none",
    ),
]);
