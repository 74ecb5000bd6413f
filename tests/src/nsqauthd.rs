//! One nsqauthd as a child process.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::http::Http;
use crate::process::{Exit, Log, Process, TIME_LIMIT};
use crate::program;

/// A running nsqauthd. Dropping it kills it.
#[derive(Debug)]
pub struct Nsqauthd {
    process: Process,
    http: SocketAddr,
    directory: TempDir,
    file: &'static str,
}

impl Nsqauthd {
    /// Starts an nsqauthd on a free port of the loopback interface with a data file of this name, and waits until
    /// it serves.
    #[track_caller]
    pub fn start(file: &'static str, content: &str) -> Self {
        let directory = TempDir::with_prefix("nsqauthd-").expect("create a working directory");
        fs::write(directory.path().join(file), content).expect("write a data file");
        Self::start_in(directory, file, "127.0.0.1:0")
    }

    /// Kills it and starts another one at the same address with the same data file.
    #[track_caller]
    pub fn restart(self) -> Self {
        let Self {
            process,
            http,
            directory,
            file,
        } = self;
        drop(process);
        Self::start_in(directory, file, &http.to_string())
    }

    #[track_caller]
    fn start_in(directory: TempDir, file: &'static str, address: &str) -> Self {
        let arguments = [
            format!("--http-address={address}"),
            format!("--data-file={file}"),
            "--log-level=debug".to_owned(),
        ];
        let process =
            Process::start_with_limit(program::nsqauthd(), directory.path(), &arguments, 3 * TIME_LIMIT);
        let part = " HTTP: listening on ";
        let line = process.log().await_line(part);
        let (_, address) = line.split_once(part).expect("the line contains the part");
        Self {
            http: address.parse().expect("an address and a port"),
            process,
            directory,
            file,
        }
    }

    /// Runs an nsqauthd to its end in `directory`.
    pub fn run(directory: &Path, flags: &[&str]) -> Exit {
        Process::run(program::nsqauthd(), directory, flags)
    }

    /// The flag that makes an nsqd ask this server.
    pub fn flag(&self) -> String {
        format!("--auth-http-address={}", self.http)
    }

    /// The HTTP interface.
    pub fn http(&self) -> Http {
        Http::new(self.http)
    }

    /// What it has logged, by line.
    pub fn log(&self) -> &Log {
        self.process.log()
    }

    /// Puts other content in the place of the data file, all at once.
    pub fn replace(&self, content: &str) {
        let new = self.directory.path().join("new");
        fs::write(&new, content).expect("write a data file");
        fs::rename(&new, self.directory.path().join(self.file)).expect("replace the data file");
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Ends it with SIGTERM.
    pub fn stop(self) -> Exit {
        self.process.signal(Signal::TERM);
        self.process.wait()
    }
}
