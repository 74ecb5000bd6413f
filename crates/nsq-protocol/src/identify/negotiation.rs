//! What becomes of a request.

use std::time::Duration;

use super::{IdentifyRequest, IdentifyResponse};
use crate::client_error::ClientError;
use crate::error_code::ErrorCode;

/// Bytes gathered before writing to a client that asks for nothing else. Upstream: `nsqd/client_v2.go`,
/// `defaultBufferSize`.
const OUTPUT_BUFFER_SIZE: usize = 16 * 1024;

/// The smallest output buffer a client may ask for. Upstream: `nsqd/client_v2.go`, `SetOutputBuffer`.
const OUTPUT_BUFFER_SIZE_MIN: i64 = 64;

/// The shortest interval and timeout a client may ask for, in milliseconds. Upstream: `nsqd/client_v2.go`,
/// `SetHeartbeatInterval` and `SetMsgTimeout`.
const INTERVAL_MIN_MS: i64 = 1000;

/// Time between heartbeats for a client that asks for nothing else. Upstream: half of the
/// client timeout, an option that has no flag.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(30);

/// A percentage of 100 or more is refused: 0 means all.
const SAMPLE_RATE_MAX: i32 = 99;

/// Compression level of deflate for a client that asks for nothing else. Upstream: `nsqd/protocol_v2.go`.
const DEFLATE_LEVEL: i64 = 6;

/// The server's options that bound what IDENTIFY may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentifyLimits {
    /// `--max-heartbeat-interval`
    pub max_heartbeat_interval: Duration,
    /// `--max-output-buffer-size`, in bytes
    pub max_output_buffer_size: i64,
    /// `--min-output-buffer-timeout`
    pub min_output_buffer_timeout: Duration,
    /// `--max-output-buffer-timeout`
    pub max_output_buffer_timeout: Duration,
    /// `--max-msg-timeout`
    pub max_msg_timeout: Duration,
}

impl Default for IdentifyLimits {
    /// nsqd's defaults.
    fn default() -> Self {
        Self {
            max_heartbeat_interval: Duration::from_secs(60),
            max_output_buffer_size: 64 * 1024,
            min_output_buffer_timeout: Duration::from_millis(25),
            max_output_buffer_timeout: Duration::from_secs(30),
            max_msg_timeout: Duration::from_secs(15 * 60),
        }
    }
}

/// What the server tells about itself, and which features it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a feature of its own")]
pub struct ServerInfo {
    /// nsqd's version.
    pub version: String,
    /// `--max-rdy-count`
    pub max_rdy_count: i64,
    /// A certificate is configured.
    pub tls: bool,
    /// `--snappy`
    pub snappy: bool,
    /// `--deflate`
    pub deflate: bool,
    /// `--max-deflate-level`
    pub max_deflate_level: i64,
    /// An auth server is configured.
    pub auth_required: bool,
    /// `--topology-region`
    pub topology_region: String,
    /// `--topology-zone`
    pub topology_zone: String,
}

/// What one connection runs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSettings {
    /// Time between heartbeats; `None` when the client turned them off, and all deadlines with them.
    pub heartbeat_interval: Option<Duration>,
    /// Bytes to gather before writing; 1 writes at once.
    pub output_buffer_size: usize,
    /// Time after which gathered bytes are written; `None` for never.
    pub output_buffer_timeout: Option<Duration>,
    /// Percentage of messages to deliver; 0 delivers all.
    pub sample_rate: i32,
    /// How long the client may hold a message.
    pub msg_timeout: Duration,
}

impl ClientSettings {
    /// The settings of a client that has not sent IDENTIFY, from `--msg-timeout` and
    /// `--output-buffer-timeout`.
    pub fn new(msg_timeout: Duration, output_buffer_timeout: Duration) -> Self {
        Self {
            heartbeat_interval: Some(HEARTBEAT_INTERVAL),
            output_buffer_size: OUTPUT_BUFFER_SIZE,
            output_buffer_timeout: Some(output_buffer_timeout).filter(|timeout| !timeout.is_zero()),
            sample_rate: 0,
            msg_timeout,
        }
    }
}

impl IdentifyRequest {
    /// Checks what the request asks for, and returns what `present` becomes with it.
    ///
    /// # Errors
    ///
    /// `E_BAD_BODY` about the first value that is out of range.
    pub fn apply(
        &self,
        present: ClientSettings,
        limits: &IdentifyLimits,
    ) -> Result<ClientSettings, ClientError> {
        let mut settings = present;
        match self.heartbeat_interval_ms {
            0 => {}
            -1 => settings.heartbeat_interval = None,
            asked => {
                let max_ms = millis(limits.max_heartbeat_interval);
                settings.heartbeat_interval =
                    Some(in_range("heartbeat interval", asked, INTERVAL_MIN_MS, max_ms).map(duration)?);
            }
        }
        match self.output_buffer_timeout_ms {
            0 => {}
            -1 => settings.output_buffer_timeout = None,
            asked => {
                let min_ms = millis(limits.min_output_buffer_timeout);
                let max_ms = millis(limits.max_output_buffer_timeout);
                settings.output_buffer_timeout =
                    Some(in_range("output buffer timeout", asked, min_ms, max_ms).map(duration)?);
            }
        }
        match self.output_buffer_size {
            0 => {}
            -1 => {
                settings.output_buffer_size = 1;
                settings.output_buffer_timeout = None;
            }
            asked => {
                let max = limits.max_output_buffer_size;
                let size = in_range("output buffer size", asked, OUTPUT_BUFFER_SIZE_MIN, max)?;
                settings.output_buffer_size =
                    usize::try_from(size).map_err(|_| out_of_range("output buffer size", asked))?;
            }
        }
        if !(0..=SAMPLE_RATE_MAX).contains(&self.sample_rate) {
            return Err(out_of_range("sample rate", i64::from(self.sample_rate)));
        }
        settings.sample_rate = self.sample_rate;
        match self.msg_timeout_ms {
            0 => {}
            asked => {
                let max_ms = millis(limits.max_msg_timeout);
                settings.msg_timeout =
                    in_range("msg timeout", asked, INTERVAL_MIN_MS, max_ms).map(duration)?;
            }
        }
        Ok(settings)
    }

    /// Grants features and composes the answer, or `None` when the client does not negotiate: the answer is
    /// then `OK`, and nothing is upgraded.
    ///
    /// `settings` are those that [`apply`](Self::apply) returned. The upgrades that follow are the ones the
    /// answer names.
    ///
    /// # Errors
    ///
    /// `E_IDENTIFY_FAILED` when both compressions would be granted.
    pub fn negotiate(
        &self,
        settings: &ClientSettings,
        limits: &IdentifyLimits,
        server: &ServerInfo,
    ) -> Result<Option<IdentifyResponse>, ClientError> {
        if !self.feature_negotiation {
            return Ok(None);
        }
        let snappy = self.snappy && server.snappy;
        let deflate = self.deflate && server.deflate;
        if snappy && deflate {
            return Err(ClientError::both_compressions());
        }
        let deflate_level = if deflate && self.deflate_level > 0 {
            self.deflate_level
        } else {
            DEFLATE_LEVEL
        };
        Ok(Some(IdentifyResponse {
            max_rdy_count: server.max_rdy_count,
            version: server.version.clone(),
            max_msg_timeout_ms: millis(limits.max_msg_timeout),
            msg_timeout_ms: millis(settings.msg_timeout),
            tls_v1: self.tls_v1 && server.tls,
            deflate,
            deflate_level: deflate_level.min(server.max_deflate_level),
            max_deflate_level: server.max_deflate_level,
            snappy,
            sample_rate: settings.sample_rate,
            auth_required: server.auth_required,
            output_buffer_size: i64::try_from(settings.output_buffer_size).unwrap_or(i64::MAX),
            output_buffer_timeout_ms: settings.output_buffer_timeout.map_or(0, millis),
            topology_region: server.topology_region.clone(),
            topology_zone: server.topology_zone.clone(),
        }))
    }
}

fn in_range(what: &str, asked: i64, min: i64, max: i64) -> Result<i64, ClientError> {
    if (min..=max).contains(&asked) {
        Ok(asked)
    } else {
        Err(out_of_range(what, asked))
    }
}

fn out_of_range(what: &str, asked: i64) -> ClientError {
    ClientError::new(
        ErrorCode::BadBody,
        format!("IDENTIFY {what} ({asked}) is invalid"),
    )
}

/// Whole milliseconds, which is what clients ask and are answered in.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn duration(millis: i64) -> Duration {
    Duration::from_millis(millis.unsigned_abs())
}
