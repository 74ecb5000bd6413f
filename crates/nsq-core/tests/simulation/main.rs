//! A seeded simulation of the core: random lives of topics, channels, producers and consumers, on a clock
//! and a disk that the seed rules too, beside a model that is compared after every step.
//!
//! A failure prints its seed. To replay it: `NSQ_SIM_SEED=<seed> cargo test -p nsq-core --test simulation`.
//! For more seeds than the few of a usual run: `NSQ_SIM_RUNS=<count>`, counted from `NSQ_SIM_SEED`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failure here is a failed test"
)]

mod check;
mod client;
mod coverage;
mod model;
mod observe;
mod operations;
mod restart;
mod rng;
mod steps;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use coverage::Coverage;
use world::World;

/// Steps of one life.
const STEPS: usize = 400;

/// The first life of a usual run.
const FIRST: u64 = 900;

/// Lives of a usual run: together they take a few seconds and reach every state.
const RUNS: u64 = 160;

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Lives one life. Prints how to repeat it if it fails.
fn live(seed: u64) -> Coverage {
    let mut world = World::new(seed);
    let setup = format!("{:?}", world.setup);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| world.run(STEPS))) {
        println!("{setup}");
        for line in world.trace_lines() {
            println!("{line}");
        }
        println!("replay: NSQ_SIM_SEED={seed} cargo test -p nsq-core --test simulation");
        resume_unwind(panic);
    }
    world.coverage
}

#[test]
fn every_message_is_where_the_model_says_whatever_happens() {
    let seed = from_env("NSQ_SIM_SEED");
    let runs = from_env("NSQ_SIM_RUNS").unwrap_or(if seed.is_some() { 1 } else { RUNS });
    let first = seed.unwrap_or(FIRST);
    let mut coverage = Coverage::default();
    for seed in first..first + runs {
        coverage.merge(&live(seed));
    }
    if runs >= RUNS {
        let missing = coverage.missing();
        assert!(missing.is_empty(), "never reached: {missing:?}");
    }
}
