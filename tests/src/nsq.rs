//! A whole NSQ in one process.

use std::net::SocketAddr;
use std::path::Path;

use rustix::process::Signal;

use crate::http::{Http, Response};
use crate::poll;
use crate::process::{Exit, Process};
use crate::program;

/// The arguments that take free ports.
const FREE_PORTS: [&str; 5] = [
    "--nsqd-tcp-port=0",
    "--nsqd-http-port=0",
    "--nsqlookupd-tcp-port=0",
    "--nsqlookupd-http-port=0",
    "--nsqadmin-http-port=0",
];

/// A running NSQ. Dropping it kills it.
#[derive(Debug)]
pub struct Nsq {
    process: Process,
    nsqd_tcp: SocketAddr,
    nsqd_http: SocketAddr,
    nsqlookupd_http: SocketAddr,
    nsqadmin_http: SocketAddr,
}

impl Nsq {
    /// Starts one on free ports with its data in `data_path`, and waits until nsqlookupd knows nsqd.
    #[track_caller]
    pub fn start(data_path: &Path) -> Self {
        let process = Process::start(program::nsq(), Path::new("/"), &arguments(data_path, &[]));
        let nsqd = process.output().await_line("  nsqd  ");
        let nsqlookupd = process.output().await_line("  nsqlookupd  ");
        let nsqadmin = process.output().await_line("  nsqadmin  ");
        process.output().await_line("Stop with Ctrl-C.");
        let (nsqd_tcp, nsqd_http) = addresses(&nsqd);
        let (_, nsqlookupd_http) = addresses(&nsqlookupd);
        let nsq = Self {
            process,
            nsqd_tcp,
            nsqd_http,
            nsqlookupd_http,
            nsqadmin_http: parsed(nsqadmin.trim_start_matches("  nsqadmin    http://")),
        };
        nsq.await_told("/nodes", &format!("\"tcp_port\":{},", nsqd_tcp.port()));
        nsq
    }

    /// Runs one to its end that must not start; later flags win over free ports.
    pub fn run(data_path: &Path, flags: &[&str]) -> Exit {
        Process::run(program::nsq(), Path::new("/"), &arguments(data_path, flags))
    }

    /// Where clients of nsqd connect.
    pub fn nsqd_tcp(&self) -> SocketAddr {
        self.nsqd_tcp
    }

    /// The HTTP interface of nsqd.
    pub fn nsqd(&self) -> Http {
        Http::new(self.nsqd_http)
    }

    /// The HTTP interface of nsqlookupd.
    pub fn nsqlookupd(&self) -> Http {
        Http::new(self.nsqlookupd_http)
    }

    /// The web interface.
    pub fn nsqadmin(&self) -> Http {
        Http::new(self.nsqadmin_http)
    }

    /// Asks nsqlookupd until its answer contains `part`, since nsqd registers in its own time.
    #[track_caller]
    pub fn await_told(&self, target: &str, part: &str) -> Response {
        poll::until(|| {
            let response = self.nsqlookupd().get(target);
            if response.text().contains(part) {
                Ok(response)
            } else {
                Err(format!("GET {target}: {response:?}"))
            }
        })
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

fn arguments(data_path: &Path, flags: &[&str]) -> Vec<String> {
    let data_path = format!("--data-path={}", data_path.display());
    let free = FREE_PORTS.iter().copied();
    free.chain([data_path.as_str()])
        .chain(flags.iter().copied())
        .map(str::to_owned)
        .collect()
}

/// The addresses in a line of the form `  name  tcp, http://http`.
#[track_caller]
fn addresses(line: &str) -> (SocketAddr, SocketAddr) {
    let (before, http) = line.split_once(", http://").expect("two addresses");
    let tcp = before.split_whitespace().last().expect("an address");
    (parsed(tcp), parsed(http))
}

#[track_caller]
fn parsed(address: &str) -> SocketAddr {
    address.parse().expect("an address that is listened on")
}
