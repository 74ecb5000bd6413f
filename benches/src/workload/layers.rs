//! Publishing and consuming over connections that are encrypted or compressed.

use super::bench::Bench;
use super::{Figures, Group, Workload, end_to_end};
use crate::client::producer::PublishPlan;
use crate::error::Result;
use crate::layer::{Certificate, Compression, Layers};

/// The bodies differ in their first 16 bytes only, so that a compressor finds nearly all of each in the one before:
/// what is measured is the price of compressing, not how much it saves.
pub(super) const GROUP: Group = Group {
    name: "layers",
    workloads: &[
        Workload {
            name: "tls",
            about: "end-to-end-memory over TLS",
            limit: None,
            run: |bench| run(bench, true, None),
        },
        Workload {
            name: "snappy",
            about: "end-to-end-memory over snappy",
            limit: None,
            run: |bench| run(bench, false, Some(Compression::Snappy)),
        },
        Workload {
            name: "deflate",
            about: "end-to-end-memory over deflate at the default level",
            limit: None,
            run: |bench| run(bench, false, Some(Compression::Deflate)),
        },
        Workload {
            name: "tls-snappy",
            about: "end-to-end-memory over snappy inside TLS",
            limit: None,
            run: |bench| run(bench, true, Some(Compression::Snappy)),
        },
        Workload {
            name: "tls-deflate",
            about: "end-to-end-memory over deflate inside TLS",
            limit: None,
            run: |bench| run(bench, true, Some(Compression::Deflate)),
        },
    ],
};

fn run(bench: &Bench<'_>, with_tls: bool, compression: Option<Compression>) -> Result<Figures> {
    let certificate = Certificate::new()?;
    let plan = PublishPlan {
        connections: 2,
        layers: Layers {
            tls: with_tls.then(|| certificate.client()).transpose()?,
            compression,
        },
        ..PublishPlan::batches("bench", bench.count(1_000_000, 400))
    };
    let [cert, key] = certificate.flags();
    let memory = format!("--mem-queue-size={}", plan.messages + 1_000);
    end_to_end::run(bench, &plan, &[&memory, &cert, &key])
}
