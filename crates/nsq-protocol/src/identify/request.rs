//! What a client asks for.

use std::fmt;

use serde::Serialize;

use crate::client_error::ClientError;
use crate::error_code::ErrorCode;
use crate::json;
use crate::one_line::OneLine;

/// The body of IDENTIFY. A field that is absent is empty, 0 or false.
///
/// `Display` prints it for the log, in the order and spelling upstream logs it, with control characters
/// escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the fields are those of the wire format"
)]
pub struct IdentifyRequest {
    /// What the client calls itself; shown in stats.
    pub client_id: String,
    /// The client's host; shown in stats.
    pub hostname: String,
    /// The client library and its version; shown in stats.
    pub user_agent: String,
    /// Answer with JSON and grant features, instead of a plain `OK`.
    pub feature_negotiation: bool,
    /// Milliseconds between heartbeats; 0 keeps the present value, -1 turns heartbeats off.
    #[serde(rename = "heartbeat_interval")]
    pub heartbeat_interval_ms: i64,
    /// Bytes to gather before writing to the client; 0 keeps the present value, -1 writes at once.
    pub output_buffer_size: i64,
    /// Milliseconds after which gathered bytes are written; 0 keeps the present value, -1 waits without end.
    #[serde(rename = "output_buffer_timeout")]
    pub output_buffer_timeout_ms: i64,
    /// Ask for TLS.
    pub tls_v1: bool,
    /// Ask for snappy compression.
    pub snappy: bool,
    /// Ask for deflate compression.
    pub deflate: bool,
    /// Compression level of deflate; the default if not positive.
    pub deflate_level: i64,
    /// Percentage of messages to deliver; 0 delivers all.
    pub sample_rate: i32,
    /// Milliseconds the client may hold a message; 0 keeps the present value.
    #[serde(rename = "msg_timeout")]
    pub msg_timeout_ms: i64,
    /// Where the client runs, coarsely.
    pub topology_region: String,
    /// Where the client runs, finely.
    pub topology_zone: String,
}

impl IdentifyRequest {
    /// Reads the body of IDENTIFY, with the leniency of Go's decoder: names in any case, the last of several
    /// equal names, `null` for absent, unknown names ignored.
    ///
    /// # Errors
    ///
    /// `E_BAD_BODY`, when the body is not a JSON object or a field is of the wrong type or out of range. The
    /// cause says which.
    pub fn from_json(body: &[u8]) -> Result<Self, ClientError> {
        let mut request = Self::default();
        json::read_object(body, |name, value| match name {
            "client_id" => value.string(&mut request.client_id),
            "hostname" => value.string(&mut request.hostname),
            "user_agent" => value.string(&mut request.user_agent),
            "feature_negotiation" => value.boolean(&mut request.feature_negotiation),
            "heartbeat_interval" => value.integer(&mut request.heartbeat_interval_ms),
            "output_buffer_size" => value.integer(&mut request.output_buffer_size),
            "output_buffer_timeout" => value.integer(&mut request.output_buffer_timeout_ms),
            "tls_v1" => value.boolean(&mut request.tls_v1),
            "snappy" => value.boolean(&mut request.snappy),
            "deflate" => value.boolean(&mut request.deflate),
            "deflate_level" => value.integer(&mut request.deflate_level),
            "sample_rate" => value.integer(&mut request.sample_rate),
            "msg_timeout" => value.integer(&mut request.msg_timeout_ms),
            "topology_region" => value.string(&mut request.topology_region),
            "topology_zone" => value.string(&mut request.topology_zone),
            _ => Ok(()),
        })
        .map_err(|error| {
            ClientError::new(ErrorCode::BadBody, "IDENTIFY failed to decode JSON body").with_cause(error)
        })?;
        Ok(request)
    }

    /// The body of IDENTIFY as a client sends it.
    pub fn to_json(&self) -> Vec<u8> {
        json::to_vec_of_plain_fields(self)
    }
}

impl fmt::Display for IdentifyRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{ClientID:{} Hostname:{} HeartbeatInterval:{} OutputBufferSize:{} OutputBufferTimeout:{} \
             FeatureNegotiation:{} TLSv1:{} Deflate:{} DeflateLevel:{} Snappy:{} SampleRate:{} UserAgent:{} \
             MsgTimeout:{} TopologyRegion:{} TopologyZone:{}}}",
            OneLine(&self.client_id),
            OneLine(&self.hostname),
            self.heartbeat_interval_ms,
            self.output_buffer_size,
            self.output_buffer_timeout_ms,
            self.feature_negotiation,
            self.tls_v1,
            self.deflate,
            self.deflate_level,
            self.snappy,
            self.sample_rate,
            OneLine(&self.user_agent),
            self.msg_timeout_ms,
            OneLine(&self.topology_region),
            OneLine(&self.topology_zone),
        )
    }
}
