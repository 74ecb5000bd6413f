//! From raw values to options that make an nsqd.

use std::time::Duration;

use nsq_flags::GoDuration;

use super::auth::AuthMethod;
use super::host::NODE_IDS;
use super::tls::ClientAuthPolicy;
use super::{
    Options, OptionsError, RawOptions, StatsdOptions, TOPOLOGY_AWARE_CONSUMPTION, TlsOptions, TlsRequired,
};

/// The largest message size: with what a disk record adds to it, 31 bits hold its length.
const MSG_SIZE_MAX: i64 = (1 << 31) - 27;

/// Pushes to statsd are spread over the interval less this, which must leave something.
const STATSD_SPREAD_MARGIN: GoDuration = GoDuration::from_secs(1);

impl Options {
    /// Checks `raw`, in upstream's order. `build_tls` is called at its turn to load the files that TLS
    /// needs, and what it makes is handed back.
    ///
    /// # Errors
    /// The first value that is refused; or what `build_tls` says.
    ///
    /// # Differs from upstream
    /// Values with which upstream starts and then crashes, hangs or does nothing are refused, and so are
    /// negative sizes and times and unknown words for `--tls-client-auth-policy`.
    pub fn validate<T>(
        mut raw: RawOptions,
        build_tls: impl FnOnce(&TlsOptions) -> Result<T, OptionsError>,
    ) -> Result<(Self, T), OptionsError> {
        let max_deflate_level = u8::try_from(raw.max_deflate_level)
            .ok()
            .filter(|level| (1..=9).contains(level))
            .ok_or(out_of_range("max-deflate-level", "[1,9]"))?;
        let node_id = u16::try_from(raw.node_id)
            .ok()
            .filter(|&id| u32::from(id) < NODE_IDS)
            .ok_or(out_of_range("node-id", "[0,1024)"))?;
        let tls = tls_options(&mut raw)?;
        let built = build_tls(&tls)?;
        let auth_http_request_method = AuthMethod::from_word(&raw.auth_http_request_method)
            .ok_or(out_of_range("auth-http-request-method", "post or get"))?;
        let percentiles = percentiles(&raw)?;
        refuse_ineffective(&raw)?;

        let options = Self {
            node_id,
            log_level: raw.log_level,
            log_prefix: raw.log_prefix.clone(),
            tcp_address: raw.tcp_address.clone(),
            http_address: raw.http_address.clone(),
            https_address: raw.https_address.clone(),
            broadcast_address: raw.broadcast_address.clone(),
            broadcast_tcp_port: port("broadcast-tcp-port", raw.broadcast_tcp_port)?,
            broadcast_http_port: port("broadcast-http-port", raw.broadcast_http_port)?,
            nsqlookupd_tcp_addresses: raw.nsqlookupd_tcp_addresses.as_slice().to_vec(),
            auth_http_addresses: raw.auth_http_addresses.as_slice().to_vec(),
            auth_http_request_method,
            http_client_connect_timeout: span(
                "http-client-connect-timeout",
                raw.http_client_connect_timeout,
            )?,
            http_client_request_timeout: span(
                "http-client-request-timeout",
                raw.http_client_request_timeout,
            )?,
            topology_region: raw.topology_region.clone(),
            topology_zone: raw.topology_zone.clone(),
            topology_aware_consumption: raw
                .experiments
                .as_slice()
                .iter()
                .any(|name| name == TOPOLOGY_AWARE_CONSUMPTION),
            data_path: raw.data_path.clone().into(),
            mem_queue_size: size("mem-queue-size", raw.mem_queue_size)?,
            max_bytes_per_file: count("max-bytes-per-file", raw.max_bytes_per_file)?,
            sync_every: count("sync-every", raw.sync_every)?,
            sync_timeout: span("sync-timeout", raw.sync_timeout)?,
            msg_timeout: span("msg-timeout", raw.msg_timeout)?,
            max_msg_timeout: span("max-msg-timeout", raw.max_msg_timeout)?,
            max_msg_size: size("max-msg-size", raw.max_msg_size)?,
            max_body_size: size("max-body-size", raw.max_body_size)?,
            max_req_timeout: span("max-req-timeout", raw.max_req_timeout)?,
            max_heartbeat_interval: span("max-heartbeat-interval", raw.max_heartbeat_interval)?,
            max_rdy_count: count("max-rdy-count", raw.max_rdy_count)?,
            max_output_buffer_size: size("max-output-buffer-size", raw.max_output_buffer_size)?,
            max_output_buffer_timeout: span("max-output-buffer-timeout", raw.max_output_buffer_timeout)?,
            min_output_buffer_timeout: span("min-output-buffer-timeout", raw.min_output_buffer_timeout)?,
            output_buffer_timeout: span("output-buffer-timeout", raw.output_buffer_timeout)?,
            requeue_on_disconnect: raw.requeue_on_disconnect,
            durability: raw
                .durability
                .parse()
                .map_err(|_| out_of_range("durability", "go, disk or fsync"))?,
            keep_deferred: raw.keep_deferred,
            min_free_disk_space: count("min-free-disk-space", raw.min_free_disk_space)?,
            max_channel_consumers: Some(size("max-channel-consumers", raw.max_channel_consumers)?)
                .filter(|&consumers| consumers > 0),
            e2e_processing_latency_percentiles: percentiles,
            e2e_processing_latency_window_time: span(
                "e2e-processing-latency-window-time",
                raw.e2e_processing_latency_window_time,
            )?,
            statsd: statsd_options(&raw)?,
            tls,
            deflate: raw.deflate,
            max_deflate_level,
            snappy: raw.snappy,
            raw,
        };
        Ok((options, built))
    }
}

/// A client authorization policy implies that TLS is required, which `raw` then says as well.
fn tls_options(raw: &mut RawOptions) -> Result<TlsOptions, OptionsError> {
    let client_auth_policy = ClientAuthPolicy::from_word(&raw.tls_client_auth_policy).ok_or(out_of_range(
        "tls-client-auth-policy",
        "require or require-verify",
    ))?;
    if client_auth_policy != ClientAuthPolicy::None && raw.tls_required == TlsRequired::No {
        raw.tls_required = TlsRequired::Yes;
    }
    let tls = TlsOptions {
        cert: raw.tls_cert.clone().into(),
        key: raw.tls_key.clone().into(),
        client_auth_policy,
        root_ca_file: raw.tls_root_ca_file.clone().into(),
        required: raw.tls_required,
        min_version: raw.tls_min_version,
    };
    if tls.required != TlsRequired::No && !tls.is_enabled() {
        return Err(OptionsError::TlsRequiredWithoutCertificate);
    }
    Ok(tls)
}

fn percentiles(raw: &RawOptions) -> Result<Vec<f64>, OptionsError> {
    let percentiles = raw.e2e_processing_latency_percentiles.as_slice();
    match percentiles
        .iter()
        .find(|&&quantile| !(quantile > 0.0 && quantile <= 1.0))
    {
        Some(&quantile) => Err(OptionsError::Percentile(quantile)),
        None => Ok(percentiles.to_vec()),
    }
}

fn statsd_options(raw: &RawOptions) -> Result<Option<StatsdOptions>, OptionsError> {
    let udp_packet_size = size("statsd-udp-packet-size", raw.statsd_udp_packet_size)?;
    let interval = span("statsd-interval", raw.statsd_interval)?;
    if raw.statsd_address.is_empty() {
        return Ok(None);
    }
    Ok(Some(StatsdOptions {
        address: raw.statsd_address.clone(),
        prefix: raw.statsd_prefix.clone(),
        interval,
        mem_stats: raw.statsd_mem_stats,
        udp_packet_size,
        exclude_ephemeral: raw.statsd_exclude_ephemeral,
    }))
}

/// Refuses what upstream accepts and cannot work with.
fn refuse_ineffective(raw: &RawOptions) -> Result<(), OptionsError> {
    const POSITIVE: &str = "positive";
    let has_percentiles = !raw.e2e_processing_latency_percentiles.as_slice().is_empty();
    for (is_refused, flag, must_be) in [
        (raw.sync_timeout <= GoDuration::ZERO, "sync-timeout", POSITIVE),
        (
            raw.output_buffer_timeout <= GoDuration::ZERO,
            "output-buffer-timeout",
            POSITIVE,
        ),
        (
            !raw.statsd_address.is_empty() && raw.statsd_interval <= STATSD_SPREAD_MARGIN,
            "statsd-interval",
            "longer than 1s",
        ),
        (
            raw.queue_scan_selection_count <= 0,
            "queue-scan-selection-count",
            POSITIVE,
        ),
        (
            raw.queue_scan_worker_pool_max <= 0,
            "queue-scan-worker-pool-max",
            POSITIVE,
        ),
        (
            has_percentiles && raw.e2e_processing_latency_window_time <= GoDuration::ZERO,
            "e2e-processing-latency-window-time",
            POSITIVE,
        ),
        (
            raw.max_msg_size > MSG_SIZE_MAX,
            "max-msg-size",
            "at most 2147483621",
        ),
    ] {
        if is_refused {
            return Err(out_of_range(flag, must_be));
        }
    }
    Ok(())
}

const fn out_of_range(flag: &'static str, must_be: &'static str) -> OptionsError {
    OptionsError::OutOfRange { flag, must_be }
}

const fn negative(flag: &'static str) -> OptionsError {
    out_of_range(flag, "zero or more")
}

fn count(flag: &'static str, value: i64) -> Result<u64, OptionsError> {
    u64::try_from(value).map_err(|_| negative(flag))
}

/// A number of things in memory; more than can be addressed is as many as can be.
fn size(flag: &'static str, value: i64) -> Result<usize, OptionsError> {
    Ok(usize::try_from(count(flag, value)?).unwrap_or(usize::MAX))
}

fn port(flag: &'static str, value: i64) -> Result<u16, OptionsError> {
    u16::try_from(value).map_err(|_| out_of_range(flag, "[0,65535]"))
}

fn span(flag: &'static str, value: GoDuration) -> Result<Duration, OptionsError> {
    value.to_std().ok_or(negative(flag))
}
