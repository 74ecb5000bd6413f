//! nsqlookupd: registering, being asked, and having nothing to do.

use std::time::Duration;

use super::bench::Bench;
use super::figures::{float, mebibytes, milliseconds, per};
use super::{Figures, Group, Workload};
use crate::client::registrant::{self, Registrant};
use crate::clock::now_ns;
use crate::error::{Error, Result};
use crate::histogram::Histogram;
use crate::process::server::Server;

pub(super) const GROUP: Group = Group {
    name: "lookup",
    workloads: &[
        Workload {
            name: "lookup-1m",
            about: "the nsqlookupd beside the nsqd: 1,000 nsqds register 1,000 topics each, then it is asked",
            limit: None,
            run: |bench| run(bench, bench.count(1_000, 10), bench.count(1_000, 10)),
        },
        Workload {
            name: "lookup-2k",
            about: "the same with 20 nsqds and 100 topics",
            limit: None,
            run: |bench| run(bench, bench.count(20, 2), bench.count(100, 10)),
        },
    ],
};

/// Requests of which the latencies are taken.
const LOOKUPS: u64 = 2_000;

fn run(bench: &Bench<'_>, producers: u64, topics: u64) -> Result<Figures> {
    let Some(program) = bench.target.beside("nsqlookupd") else {
        return Err(Error::Usage("there is no nsqlookupd beside it".to_owned()));
    };
    let server = Server::start_lookupd(&program)?;
    let addresses = *server.addresses();
    let before = server.memory()?.resident_bytes;
    let names: Vec<String> = (0..topics).map(|topic| format!("topic-{topic:04}")).collect();

    let span = server.span()?;
    let mut registrants = Vec::new();
    for number in 0..producers {
        registrants.push(Registrant::register(addresses.tcp, number, &names)?);
    }
    let spent = span.end()?;
    server.settle()?;
    let memory = server.memory()?.resident_bytes.saturating_sub(before);
    let registrations = producers * topics;

    let mut figures = Figures::default();
    figures.rate("registrations", spent.wall, registrations);
    if let Some(cpu) = spent.server_cpu {
        figures.lower(
            "registering CPU",
            "s/M",
            per(cpu.as_secs_f64() * 1e6, registrations),
        );
    }
    figures.lower("memory", "MiB", mebibytes(memory));
    figures.lower("memory each", "B", per(float(memory), registrations));

    let mut latency = Histogram::default();
    let lookups = bench.count(LOOKUPS, 10);
    let span = server.span()?;
    for (_, name) in (0..lookups).zip(names.iter().cycle()) {
        let begun_ns = now_ns();
        let found = registrant::get(addresses.http, &format!("/lookup?topic={name}"))?;
        latency.record(now_ns() - begun_ns);
        expect(&found, br#""broadcast_address":"#, producers)?;
    }
    let spent = span.end()?;
    figures.lower("lookup p50", "ms", milliseconds(latency.quantile_ns(500)));
    figures.lower("lookup p99", "ms", milliseconds(latency.quantile_ns(990)));
    if let Some(cpu) = spent.server_cpu {
        figures.lower("lookup CPU", "ms", per(cpu.as_secs_f64() * 1e3, lookups));
    }

    let span = server.span()?;
    let found = registrant::get(addresses.http, "/nodes")?;
    let spent = span.end()?;
    expect(&found, br#""topic-"#, registrations)?;
    figures.lower("nodes", "ms", spent.wall.as_secs_f64() * 1e3);
    let held = server.memory()?.peak_bytes.saturating_sub(before + memory);
    figures.lower("nodes, memory", "MiB", mebibytes(held));

    server.settle()?;
    let span = server.span()?;
    crate::clock::sleep(bench.duration(Duration::from_secs(5)));
    let spent = span.end()?;
    if let Some(cpu) = spent.server_cpu {
        let share = cpu.as_secs_f64() * 1e3 / spent.wall.as_secs_f64();
        figures.lower("idle CPU", "ms/s", share);
    }
    drop(registrants);
    Ok(figures)
}

/// # Errors
///
/// [`Error::Mismatch`] unless `part` is in `answer` that many times.
fn expect(answer: &[u8], part: &[u8], count: u64) -> Result<()> {
    let found = answer
        .windows(part.len())
        .filter(|window| *window == part)
        .count() as u64;
    if found == count {
        return Ok(());
    }
    Err(Error::Mismatch(format!(
        "an answer has {found} of {count} {}",
        String::from_utf8_lossy(part)
    )))
}
