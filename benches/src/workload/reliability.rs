//! What trouble costs those who did not make it: garbage, peers that hang, and a kill.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::bench::{Bench, alongside, messages_in};
use super::drain::RDY;
use super::figures::{mebibytes, milliseconds};
use super::{Figures, Group, Workload};
use crate::client::consumer::{Consumers, Subscription};
use crate::client::handler::Finish;
use crate::client::paced::{Pace, Paced, publish_paced};
use crate::client::producer::{Producers, PublishPlan};
use crate::clock::{self, SECOND_NS, now_ns};
use crate::error::{Doing, Result};
use crate::process::server::Server;
use crate::wire::command::{self, MAGIC};

pub(super) const GROUP: Group = Group {
    name: "reliability",
    workloads: &[
        Workload {
            name: "storm",
            about: "1,000 PUB per second, first alone, then while 5,000 connections per second bring garbage",
            limit: None,
            run: storm,
        },
        Workload {
            name: "stop-hung",
            about: "SIGTERM until the exit with a million messages of 200 bytes in memory and 100 peers that hang",
            limit: None,
            run: stop_hung,
        },
        Workload {
            name: "restart-killed",
            about: "--mem-queue-size=0: SIGKILL with ten million messages of 200 bytes on disk, then start",
            limit: None,
            run: restart_killed,
        },
    ],
};

const TOPIC: &str = "bench";

const PUBLISHES_PER_SECOND: u64 = 1_000;
const VISITS_PER_SECOND: u64 = 5_000;

/// Visits that are made late, if they could not be made in time, at most.
const VISITS_BEHIND_MAX: u64 = 100;

/// What the visitors bring, in turns.
const GARBAGE: [&[u8]; 5] = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"  V1",
    b"  V2\0\xff\xfe garbage\n",
    b"  V2PUB t\n\xff\xff\xff\xff",
    b"",
];

fn storm(bench: &Bench<'_>) -> Result<Figures> {
    let server = bench.start(&[])?;
    let address = server.with_channel(TOPIC, "channel")?.tcp;
    let alone = paced(bench, &server, 0)?;
    let memory = server.memory()?.resident_bytes;
    let (is_over, visits) = (AtomicBool::new(false), AtomicU64::new(0));
    let span = server.span()?;
    let ((), stormed) = alongside(
        || {
            visit_until(address, &is_over, &visits);
            Ok(())
        },
        || {
            let stormed = paced(bench, &server, 1 << 40);
            is_over.store(true, Ordering::Relaxed);
            stormed
        },
    )?;
    let spent = span.end()?;
    server.settle()?;
    let mut figures = Figures::default();
    let names = ["alone OK p50", "alone OK p99", "alone OK p99.9", "alone OK max"];
    figures.latency(names, &alone.acknowledged);
    let names = ["storm OK p50", "storm OK p99", "storm OK p99.9", "storm OK max"];
    figures.latency(names, &stormed.acknowledged);
    figures.rate("visits", spent.wall, visits.into_inner());
    let grown = server.memory()?.resident_bytes.saturating_sub(memory);
    figures.lower("memory grown", "MiB", mebibytes(grown));
    Ok(figures)
}

fn paced(bench: &Bench<'_>, server: &Server, first_sequence: u64) -> Result<Paced> {
    let pace = Pace {
        topics: vec![TOPIC.to_owned()],
        body_bytes: 200,
        per_second: PUBLISHES_PER_SECOND,
        messages: messages_in(bench.duration(Duration::from_secs(6)), PUBLISHES_PER_SECOND),
    };
    publish_paced(server.addresses(), &pace, first_sequence, bench.deadline())
}

/// Visits at a fixed rate, and goes before it is answered.
fn visit_until(address: SocketAddr, is_over: &AtomicBool, visits: &AtomicU64) {
    let interval_ns = SECOND_NS / VISITS_PER_SECOND;
    let mut next_ns = now_ns();
    for garbage in GARBAGE.iter().cycle() {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let now = now_ns();
        if next_ns > now {
            clock::sleep(Duration::from_nanos(next_ns - now));
        }
        next_ns = next_ns.max(now.saturating_sub(VISITS_BEHIND_MAX * interval_ns)) + interval_ns;
        // The system may be out of ports for a moment.
        if let Ok(mut stream) = TcpStream::connect(address) {
            let _ = stream.write_all(garbage);
            let _ = stream.shutdown(Shutdown::Write);
            visits.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Peers of each kind that hang.
const HUNG: usize = 25;

fn stop_hung(bench: &Bench<'_>) -> Result<Figures> {
    let plan = PublishPlan::batches(TOPIC, bench.count(1_000_000, 400));
    let memory = format!("--mem-queue-size={}", plan.messages + 1_000);
    let data = bench.data_directory()?;
    let server = bench.start_in(data.path(), &[&memory])?;
    let addresses = *server.with_channel(TOPIC, "channel")?;
    Producers::connect(&addresses, &plan, 0)?.run(bench.deadline())?;
    let mut consuming = MAGIC.to_vec();
    command::sub(&mut consuming, TOPIC, "channel");
    command::rdy(&mut consuming, RDY);
    let request = b"POST /pub?topic=bench HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".to_vec();
    let mut hung = Vec::new();
    for _ in 0..HUNG {
        for (address, bytes) in [
            (addresses.tcp, &consuming),
            (addresses.tcp, &Vec::new()),
            (addresses.tcp, &b"  V2PUB bench\n\0\0\0\x09".to_vec()),
            (addresses.http, &request),
        ] {
            let mut peer = TcpStream::connect(address).doing(|| "connecting a peer that hangs")?;
            peer.write_all(bytes).doing(|| "beginning to hang")?;
            hung.push(peer);
        }
    }
    // Each consumer has been given something before the stop begins.
    for consumer in hung.iter_mut().step_by(4) {
        consumer.read_exact(&mut [0; 6]).doing(|| "awaiting messages")?;
    }
    server.settle()?;
    let stop = server.stop()?;
    drop(hung);
    let mut figures = Figures::default();
    figures.lower("stop", "ms", stop.as_secs_f64() * 1e3);
    Ok(figures)
}

fn restart_killed(bench: &Bench<'_>) -> Result<Figures> {
    const FLAG: &str = "--mem-queue-size=0";
    let data = bench.data_directory()?;
    let server = bench.start_in(data.path(), &[FLAG])?;
    let plan = PublishPlan::batches(TOPIC, bench.count(10_000_000, 400));
    let addresses = server.with_channel(TOPIC, "channel")?;
    let published = Producers::connect(addresses, &plan, 0)?.run(bench.deadline())?;
    drop(server);

    let begun_ns = now_ns();
    let server = bench.start_in(data.path(), &[FLAG])?;
    server.admin()?.ping()?;
    let ready_ns = now_ns() - begun_ns;
    let subscription = Subscription::new(TOPIC, "channel");
    let mut consumers = Consumers::connect(server.addresses(), &[subscription], None, bench.deadline())?;
    consumers.ready(1)?;
    consumers.run(&mut Finish::new(1), bench.deadline())?;
    let first_ns = now_ns() - begun_ns;
    let mut figures = Figures::default();
    figures.lower("ready", "ms", milliseconds(ready_ns));
    figures.lower("first message", "ms", milliseconds(first_ns));
    figures.context("messages", "", super::figures::float(published.tally.count));
    Ok(figures)
}
