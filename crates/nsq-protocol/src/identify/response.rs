//! What nsqd grants.

use serde::{Deserialize, Serialize};

use crate::json;

/// The answer to an IDENTIFY that asked for feature negotiation. The order of the fields is the order on the
/// wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the fields are those of the wire format"
)]
pub struct IdentifyResponse {
    /// The highest RDY count.
    pub max_rdy_count: i64,
    /// nsqd's version.
    pub version: String,
    /// The longest a message can be held by touching it, in milliseconds.
    #[serde(rename = "max_msg_timeout")]
    pub max_msg_timeout_ms: i64,
    /// How long this client may hold a message, in milliseconds.
    #[serde(rename = "msg_timeout")]
    pub msg_timeout_ms: i64,
    /// The connection is upgraded to TLS.
    pub tls_v1: bool,
    /// The connection is upgraded to deflate.
    pub deflate: bool,
    /// Compression level of deflate, whether granted or not.
    pub deflate_level: i64,
    /// The highest level nsqd allows.
    pub max_deflate_level: i64,
    /// The connection is upgraded to snappy.
    pub snappy: bool,
    /// Percentage of messages to deliver; 0 delivers all.
    pub sample_rate: i32,
    /// AUTH must come before SUB and publishing.
    pub auth_required: bool,
    /// Bytes that nsqd gathers before writing; 1 when it writes at once.
    pub output_buffer_size: i64,
    /// Milliseconds after which gathered bytes are written; 0 for never.
    #[serde(rename = "output_buffer_timeout")]
    pub output_buffer_timeout_ms: i64,
    /// Where nsqd runs, coarsely.
    pub topology_region: String,
    /// Where nsqd runs, finely.
    pub topology_zone: String,
}

impl IdentifyResponse {
    /// The data of the response frame.
    pub fn to_json(&self) -> Vec<u8> {
        json::to_vec_of_plain_fields(self)
    }

    /// Reads the data of the response frame; `None` when it is no object, as the plain `OK` of an nsqd that
    /// negotiates nothing.
    ///
    /// # Errors
    ///
    /// The data begins like an object and is none, or one of its fields has the wrong type.
    pub fn from_data(data: &[u8]) -> serde_json::Result<Option<Self>> {
        if data.starts_with(b"{") {
            serde_json::from_slice(data).map(Some)
        } else {
            Ok(None)
        }
    }
}
