//! What nsqd and nsqlookupd tell each other about themselves.

use std::fmt;

use serde::Serialize;

use super::IdentifyReplyError;
use crate::client_error::ClientError;
use crate::error_code::ErrorCode;
use crate::json;
use crate::one_line::OneLine;

/// The body of IDENTIFY: what nsqd tells about itself.
///
/// The order of the fields is the one nsqd sends them in; nsqlookupd accepts any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PeerInfo {
    /// The address under which clients reach this nsqd.
    pub broadcast_address: String,
    /// The name of its host.
    pub hostname: String,
    /// Where it listens for HTTP. As wide as upstream's, which checks nothing but that it is not 0.
    pub http_port: i64,
    /// Where it listens for V2.
    pub tcp_port: i64,
    /// Where it runs, coarsely.
    pub topology_region: String,
    /// Where it runs, finely.
    pub topology_zone: String,
    /// Its version.
    pub version: String,
}

impl PeerInfo {
    /// Reads the body of IDENTIFY, with the leniency of Go's decoder.
    ///
    /// # Errors
    ///
    /// `E_BAD_BODY`, when the body is not a JSON object, a field has the wrong type, or the broadcast address, a
    /// port or the version is missing.
    pub fn from_json(body: &[u8]) -> Result<Self, ClientError> {
        let mut info = Self::default();
        json::read_object(body, |name, value| match name {
            "broadcast_address" => value.string(&mut info.broadcast_address),
            "hostname" => value.string(&mut info.hostname),
            "http_port" => value.integer(&mut info.http_port),
            "tcp_port" => value.integer(&mut info.tcp_port),
            "topology_region" => value.string(&mut info.topology_region),
            "topology_zone" => value.string(&mut info.topology_zone),
            "version" => value.string(&mut info.version),
            _ => Ok(()),
        })
        .map_err(|error| {
            ClientError::new(ErrorCode::BadBody, "IDENTIFY failed to decode JSON body").with_cause(error)
        })?;
        if info.broadcast_address.is_empty()
            || info.tcp_port == 0
            || info.http_port == 0
            || info.version.is_empty()
        {
            return Err(ClientError::new(ErrorCode::BadBody, "IDENTIFY missing fields"));
        }
        Ok(info)
    }

    /// The body of IDENTIFY as nsqd sends it.
    pub fn to_json(&self) -> Vec<u8> {
        json::to_vec_of_plain_fields(self)
    }
}

/// The answer to IDENTIFY: what nsqlookupd tells about itself. nsqd asks it over HTTP at this address.
///
/// `Display` prints it for nsqd's log, in the order and spelling upstream logs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LookupdInfo {
    /// The address under which nsqd reaches this nsqlookupd.
    pub broadcast_address: String,
    /// The name of its host.
    pub hostname: String,
    /// Where it listens for HTTP.
    pub http_port: i64,
    /// Where it listens for V1.
    pub tcp_port: i64,
    /// Its version.
    pub version: String,
}

impl LookupdInfo {
    /// Reads the answer to IDENTIFY. The broadcast address is empty when the answer has none.
    ///
    /// # Errors
    ///
    /// See [`IdentifyReplyError`].
    pub fn from_reply(reply: &[u8]) -> Result<Self, IdentifyReplyError> {
        if reply == ErrorCode::Invalid.as_str().as_bytes() {
            return Err(IdentifyReplyError::Invalid);
        }
        let mut info = Self::default();
        json::read_object(reply, |name, value| match name {
            "broadcast_address" => value.string(&mut info.broadcast_address),
            "hostname" => value.string(&mut info.hostname),
            "http_port" => value.integer(&mut info.http_port),
            "tcp_port" => value.integer(&mut info.tcp_port),
            "version" => value.string(&mut info.version),
            _ => Ok(()),
        })
        .map_err(IdentifyReplyError::NotJson)?;
        Ok(info)
    }

    /// The answer to IDENTIFY as nsqlookupd sends it.
    pub fn to_json(&self) -> Vec<u8> {
        json::to_vec_of_plain_fields(self)
    }
}

impl fmt::Display for LookupdInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, address) = (OneLine(&self.version), OneLine(&self.broadcast_address));
        let (tcp_port, http_port) = (self.tcp_port, self.http_port);
        write!(
            f,
            "{{TCPPort:{tcp_port} HTTPPort:{http_port} Version:{version} BroadcastAddress:{address}}}"
        )
    }
}
