//! The answer to AUTH.

use serde::{Deserialize, Serialize};

use crate::json;

/// The data of the response to a successful AUTH. The order of the fields is the order on the wire.
///
/// Upstream: `nsqd/protocol_v2.go`, `AUTH`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthResponse {
    /// Who the auth server says the client is.
    pub identity: String,
    /// A page about that identity.
    pub identity_url: String,
    /// How many authorizations the secret has.
    pub permission_count: i64,
}

impl AuthResponse {
    /// The data of the response frame.
    pub fn to_json(&self) -> Vec<u8> {
        json::to_vec_of_plain_fields(self)
    }

    /// Reads the data of the response frame.
    ///
    /// # Errors
    ///
    /// The data is not a JSON object, or one of its fields has the wrong type.
    pub fn from_data(data: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(data)
    }
}
