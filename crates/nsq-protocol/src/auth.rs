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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_upstreams_to_the_byte() {
        let response = AuthResponse {
            identity: "joe".into(),
            identity_url: "http://x/joe".into(),
            permission_count: 1,
        };
        let captured = br#"{"identity":"joe","identity_url":"http://x/joe","permission_count":1}"#;
        assert_eq!(response.to_json(), captured);
        assert_eq!(AuthResponse::from_data(captured).unwrap(), response);
    }

    #[test]
    fn an_answer_that_is_no_object_is_refused() {
        assert!(AuthResponse::from_data(b"OK").is_err());
        assert_eq!(AuthResponse::from_data(b"{}").unwrap(), AuthResponse::default());
    }
}
