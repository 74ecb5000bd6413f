//! What it costs that a message is safe before its publisher hears OK.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::bench::Bench;
use super::figures::milliseconds;
use super::publish::{self, TOPIC};
use super::{Figures, Group, Workload};
use crate::client::producer::PublishPlan;
use crate::clock::now_ns;
use crate::error::{Doing, Result};
use crate::histogram::Histogram;
use crate::wire::chunk::Method;

pub(super) const GROUP: Group = Group {
    name: "durability",
    workloads: &[
        Workload {
            name: "disk-level-pub-128",
            about: "--durability=disk: PUB of 200 bytes, the next one after the OK, on 128 connections",
            limit: None,
            run: |bench| run(bench, &awaiting(bench, 200_000), &["--durability=disk"]),
        },
        Workload {
            name: "disk-level-mpub",
            about: "--durability=disk: MPUB of 200 messages of 200 bytes, 16 batches under way on each of four connections",
            limit: None,
            run: |bench| run(bench, &batches(bench), &["--durability=disk"]),
        },
        Workload {
            name: "fsync-level-pub-128",
            about: "--durability=fsync: as disk-level-pub-128, with the disk's own time for a sync beside it",
            limit: None,
            run: |bench| run(bench, &awaiting(bench, 200_000), &["--durability=fsync"]),
        },
        Workload {
            name: "fsync-level-mpub",
            about: "--durability=fsync: as disk-level-mpub",
            limit: None,
            run: |bench| run(bench, &batches(bench), &["--durability=fsync"]),
        },
    ],
};

/// `--sync-every=1`, which any nsqd has. Its OK may come before the sync, but no later publish overtakes one.
pub(super) const SYNC_EVERY_PUBLISH: Workload = Workload {
    name: "disk-sync-128",
    about: "--mem-queue-size=0 --sync-every=1: PUB of 200 bytes, the next one after the OK, on 128 connections",
    limit: None,
    run: |bench| {
        let flags = ["--mem-queue-size=0", "--sync-every=1"];
        run(bench, &awaiting(bench, 50_000), &flags)
    },
};

fn awaiting(bench: &Bench<'_>, messages: u64) -> PublishPlan {
    PublishPlan {
        connections: 128,
        ..PublishPlan::new(Method::Pub, TOPIC, bench.count(messages, 128))
    }
}

fn batches(bench: &Bench<'_>) -> PublishPlan {
    PublishPlan {
        connections: 4,
        window_chunks: 16,
        ..PublishPlan::batches(TOPIC, bench.count(2_000_000, 12_800))
    }
}

fn run(bench: &Bench<'_>, plan: &PublishPlan, flags: &[&str]) -> Result<Figures> {
    let data = bench.data_directory()?;
    let syncs = syncs(data.path())?;
    let server = bench.start_in(data.path(), flags)?;
    let mut figures = publish::run_on(bench, &server, plan)?;
    figures.context("a sync alone, p50", "ms", milliseconds(syncs.quantile_ns(500)));
    figures.context("a sync alone, p99", "ms", milliseconds(syncs.quantile_ns(990)));
    Ok(figures)
}

/// How long the file system takes to append one group of messages and to sync it, with nothing else going on.
fn syncs(directory: &Path) -> Result<Histogram> {
    /// What 128 publishers send at once, about.
    static GROUP: [u8; 32 * 1024] = [b'x'; 32 * 1024];
    const TIMES: usize = 200;
    let path = directory.join("a-sync-alone");
    let doing = || format!("writing {}", path.display());
    let mut file = File::create(&path).doing(doing)?;
    let mut histogram = Histogram::default();
    for _ in 0..TIMES {
        let begun_ns = now_ns();
        file.write_all(&GROUP).doing(doing)?;
        file.sync_data().doing(doing)?;
        histogram.record(now_ns() - begun_ns);
    }
    std::fs::remove_file(&path).doing(doing)?;
    Ok(histogram)
}
