//! Consumers.

use std::cmp::Reverse;

use serde::Serialize;

use super::Origin;
use crate::wire::Client;

const NS_PER_S: i64 = 1_000_000_000;

/// A consumer of a channel.
///
/// Upstream: internal/clusterinfo/types.go, `ClientStats`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the keys of the answer")]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the answer")]
pub struct ClientStats {
    /// The HTTP address of the nsqd it is connected to.
    pub node: String,
    pub remote_address: String,
    pub version: String,
    pub client_id: String,
    pub hostname: String,
    pub user_agent: String,
    /// Unix seconds.
    pub connect_ts: i64,
    /// For how long, in nanoseconds and yet whole seconds.
    pub connected: i64,
    pub in_flight_count: i64,
    pub ready_count: i64,
    pub finish_count: i64,
    pub requeue_count: i64,
    pub message_count: i64,
    pub sample_rate: i64,
    pub deflate: bool,
    pub snappy: bool,
    pub authed: bool,
    pub auth_identity: String,
    pub auth_identity_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node_topology_region: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node_topology_zone: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub topology_region: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub topology_zone: String,
    pub tls: bool,
    pub tls_cipher_suite: String,
    pub tls_version: String,
    pub tls_negotiated_protocol: String,
    pub tls_negotiated_protocol_is_mutual: bool,
}

impl ClientStats {
    pub(super) fn of(client: Client, origin: &Origin) -> Self {
        Self {
            node: origin.node.clone(),
            remote_address: client.remote_address,
            version: client.version,
            client_id: client.client_id,
            hostname: client.hostname,
            user_agent: client.user_agent,
            connect_ts: client.connect_ts,
            connected: origin
                .now_s
                .saturating_sub(client.connect_ts)
                .saturating_mul(NS_PER_S),
            in_flight_count: client.in_flight_count,
            ready_count: client.ready_count,
            finish_count: client.finish_count,
            requeue_count: client.requeue_count,
            message_count: client.message_count,
            sample_rate: client.sample_rate,
            deflate: client.deflate,
            snappy: client.snappy,
            authed: client.authed,
            auth_identity: client.auth_identity,
            auth_identity_url: client.auth_identity_url,
            node_topology_region: origin.region.clone(),
            node_topology_zone: origin.zone.clone(),
            topology_region: client.topology_region,
            topology_zone: client.topology_zone,
            tls: client.tls,
            tls_cipher_suite: client.tls_cipher_suite,
            tls_version: client.tls_version,
            tls_negotiated_protocol: client.tls_negotiated_protocol,
            tls_negotiated_protocol_is_mutual: client.tls_negotiated_protocol_is_mutual,
        }
    }

    fn is_in_region(&self) -> bool {
        !self.topology_region.is_empty() && self.topology_region == self.node_topology_region
    }

    fn is_in_zone(&self) -> bool {
        self.is_in_region() && !self.topology_zone.is_empty() && self.topology_zone == self.node_topology_zone
    }
}

/// By node; there the nearest first, and among equals by host name and address.
pub(super) fn sort(clients: &mut [ClientStats]) {
    clients.sort_by(|left, right| {
        let place = |client: &ClientStats| (Reverse(client.is_in_zone()), Reverse(client.is_in_region()));
        left.node
            .cmp(&right.node)
            .then_with(|| place(left).cmp(&place(right)))
            .then_with(|| left.topology_region.cmp(&right.topology_region))
            .then_with(|| left.topology_zone.cmp(&right.topology_zone))
            .then_with(|| left.hostname.cmp(&right.hostname))
            .then_with(|| left.remote_address.cmp(&right.remote_address))
    });
}
