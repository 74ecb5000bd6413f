//! nsqd is killed again and again while producers and consumers are at work, or its disk loses its power: what was
//! accepted is delivered.
//!
//! A usual run kills each kind of nsqd a few times. For more: `NSQ_CRASH_RUNS=<kills> cargo test -p nsq-tests --test
//! crash`; `NSQ_CRASH_SEED` repeats the moments, as far as processes repeat.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests fail like tests; Clippy exempts only the test functions themselves"
)]

mod ledger;
mod peers;
mod soak;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ledger::Ledger;
use nsq_tests::{Disk, Nsqd, Setup, Stopped};
use serde_json::json;

const TOPIC: &str = "orders";
const CHANNELS: [&str; 2] = ["billing", "archive"];

/// Kills of each kind of nsqd in a usual run.
const RUNS: u64 = 3;

/// Messages that are accepted before a kill, at most.
const ACCEPTED_MAX: u64 = 3000;

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A small generator (`SplitMix64`).
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound
    }
}

/// How an nsqd comes to its end.
type Crash<'a> = &'a dyn Fn(Nsqd, &Ledger, &mut Rng) -> Stopped;

fn kill(nsqd: Nsqd, _: &Ledger, _: &mut Rng) -> Stopped {
    nsqd.kill()
}

/// Runs nsqd with these flags, lets some messages be deferred if `defers`, lets it crash at random moments, and sees that
/// every channel got what was accepted.
fn crash_again_and_again(mut setup: Setup, flags: &[&str], defers: bool, crash: Crash<'_>) {
    let runs = from_env("NSQ_CRASH_RUNS").unwrap_or(RUNS);
    let mut rng = Rng(from_env("NSQ_CRASH_SEED").unwrap_or(1));
    let ledger = Arc::new(Ledger::new(CHANNELS.len()));
    setup = setup.time_limit(Duration::from_secs(60 + 2 * runs));
    for flag in flags {
        setup = setup.flag(*flag);
    }
    let nsqd = setup.start();
    for channel in CHANNELS {
        nsqd.create_channel(TOPIC, channel);
    }
    nsqd.await_metadata(
        r#"{"topics":[{"name":"orders","paused":false,"channels":[{"name":"archive","paused":false},{"name":"billing","paused":false}]}],"version":"1.3.0"}"#,
    );
    let mut nsqd = nsqd.stop().restart();
    for run in 0..runs {
        let accepted = 1 + rng.below(ACCEPTED_MAX);
        nsqd = crash_once(nsqd, &ledger, defers, run, accepted, &mut |nsqd| {
            crash(nsqd, &ledger, &mut rng)
        });
    }
    println!("{runs} crashes, {}", ledger.summary());
    drain(&nsqd, &ledger);
    ledger.check(&CHANNELS);
}

/// Lets producers and consumers work until so many messages were accepted, and nsqd crash.
fn crash_once(
    nsqd: Nsqd,
    ledger: &Arc<Ledger>,
    defers: bool,
    run: u64,
    accepted: u64,
    crash: &mut dyn FnMut(Nsqd) -> Stopped,
) -> Nsqd {
    let address = nsqd.tcp_address();
    let until = ledger.accepted() + accepted;
    ledger.regain_power();
    let mut workers = Vec::new();
    for producer in 0..3 {
        let ledger = Arc::clone(ledger);
        workers.push(thread::spawn(move || {
            peers::produce(address, TOPIC, producer, defers, &ledger);
        }));
    }
    for (index, channel) in CHANNELS.into_iter().enumerate() {
        // The second channel falls behind, so that it has a backlog and messages in flight from it.
        for consumer in 0..=u64::from(index == 0) {
            let ledger = Arc::clone(ledger);
            let seed = run * 10 + consumer;
            workers.push(thread::spawn(move || {
                peers::consume(address, TOPIC, channel, index, seed, &ledger);
            }));
        }
    }
    ledger.await_accepted(until);
    let stopped = crash(nsqd);
    for worker in workers {
        worker.join().unwrap();
    }
    stopped.restart()
}

/// Finishes all there is.
fn drain(nsqd: &Nsqd, ledger: &Arc<Ledger>) {
    for (index, channel) in CHANNELS.into_iter().enumerate() {
        let is_empty = || {
            let stats = nsqd.await_channel(TOPIC, channel, &json!({}));
            let counts = ["depth", "in_flight_count", "deferred_count"];
            counts.iter().all(|count| stats[*count] == 0)
        };
        peers::finish_all(nsqd.tcp_address(), TOPIC, channel, index, ledger, is_empty);
    }
}

#[test]
fn what_was_written_survives_kills_without_any_flag_for_that() {
    // As upstream, deferred messages are in memory only.
    crash_again_and_again(
        Setup::new(),
        &["--mem-queue-size=0", "--msg-timeout=2s"],
        false,
        &kill,
    );
}

#[test]
fn durability_disk_survives_kills() {
    crash_again_and_again(
        Setup::new(),
        &["--durability=disk", "--msg-timeout=2s", "--sync-every=100"],
        true,
        &kill,
    );
}

const FSYNC: [&str; 3] = [
    "--durability=fsync",
    "--msg-timeout=2s",
    "--max-bytes-per-file=100000",
];

#[test]
fn durability_fsync_survives_kills() {
    crash_again_and_again(Setup::new(), &FSYNC, true, &kill);
}

#[test]
fn durability_fsync_survives_losses_of_power() {
    let Some(disk) = Disk::in_image(512) else {
        return;
    };
    crash_again_and_again(Setup::on(&disk), &FSYNC, true, &|nsqd, ledger, rng| {
        // Either nsqd goes first, or it sees its disk fail.
        let stopped = if rng.below(2) == 0 {
            let stopped = nsqd.kill();
            disk.lose_power();
            stopped
        } else {
            ledger.lose_power();
            disk.lose_power();
            nsqd.kill()
        };
        disk.regain_power();
        stopped
    });
}
