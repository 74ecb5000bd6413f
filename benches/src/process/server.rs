//! A server under measurement: a child process with a data directory of its own, or one that already runs.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use super::target::Target;
use super::usage::Meter;
use crate::client::Addresses;
use crate::clock::{self, Deadline};
use crate::error::{Doing, Error, Result};

/// A server that does not listen after this time has failed to start.
const START_MAX: Duration = Duration::from_secs(60);

/// A server that still runs this long after SIGTERM has failed to stop.
const STOP_MAX: Duration = Duration::from_secs(120);

/// How often a child is looked at while waiting for its end: the resolution of stop times.
const POLL: Duration = Duration::from_micros(500);

/// Where a server listens: on free ports.
const ADDRESSES: [&str; 3] = [
    "--tcp-address=127.0.0.1:0",
    "--http-address=127.0.0.1:0",
    "--broadcast-address=127.0.0.1",
];

/// Log lines kept to explain a failure.
const LOG_LINES_MAX: usize = 20;

/// A started server; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Option<Child>,
    addresses: Addresses,
    meter: Option<Meter>,
}

impl Server {
    /// Starts `target` on free ports of 127.0.0.1 and waits until it listens; `data` is its data directory.
    pub(crate) fn start(target: &Target, data: &Path, flags: &[String]) -> Result<Self> {
        let mut command = match target {
            Target::Running { addresses, pid } => {
                return Ok(Self {
                    child: None,
                    addresses: *addresses,
                    meter: pid.map(Meter::of),
                });
            }
            Target::Binary(path) => Command::new(path),
            Target::Limit(limit) => {
                let mut command =
                    Command::new(std::env::current_exe().doing(|| "finding this program's own file")?);
                command.args(["limit", &limit.to_string(), "--"]);
                command
            }
        };
        command
            .args(ADDRESSES)
            .arg(format!("--data-path={}", data.display()))
            .args(flags);
        Self::spawn(command, &target.label())
    }

    /// Starts an nsqlookupd on free ports of 127.0.0.1 and waits until it listens.
    pub(crate) fn start_lookupd(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(ADDRESSES);
        Self::spawn(command, &program.display().to_string())
    }

    fn spawn(mut command: Command, label: &str) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().doing(|| format!("starting {label}"))?;
        let meter = Meter::of(child.id());
        let log = child.stderr.take();
        // Owned from here on, so that a failure below ends the child.
        let mut server = Self {
            child: Some(child),
            addresses: nowhere(),
            meter: Some(meter),
        };
        server.addresses = match log {
            Some(log) => listening(log, label)?,
            None => return Err(Error::Server("the server's log could not be taken".to_owned())),
        };
        Ok(server)
    }

    /// Where it listens.
    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Its counters, unless it runs elsewhere.
    pub(crate) fn meter(&self) -> Option<&Meter> {
        self.meter.as_ref()
    }

    /// Sends SIGTERM and waits for the end; returns how long that took.
    ///
    /// # Errors
    ///
    /// [`Error::Server`] when it ends with a failure, [`Error::TooSlow`] when it does not end.
    pub(crate) fn stop(mut self) -> Result<Duration> {
        let Some(child) = &mut self.child else {
            return Ok(Duration::ZERO);
        };
        let begun_ns = clock::now_ns();
        terminate(child)?;
        let deadline = Deadline::after(STOP_MAX);
        loop {
            if let Some(status) = child.try_wait().doing(|| "waiting for the server to end")? {
                let took = Duration::from_nanos(clock::now_ns() - begun_ns);
                self.child = None;
                if status.success() {
                    return Ok(took);
                }
                return Err(Error::Server(format!("the server ended with {status}")));
            }
            deadline.check(|| "stopping the server")?;
            clock::sleep(POLL);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Both fail only if the child has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A fresh directory for the data of one run.
pub(crate) fn data_directory(root: &Path) -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("nsq-bench-")
        .tempdir_in(root)
        .doing(|| format!("creating a data directory in {}", root.display()))
}

fn nowhere() -> Addresses {
    let unspecified = SocketAddr::from(([127, 0, 0, 1], 0));
    Addresses {
        tcp: unspecified,
        http: unspecified,
    }
}

fn terminate(child: &Child) -> Result<()> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Error::Server("the server's process id is out of range".to_owned()))?;
    rustix::process::kill_process(pid, Signal::TERM).doing(|| "sending SIGTERM to the server")
}

/// Reads the log until both addresses are known, and leaves a thread behind that keeps the pipe empty until the
/// server ends.
fn listening(log: impl Read + Send + 'static, label: &str) -> Result<Addresses> {
    let (found, addresses) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("server-log".to_owned())
        .spawn(move || {
            let mut lines = BufReader::new(log).lines().map_while(std::result::Result::ok);
            let outcome = await_addresses(&mut lines);
            // Nobody listens any more only if the start has already been given up.
            let _ = found.send(outcome);
            lines.for_each(drop);
        })
        .doing(|| "starting a thread")?;
    match addresses.recv_timeout(START_MAX) {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(log)) => Err(Error::Server(format!("{label} did not start:\n{log}"))),
        Err(_) => Err(Error::TooSlow {
            doing: format!("starting {label}"),
            limit: START_MAX,
        }),
    }
}

/// The addresses from the lines an nsqd logs when its listeners are open, or the last lines if it ended before.
fn await_addresses(lines: &mut impl Iterator<Item = String>) -> std::result::Result<Addresses, String> {
    let (mut tcp, mut http) = (None, None);
    let mut last = Vec::new();
    for line in lines {
        tcp = tcp.or_else(|| listener(&line, "TCP: listening on "));
        http = http.or_else(|| listener(&line, "HTTP: listening on "));
        if let (Some(tcp), Some(http)) = (tcp, http) {
            return Ok(Addresses { tcp, http });
        }
        if last.len() == LOG_LINES_MAX {
            last.remove(0);
        }
        last.push(line);
    }
    Err(last.join("\n"))
}

fn listener(line: &str, prefix: &str) -> Option<SocketAddr> {
    let (_, message) = line.split_once(": ")?;
    message.strip_prefix(prefix)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses_in(log: &str) -> std::result::Result<Addresses, String> {
        await_addresses(&mut log.lines().map(str::to_owned))
    }

    #[test]
    fn the_addresses_are_read_from_the_log() {
        let addresses = addresses_in(
            "[nsqd] 2026/01/02 03:04:05.000000 INFO: ID: 617\n\
             [nsqd] 2026/01/02 03:04:05.000000 INFO: TCP: listening on 127.0.0.1:41\n\
             [nsqd] 2026/01/02 03:04:05.000000 INFO: HTTP: listening on 127.0.0.1:42\n",
        )
        .unwrap();
        assert_eq!((addresses.tcp.port(), addresses.http.port()), (41, 42));
    }

    #[test]
    fn a_server_that_ends_before_it_listens_is_explained_by_its_last_lines() {
        let log: Vec<String> = (0..50).map(|line| format!("line {line}")).collect();
        let explained = addresses_in(&log.join("\n")).unwrap_err();
        assert!(
            explained.starts_with("line 30\n") && explained.ends_with("line 49"),
            "{explained}"
        );
    }
}
