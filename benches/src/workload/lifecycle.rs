//! Starting and stopping.

use std::path::Path;
use std::time::Duration;

use super::bench::Bench;
use super::figures::{mebibytes, milliseconds};
use super::topics::write_metadata;
use super::{Figures, Group, Workload, drain};
use crate::client::producer::{Producers, PublishPlan};
use crate::clock::now_ns;
use crate::error::Result;
use crate::process::server::Server;

pub(super) const GROUP: Group = Group {
    name: "lifecycle",
    workloads: &[
        Workload {
            name: "start-cold",
            about: "from starting the process to the answer of /ping, empty; best and median of ten",
            limit: None,
            run: cold,
        },
        Workload {
            name: "start-topics",
            about: "the same with 2,000 topics of one channel each",
            limit: None,
            run: topics,
        },
        Workload {
            name: "restart-million",
            about: "SIGTERM with a million messages of 200 bytes in memory until the exit, then start and drain them",
            limit: None,
            run: restart,
        },
    ],
};

fn start(bench: &Bench<'_>, data: &Path, flags: &[&str]) -> Result<(Server, u64)> {
    let begun_ns = now_ns();
    let server = bench.start_in(data, flags)?;
    server.admin()?.ping()?;
    let took_ns = now_ns() - begun_ns;
    Ok((server, took_ns))
}

fn cold(bench: &Bench<'_>) -> Result<Figures> {
    let mut starts_ns = Vec::new();
    let (mut stop_ms, mut resident_bytes) = (0.0_f64, 0);
    for _ in 0..bench.count(10, 2) {
        let data = bench.data_directory()?;
        let (server, took_ns) = start(bench, data.path(), &[])?;
        starts_ns.push(took_ns);
        // Upstream answers /ping before it handles signals; a SIGTERM in between would kill it unprepared.
        server.settle()?;
        resident_bytes = server.memory()?.resident_bytes;
        stop_ms = stop_ms.max(in_milliseconds(server.stop()?));
    }
    starts_ns.sort_unstable();
    let mut figures = Figures::default();
    figures.lower(
        "best",
        "ms",
        milliseconds(starts_ns.first().copied().unwrap_or(0)),
    );
    figures.lower(
        "median",
        "ms",
        milliseconds(starts_ns.get(starts_ns.len() / 2).copied().unwrap_or(0)),
    );
    figures.lower("slowest stop", "ms", stop_ms);
    figures.lower("memory", "MiB", mebibytes(resident_bytes));
    Ok(figures)
}

fn topics(bench: &Bench<'_>) -> Result<Figures> {
    let data = bench.data_directory()?;
    write_metadata(data.path(), bench.count(2_000, 20))?;
    let (server, start_ns) = start(bench, data.path(), &[])?;
    server.settle()?;
    let resident_bytes = server.memory()?.resident_bytes;
    let stop = server.stop()?;
    let mut figures = Figures::default();
    figures.lower("start", "ms", milliseconds(start_ns));
    figures.lower("stop", "ms", in_milliseconds(stop));
    figures.lower("memory", "MiB", mebibytes(resident_bytes));
    Ok(figures)
}

fn restart(bench: &Bench<'_>) -> Result<Figures> {
    let data = bench.data_directory()?;
    let plan = PublishPlan::batches("bench", bench.count(1_000_000, 400));
    let memory = format!("--mem-queue-size={}", plan.messages + 1_000);
    let server = bench.start_in(data.path(), &[&memory])?;
    let addresses = server.with_channel("bench", "channel")?;
    let published = Producers::connect(addresses, &plan, 0)?.run(bench.deadline())?;
    server.settle()?;
    let stop = server.stop()?;
    let (server, start_ns) = start(bench, data.path(), &[&memory])?;
    let drained = drain::drain(bench, &server, published.tally, 1)?;

    let mut figures = Figures::default();
    figures.lower("stop", "ms", in_milliseconds(stop));
    figures.lower("start", "ms", milliseconds(start_ns));
    figures.rate("drain after start", drained.wall, published.tally.count);
    Ok(figures)
}

fn in_milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
