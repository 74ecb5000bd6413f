//! What a workload has at hand: fresh servers, scaled counts, and the meter around a phase.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::client::Addresses;
use crate::client::admin::Admin;
use crate::clock::{self, Deadline, SECOND_NS, now_ns};
use crate::error::{Doing, Error, Result};
use crate::process::server::{self, Server};
use crate::process::target::Target;
use crate::process::usage::{Cpu, Memory, Meter};

/// What holds for all workloads of an invocation.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Multiplies counts and durations.
    pub(crate) scale: f64,
    /// Where data directories are made.
    pub(crate) data_root: PathBuf,
    /// Flags that every server gets after the workload's own.
    pub(crate) flags: Vec<String>,
    /// The program that takes the place of the client library; `None` for the library.
    pub(crate) client: Option<PathBuf>,
    /// The bound of each waiting step.
    pub(crate) step_max: Duration,
}

/// One run of one workload against one target.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    /// What is measured.
    pub(crate) target: &'a Target,
    /// How much of it.
    pub(crate) settings: &'a Settings,
}

impl Bench<'_> {
    /// Starts a server with an empty data directory.
    pub(super) fn start(&self, flags: &[&str]) -> Result<Fresh> {
        let data = server::data_directory(&self.settings.data_root)?;
        let server = self.start_in(data.path(), flags)?;
        Ok(Fresh { server, _data: data })
    }

    /// Starts a server in a directory that the workload prepared.
    pub(super) fn start_in(&self, data: &Path, flags: &[&str]) -> Result<Server> {
        let flags: Vec<String> = flags
            .iter()
            .map(|flag| (*flag).to_owned())
            .chain(self.settings.flags.iter().cloned())
            .collect();
        Server::start(self.target, data, &flags)
    }

    /// A directory for [`Bench::start_in`].
    pub(super) fn data_directory(&self) -> Result<TempDir> {
        server::data_directory(&self.settings.data_root)
    }

    /// A number of things to do, scaled, at least `least`.
    pub(super) fn count(&self, full: u64, least: u64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts and scales are far below 2^53 and not negative"
        )]
        let scaled = (super::figures::float(full) * self.settings.scale) as u64;
        scaled.max(least)
    }

    /// A duration, scaled, at least 200 ms.
    pub(super) fn duration(&self, full: Duration) -> Duration {
        full.mul_f64(self.settings.scale).max(Duration::from_millis(200))
    }

    /// The bound of a step that begins now.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.settings.step_max)
    }
}

/// A server with a data directory that goes when it does.
#[derive(Debug)]
pub(super) struct Fresh {
    // Dropped first, so that the server does not write into a directory that is being removed.
    server: Server,
    _data: TempDir,
}

impl std::ops::Deref for Fresh {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Server {
    /// An HTTP connection to it.
    pub(super) fn admin(&self) -> Result<Admin> {
        Admin::connect(self.addresses().http)
    }

    /// A topic with one channel, and nobody consuming.
    pub(super) fn with_channel(&self, topic: &str, channel: &str) -> Result<&Addresses> {
        self.admin()?.create_channel(topic, channel)?;
        Ok(self.addresses())
    }

    /// Memory now; zeros when the process is unknown.
    pub(super) fn memory(&self) -> Result<Memory> {
        self.meter().map_or_else(|| Ok(Memory::default()), Meter::memory)
    }

    /// Waits until the server has nothing left to do, so that work done after the last answer is counted too.
    pub(super) fn settle(&self) -> Result<()> {
        /// The server is at rest when it used less than `BUSY` in each of `ROUNDS` looks in a row.
        const LOOK: Duration = Duration::from_millis(20);
        const BUSY: Duration = Duration::from_micros(1_500);
        const ROUNDS: u32 = 3;
        /// One that never rests is measured as it is.
        const WAIT_MAX: Duration = Duration::from_secs(60);
        let Some(meter) = self.meter() else {
            clock::sleep(Duration::from_millis(500));
            return Ok(());
        };
        let deadline = Deadline::after(WAIT_MAX);
        let (mut quiet, mut before) = (0, meter.cpu()?);
        while quiet < ROUNDS && !deadline.remaining().is_zero() {
            clock::sleep(LOOK);
            let now = meter.cpu()?;
            quiet = if now.since(before) < BUSY { quiet + 1 } else { 0 };
            before = now;
        }
        Ok(())
    }

    /// Lets the server notice a channel that was just created. Upstream looks for new channels every five seconds
    /// (nsqd/nsqd.go, queueScanLoop); figures about deadlines are about what comes after.
    pub(super) fn let_scan_begin(&self, bench: &Bench<'_>) -> Result<()> {
        clock::sleep(bench.duration(Duration::from_secs(6)));
        self.settle()
    }

    /// Begins to meter a phase.
    pub(super) fn span(&self) -> Result<Span<'_>> {
        let meter = self.meter();
        if let Some(meter) = meter {
            meter.reset_peak();
        }
        Ok(Span {
            meter,
            server_cpu: meter.map(Meter::cpu).transpose()?,
            generator_cpu: Meter::own().cpu()?,
            begun_ns: now_ns(),
            ended_ns: None,
        })
    }
}

/// A phase being metered.
#[derive(Debug)]
pub(super) struct Span<'a> {
    meter: Option<&'a Meter>,
    server_cpu: Option<Cpu>,
    generator_cpu: Cpu,
    begun_ns: u64,
    ended_ns: Option<u64>,
}

/// What a phase used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    /// How long it took.
    pub(super) wall: Duration,
    /// Processor time of the server, if its process is known.
    pub(super) server_cpu: Option<Duration>,
    /// Processor time of this process.
    pub(super) generator_cpu: Duration,
    /// Largest resident memory of the server, if its process is known.
    pub(super) peak_bytes: Option<u64>,
}

impl Span<'_> {
    /// Stops the wall clock only: what the server does from here on still counts as its processor time.
    pub(super) fn stop_clock(&mut self) {
        self.ended_ns = Some(now_ns());
    }

    /// Ends the phase.
    pub(super) fn end(self) -> Result<Spent> {
        let ended_ns = self.ended_ns.unwrap_or_else(now_ns);
        let server_cpu = match (self.meter, self.server_cpu) {
            (Some(meter), Some(before)) => Some(meter.cpu()?.since(before)),
            _ => None,
        };
        Ok(Spent {
            wall: Duration::from_nanos(ended_ns.saturating_sub(self.begun_ns)),
            server_cpu,
            generator_cpu: Meter::own().cpu()?.since(self.generator_cpu),
            peak_bytes: self
                .meter
                .map(Meter::memory)
                .transpose()?
                .map(|memory| memory.peak_bytes),
        })
    }
}

/// Runs `other` on a thread of its own while `here` runs on this one, and returns what both found.
pub(super) fn alongside<A: Send, B>(
    other: impl FnOnce() -> Result<A> + Send,
    here: impl FnOnce() -> Result<B>,
) -> Result<(A, B)> {
    thread::scope(|scope| {
        let other = thread::Builder::new()
            .name("alongside".to_owned())
            .spawn_scoped(scope, other)
            .doing(|| "starting a thread")?;
        let here = here();
        let other = other
            .join()
            .map_err(|_| Error::Server("a load thread panicked".to_owned()))?;
        // An error of the producing side explains a consuming side that waited in vain.
        Ok((other?, here?))
    })
}

/// Messages in `duration` at `per_second`.
pub(super) fn messages_in(duration: Duration, per_second: u64) -> u64 {
    let messages = u128::from(per_second) * duration.as_nanos() / u128::from(SECOND_NS);
    u64::try_from(messages).unwrap_or(u64::MAX)
}
