//! Statistics pushed to statsd over UDP.
//!
//! Every interval all counters and gauges are written down at once, as [lines](report) packed into datagrams, and
//! the datagrams are spread over the interval so that they do not arrive as a burst.
//!
//! Names, order and packing are what dashboards and relays are made for, to the byte. The lines are written by the
//! recorder of `metrics-exporter-statsd`, into a [sink](packets) of our own: by themselves, such recorders send a
//! line for each change of a metric, in packets of 256 bytes, and keep the last one until it is full. Here a counter
//! changes once in a push, by all that has come since the one before, and the recorder belongs to the push: nothing
//! is registered for the process.
//!
//! Upstream: nsqd/statsd.go, internal/statsd, internal/writers.

mod counters;
mod packets;
mod report;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use nsq_core::TopicSnapshot;
use nsq_runtime::{Clock, Shutdown};
use tokio::net::UdpSocket;

use crate::daemon::Nsqd;
use crate::options::StatsdOptions;
use crate::stats::Turns;
use counters::Counters;
use packets::Packets;
use report::Report;

/// The part of an interval that is left free: the last packet of one push is sent before the next begins.
const SPREAD_MARGIN: Duration = Duration::from_secs(1);

/// How long the name of the statsd host may take to be looked up.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Pushes the statistics of `nsqd` at every interval, the first time after one, until `stop`. What is left
/// of a push then is sent without delay.
pub(crate) async fn run(nsqd: Arc<Nsqd>, options: StatsdOptions, stop: Shutdown) {
    let clock = nsqd.clock().clone();
    let mut counters = Counters::default();
    let mut next = clock.now() + options.interval;
    loop {
        tokio::select! {
            () = clock.sleep_until(next) => {}
            () = stop.triggered() => break,
        }
        push(&nsqd, &options, &mut counters, &stop).await;
        // What has been missed is not made up for.
        next = (next + options.interval).max(clock.now());
    }
    tracing::info!("STATSD: closing");
}

async fn push(nsqd: &Nsqd, options: &StatsdOptions, counters: &mut Counters, stop: &Shutdown) {
    let (clock, address) = (nsqd.clock(), options.address.as_str());
    let socket = tokio::select! {
        socket = connect(address, clock) => socket,
        () = stop.triggered() => return,
    };
    let socket = match socket {
        Ok(socket) => socket,
        Err(error) => {
            tracing::error!("failed to create UDP socket to statsd({address}): {error}");
            return;
        }
    };
    tracing::info!("STATSD: pushing stats to {address}");
    let mut report = match Report::new(&options.prefix, options.udp_packet_size, counters) {
        Ok(report) => report,
        Err(error) => {
            tracing::error!("failed to record statistics for statsd({address}): {error}");
            return;
        }
    };
    let mut turns = Turns::default();
    for topic in nsqd.all_topics() {
        if options.exclude_ephemeral && topic.name().is_ephemeral() {
            continue;
        }
        let mut survey = topic.survey(false, |channel| {
            !(options.exclude_ephemeral && channel.is_ephemeral())
        });
        let mut channels = Vec::new();
        for channel in survey.by_ref() {
            channels.push(channel);
            turns.next().await;
        }
        let topic = TopicSnapshot {
            channels,
            ..survey.finish()
        };
        report.put_topic(&topic);
        for channel in &topic.channels {
            report.put_channel(&topic, channel);
            turns.next().await;
        }
        turns.next().await;
    }
    if options.mem_stats {
        report.put_memory(&crate::stats::MemoryStats::measure());
    }
    let packets = report.finish();
    let spread = options.interval.saturating_sub(SPREAD_MARGIN);
    if let Err(error) = send(&socket, &packets, spread, clock, stop).await {
        tracing::warn!("STATSD: failed to push stats to {address} - {error}");
    }
}

/// A socket of its own for each push: where the name points to may change.
async fn connect(address: &str, clock: &Clock) -> io::Result<UdpSocket> {
    let resolved = tokio::select! {
        resolved = tokio::net::lookup_host(address) => resolved?,
        () = clock.sleep(RESOLVE_TIMEOUT) => return Err(io::ErrorKind::TimedOut.into()),
    };
    let mut resolved: Vec<_> = resolved.collect();
    resolved.sort_by_key(SocketAddr::is_ipv6);
    let to = resolved.first().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let from: SocketAddr = if to.is_ipv6() {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(from).await?;
    socket.connect(to).await?;
    Ok(socket)
}

/// Sends all packets, evenly over `spread`. One that is lost does not keep the others; why the first was is
/// the result.
async fn send(
    socket: &UdpSocket,
    packets: &Packets,
    spread: Duration,
    clock: &Clock,
    stop: &Shutdown,
) -> io::Result<()> {
    let count = u32::try_from(packets.len()).unwrap_or(u32::MAX).max(1);
    let pause = spread / count;
    let began = clock.now();
    let mut outcome = Ok(());
    for (packet, index) in packets.iter().zip(1_u32..) {
        let sent = socket.send(packet).await;
        if outcome.is_ok() {
            outcome = sent.map(drop);
        }
        tokio::select! {
            // From the beginning: delays do not add up.
            () = clock.sleep_until(began + pause * index) => {}
            () = stop.triggered() => {}
        }
    }
    outcome
}
