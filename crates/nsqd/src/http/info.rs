//! `/ping` and `/info`.

use nsq_app::{VERSION, hostname};
use nsq_http::{Response, State, StatusCode, reply};
use nsq_net::LocalAddr;
use serde::Serialize;

use super::Daemon;
use crate::daemon::Nsqd;

/// `OK`, or 500 and why the disk is not: what a load balancer asks.
pub(super) async fn ping(State(nsqd): Daemon) -> Response {
    let health = health(&nsqd);
    let mut response = reply::plain(health.text);
    *response.status_mut() = health.status;
    response
}

pub(super) struct Health {
    status: StatusCode,
    pub(super) text: String,
}

/// How the most recent write to a disk queue went.
pub(super) fn health(nsqd: &Nsqd) -> Health {
    match nsqd.storage_error() {
        None => Health {
            status: StatusCode::OK,
            text: "OK".to_owned(),
        },
        Some(error) => Health {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            text: format!("NOK - {error}"),
        },
    }
}

/// What other daemons and tools want to know of this one.
#[derive(Serialize)]
struct Info<'a> {
    version: &'static str,
    broadcast_address: &'a str,
    hostname: String,
    http_port: i32,
    tcp_port: i32,
    /// Unix seconds.
    start_time: i64,
    /// Nanoseconds.
    max_heartbeat_interval: u64,
    max_output_buffer_size: usize,
    /// Nanoseconds.
    max_output_buffer_timeout: u64,
    max_deflate_level: u8,
    topology_zone: &'a str,
    topology_region: &'a str,
}

pub(super) async fn info(State(nsqd): Daemon) -> Response {
    let options = nsqd.options();
    let listening = nsqd.listening();
    reply::json(&Info {
        version: VERSION,
        broadcast_address: &options.broadcast_address,
        hostname: hostname(),
        http_port: port(listening.http.as_ref()),
        tcp_port: port(listening.tcp.as_ref()),
        start_time: nsqd.started_at(),
        max_heartbeat_interval: nanos(options.max_heartbeat_interval),
        max_output_buffer_size: options.max_output_buffer_size,
        max_output_buffer_timeout: nanos(options.max_output_buffer_timeout),
        max_deflate_level: options.max_deflate_level,
        topology_zone: &options.topology_zone,
        topology_region: &options.topology_region,
    })
}

/// The port that is really listened on: 0 for none, -1 for a unix socket.
fn port(address: Option<&LocalAddr>) -> i32 {
    match address {
        None => 0,
        Some(address) => address.port().map_or(-1, i32::from),
    }
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
