//! One nsqlookupd as a child process, and producers that register with it.

use std::net::SocketAddr;
use std::path::Path;

use nsq_testkit::peer::Peer;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::http::Http;
use crate::process::{Exit, Log, Process, TIME_LIMIT};
use crate::{poll, program};

/// A running nsqlookupd. Dropping it kills it.
#[derive(Debug)]
pub struct Nsqlookupd {
    process: Process,
    tcp: SocketAddr,
    http: SocketAddr,
    flags: Vec<String>,
    _directory: TempDir,
}

impl Nsqlookupd {
    /// Starts an nsqlookupd with default options on free ports of the loopback interface.
    #[track_caller]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts an nsqlookupd with these flags, and waits until it serves.
    #[track_caller]
    pub fn with(flags: &[&str]) -> Self {
        Self::of(program::nsqlookupd(), flags)
    }

    /// The same of another program than the one under test.
    #[track_caller]
    pub fn of(program: &Path, flags: &[&str]) -> Self {
        Self::with_flags(program, flags.iter().map(|flag| (*flag).to_owned()).collect())
    }

    /// Kills it and starts another one at the same addresses, which knows nothing.
    #[track_caller]
    pub fn replace(self) -> Self {
        let mut flags = self.flags.clone();
        flags.push(format!("--tcp-address={}", self.tcp));
        flags.push(format!("--http-address={}", self.http));
        drop(self);
        Self::with_flags(program::nsqlookupd(), flags)
    }

    #[track_caller]
    fn with_flags(program: &Path, flags: Vec<String>) -> Self {
        let directory = TempDir::with_prefix("nsqlookupd-").expect("create a working directory");
        let mut arguments = vec![
            "--tcp-address=127.0.0.1:0",
            "--http-address=127.0.0.1:0",
            "--broadcast-address=lookupd.example",
        ];
        arguments.extend(flags.iter().map(String::as_str));
        let process = Process::start_with_limit(program, directory.path(), &arguments, 3 * TIME_LIMIT);
        Self {
            tcp: listening(process.log(), " TCP: listening on "),
            http: listening(process.log(), " HTTP: listening on "),
            process,
            flags,
            _directory: directory,
        }
    }

    /// Runs an nsqlookupd to its end, for starts that must fail.
    pub fn run(flags: &[&str]) -> Exit {
        let directory = TempDir::with_prefix("nsqlookupd-").expect("create a working directory");
        Process::run(program::nsqlookupd(), directory.path(), flags)
    }

    /// The address of the TCP listener.
    pub fn tcp_address(&self) -> SocketAddr {
        self.tcp
    }

    /// The address of the HTTP listener.
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// The HTTP interface.
    pub fn http(&self) -> Http {
        Http::new(self.http)
    }

    /// Connects a peer that has sent its magic and nothing else.
    #[track_caller]
    pub fn connect(&self) -> Peer {
        let mut peer = Peer::connect(self.tcp);
        peer.send("  V1");
        peer
    }

    /// Connects a producer that has identified itself by this broadcast address and HTTP port 4151.
    #[track_caller]
    pub fn producer(&self, broadcast_address: &str) -> Peer {
        let mut peer = self.connect();
        peer.send(identify(&format!(
            r#"{{"broadcast_address":"{broadcast_address}","hostname":"h1","http_port":4151,"tcp_port":4150,"topology_region":"r1","topology_zone":"z1","version":"1.3.0"}}"#
        )));
        peer.read_body();
        peer
    }

    /// Asks until the answer is `body`, for what a connection that has ended leaves behind.
    #[track_caller]
    pub fn await_answer(&self, target: &str, body: &str) {
        poll::until(|| {
            let response = self.http().get(target);
            if response.text() == body {
                Ok(())
            } else {
                Err(format!("GET {target}: {response:?}"))
            }
        });
    }

    /// What it has logged, by line.
    pub fn log(&self) -> &Log {
        self.process.log()
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Sends a signal and waits for the end.
    pub fn end(self, signal: Signal) -> Exit {
        self.process.signal(signal);
        self.process.wait()
    }
}

/// The bytes of an IDENTIFY with this body.
pub fn identify(body: &str) -> Vec<u8> {
    let size = nsq_testkit::peer::command::size(body.len());
    [b"IDENTIFY\n".as_slice(), &size, body.as_bytes()].concat()
}

#[track_caller]
fn listening(log: &Log, part: &str) -> SocketAddr {
    let line = log.await_line(part);
    let (_, address) = line.split_once(part).expect("the line contains the part");
    address.parse().expect("an address that is listened on")
}
