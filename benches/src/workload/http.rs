//! Publishing over HTTP with keep-alive, into memory, with one channel and nobody consuming.

use super::publish::run;
use super::{Group, Workload};
use crate::client::producer::PublishPlan;
use crate::limit::Limit;
use crate::wire::chunk::Method;

pub(super) const GROUP: Group = Group {
    name: "http",
    workloads: &[
        Workload {
            name: "http-pub-1",
            about: "POST /pub of 200 bytes, the next one after the answer, on one connection",
            limit: Some(Limit::Relay),
            run: |bench| {
                run(
                    bench,
                    &PublishPlan::new(Method::HttpPub, "bench", bench.count(40_000, 1)),
                )
            },
        },
        Workload {
            name: "http-pub-64",
            about: "the same on 64 connections",
            limit: Some(Limit::Relay),
            run: |bench| {
                let plan = PublishPlan::new(Method::HttpPub, "bench", bench.count(120_000, 64));
                run(
                    bench,
                    &PublishPlan {
                        connections: 64,
                        ..plan
                    },
                )
            },
        },
        Workload {
            name: "http-mpub",
            about: "POST /mpub?binary=true of 200 messages of 200 bytes on four connections, one batch each at a time",
            limit: Some(Limit::Relay),
            run: |bench| {
                let plan = PublishPlan::new(Method::HttpMpub, "bench", bench.count(1_000_000, 800));
                run(
                    bench,
                    &PublishPlan {
                        chunk_messages: 200,
                        connections: 4,
                        ..plan
                    },
                )
            },
        },
    ],
};
