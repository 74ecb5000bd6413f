//! The utilities between real daemons: what goes in comes out, whatever ends meanwhile.

mod at_a_terminal;
mod command_lines;
mod disk_trouble;
mod files;
mod forwarding;
mod https;
mod ledger;
mod memory;
mod pipes;
mod statistics;
mod trouble;

use std::fs;
use std::path::Path;

use nsq_tests::process::{Exit, Process};
use nsq_tests::{Nsqd, Nsqlookupd, Setup, poll, program};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use self::ledger::{Ledger, limit};

/// A utility on a working directory of its own.
struct Bench {
    directory: TempDir,
}

impl Bench {
    /// Made before any daemon is started: building the utilities may take longer than that may run.
    fn new() -> Self {
        program::utility("to_nsq");
        Self {
            directory: TempDir::with_prefix("utility-").unwrap(),
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn start(&self, name: &str, flags: &[&str]) -> Process {
        Process::start_with_limit(&program::utility(name), self.path(), flags, limit())
    }

    fn run(&self, name: &str, flags: &[&str]) -> Exit {
        self.start(name, flags).wait()
    }

    /// Publishes `input` with `to_nsq`, which must succeed.
    #[track_caller]
    fn publish(&self, nsqd: &Nsqd, topic: &str, input: &[u8]) {
        let exit = self.pipe("to_nsq", &[&format!("--topic={topic}"), &tcp_flag(nsqd)], input);
        assert!(exit.status.success(), "{}", exit.stderr);
    }

    fn pipe(&self, name: &str, flags: &[&str], input: &[u8]) -> Exit {
        fs::write(self.path().join("input"), input).unwrap();
        self.start_redirected(name, flags, "<input").wait()
    }

    fn start_redirected(&self, name: &str, flags: &[&str], redirections: &str) -> Process {
        Process::start_redirected(&program::utility(name), self.path(), flags, redirections, limit())
    }

    /// Waits until there is something in a file.
    #[track_caller]
    fn await_bytes(&self, file: &str) {
        poll::until_within(limit(), || {
            match fs::metadata(self.path().join(file)).map_or(0, |metadata| metadata.len()) {
                0 => Err(format!("{file} stays empty")),
                _ => Ok(()),
            }
        });
    }
}

fn tcp_flag(nsqd: &Nsqd) -> String {
    format!("--nsqd-tcp-address={}", nsqd.tcp_address())
}

/// Two nsqds that register with an nsqlookupd.
struct Cluster {
    nsqlookupd: Option<Nsqlookupd>,
    lookupd_tcp: String,
    lookupd_http: String,
    nsqds: Vec<Nsqd>,
}

impl Cluster {
    fn start() -> Self {
        let nsqlookupd = Nsqlookupd::start();
        let lookupd_tcp = nsqlookupd.tcp_address().to_string();
        let lookupd_http = nsqlookupd.http().address().to_string();
        let nsqds = (0..2)
            .map(|_| {
                Setup::new()
                    .flag(format!("--lookupd-tcp-address={lookupd_tcp}"))
                    // What a killed consumer held comes back soon.
                    .flag("--msg-timeout=2s")
                    .time_limit(limit())
                    .start()
            })
            .collect();
        Self {
            nsqlookupd: Some(nsqlookupd),
            lookupd_tcp,
            lookupd_http,
            nsqds,
        }
    }

    /// The flags of a consumer that finds the cluster, and soon finds it again.
    fn flags(&self) -> Vec<String> {
        vec![
            format!("--lookupd-http-address={}", self.lookupd_http),
            "--consumer-opt=lookupd_poll_interval,100ms".to_owned(),
            "--consumer-opt=lookupd_poll_jitter,0".to_owned(),
            "--consumer-opt=default_requeue_delay,100ms".to_owned(),
            "--consumer-opt=backoff_multiplier,10ms".to_owned(),
            "--consumer-opt=max_attempts,0".to_owned(),
        ]
    }

    /// Stops an nsqd and starts it again with what it had.
    fn restart_nsqd(&mut self, index: usize) {
        let nsqd = self.nsqds.remove(index);
        self.nsqds.insert(index, nsqd.stop().restart());
    }

    /// Stops nsqlookupd and starts another one at the same addresses, which knows nothing.
    fn restart_nsqlookupd(&mut self) {
        if let Some(nsqlookupd) = self.nsqlookupd.take() {
            assert!(nsqlookupd.end(Signal::TERM).status.success());
        }
        let flags = [
            &*format!("--tcp-address={}", self.lookupd_tcp),
            &*format!("--http-address={}", self.lookupd_http),
        ];
        self.nsqlookupd = Some(Nsqlookupd::with(&flags));
    }

    /// Waits until both nsqds have the channel, and nothing is left of it.
    #[track_caller]
    fn await_drained(&self, topic: &str, channel: &str) {
        await_drained(&self.nsqds, topic, channel);
    }

    /// Creates the channel on both nsqds, so that it gets every message.
    fn create_channel(&self, topic: &str, channel: &str) {
        for nsqd in &self.nsqds {
            nsqd.create_channel(topic, channel);
        }
    }
}

/// Waits until all of these have the channel, and nothing is left of it.
#[track_caller]
fn await_drained(nsqds: &[Nsqd], topic: &str, channel: &str) {
    poll::until_within(limit(), || {
        let stats: Vec<Value> = nsqds.iter().map(Nsqd::stats).collect();
        if stats.iter().all(|stats| is_drained(stats, topic, channel)) {
            return Ok(());
        }
        Err(format!("{channel} of {topic} is never empty: {stats:#?}"))
    });
}

fn is_drained(stats: &Value, topic: &str, channel: &str) -> bool {
    let find = |within: &Value, list: &str, key: &str, name: &str| -> Option<Value> {
        let entries = within.get(list)?.as_array()?;
        entries.iter().find(|entry| entry[key] == name).cloned()
    };
    let Some(topic) = find(stats, "topics", "topic_name", topic) else {
        return false;
    };
    let Some(channel) = find(&topic, "channels", "channel_name", channel) else {
        return false;
    };
    let count = |within: &Value, key: &str| within[key].as_i64().unwrap();
    count(&topic, "depth") == 0
        && ["depth", "in_flight_count", "deferred_count"]
            .iter()
            .all(|key| count(&channel, key) == 0)
}
