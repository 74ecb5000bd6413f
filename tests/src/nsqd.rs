//! One nsqd as a child process.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nsq_testkit::peer::{Peer, Stopwatch};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::disk::Disk;
use crate::http::Http;
use crate::poll;
use crate::process::{Exit, Log, Process, TIME_LIMIT};
use crate::program;

/// How to start an nsqd: its flags and its data directory, which lives as long as any `Setup`, [`Nsqd`] or
/// [`Stopped`] that refers to it.
#[derive(Debug, Clone)]
pub struct Setup {
    program: PathBuf,
    directory: Arc<TempDir>,
    flags: Vec<String>,
    limit: Duration,
}

/// A running nsqd that serves TCP and HTTP. Dropping it kills it.
#[derive(Debug)]
pub struct Nsqd {
    process: Process,
    setup: Setup,
    tcp: Option<SocketAddr>,
    http: Option<SocketAddr>,
}

/// An nsqd that has ended.
#[derive(Debug)]
pub struct Stopped {
    /// How it can be started again, on the same data directory.
    pub setup: Setup,
    /// How it ended.
    pub exit: Exit,
}

impl Setup {
    /// An nsqd with default options on free ports of the loopback interface and with an empty data directory.
    pub fn new() -> Self {
        Self::in_directory(TempDir::with_prefix("nsqd-"))
    }

    /// The same with its data directory on `disk`, which must be there for longer.
    pub fn on(disk: &Disk) -> Self {
        let setup = Self::in_directory(TempDir::with_prefix_in("nsqd-", disk.path()));
        // It belongs to the test's preparations, and is not to be lost with what nsqd writes.
        let root = fs::File::open(disk.path()).expect("open the root of a disk");
        root.sync_all().expect("sync the root of a disk");
        setup
    }

    fn in_directory(directory: std::io::Result<TempDir>) -> Self {
        Self {
            program: program::nsqd().to_owned(),
            directory: Arc::new(directory.expect("create a data directory")),
            flags: Vec::new(),
            limit: TIME_LIMIT,
        }
    }

    /// A setup whose data directory starts as a copy of `files`.
    pub fn with_copy_of(files: &Path) -> Self {
        let setup = Self::new();
        for entry in
            fs::read_dir(files).unwrap_or_else(|err| panic!("cannot read {}: {err}", files.display()))
        {
            let entry = entry.expect("read a directory entry");
            fs::copy(entry.path(), setup.data_path().join(entry.file_name())).expect("copy a data file");
        }
        setup
    }

    /// Adds a flag, spelled as on the command line. Later ones win over earlier ones and over the defaults.
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// Starts another program than the one under test.
    pub fn program(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// Sets how long one run may take before it is killed.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The data directory.
    pub fn data_path(&self) -> &Path {
        self.directory.path()
    }

    /// The content of a file in the data directory.
    #[track_caller]
    pub fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.data_path().join(file)).unwrap_or_else(|err| panic!("cannot read {file}: {err}"))
    }

    /// Writes a file into the data directory.
    #[track_caller]
    pub fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        fs::write(self.data_path().join(file), content)
            .unwrap_or_else(|err| panic!("cannot write {file}: {err}"));
    }

    /// Waits until there is a file of this name in the data directory.
    #[track_caller]
    pub fn await_file(&self, file: &str) {
        let path = self.data_path().join(file);
        poll::until(|| {
            if path.exists() {
                Ok(())
            } else {
                Err(format!("there is no {}", path.display()))
            }
        });
    }

    /// The names of all files in the data directory, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.data_path())
            .expect("read the data directory")
            .map(|entry| {
                entry
                    .expect("read a directory entry")
                    .file_name()
                    .into_string()
                    .expect("a name in UTF-8")
            })
            .collect();
        names.sort();
        names
    }

    /// Every argument of the process.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            "--tcp-address=127.0.0.1:0".to_owned(),
            "--http-address=127.0.0.1:0".to_owned(),
            "--broadcast-address=127.0.0.1".to_owned(),
            format!("--data-path={}", self.data_path().display()),
        ];
        arguments.extend(self.flags.iter().cloned());
        arguments
    }

    /// Starts the process without waiting for its listeners.
    pub fn spawn(&self) -> Process {
        Process::start_with_limit(&self.program, self.data_path(), &self.arguments(), self.limit)
    }

    /// Runs to the end, for starts that must fail.
    pub fn run(&self) -> Exit {
        self.spawn().wait()
    }

    /// Starts nsqd and waits until both of its listeners serve.
    #[track_caller]
    pub fn start(self) -> Nsqd {
        let process = self.spawn();
        let tcp = listening(process.log(), " TCP: listening on ");
        let http = if self.flags.iter().any(|flag| flag == "--http-address=") {
            None
        } else {
            listening(process.log(), " HTTP: listening on ")
        };
        Nsqd {
            process,
            setup: self,
            tcp,
            http,
        }
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

/// The address behind `part` of a log line; `None` if it is a unix socket.
#[track_caller]
fn listening(log: &Log, part: &str) -> Option<SocketAddr> {
    let line = log.await_line(part);
    let (_, address) = line.split_once(part).expect("the line contains the part");
    address.parse().ok()
}

impl Nsqd {
    /// Starts an nsqd with default options.
    #[track_caller]
    pub fn start() -> Self {
        Setup::new().start()
    }

    /// Starts an nsqd with these flags.
    #[track_caller]
    pub fn with(flags: &[&str]) -> Self {
        flags
            .iter()
            .fold(Setup::new(), |setup, flag| setup.flag(*flag))
            .start()
    }

    /// The address of the TCP listener.
    #[track_caller]
    pub fn tcp_address(&self) -> SocketAddr {
        self.tcp.expect("the TCP listener is not a unix socket")
    }

    /// The address of the HTTP listener.
    #[track_caller]
    pub fn http_address(&self) -> SocketAddr {
        self.http.expect("the HTTP listener is on and not a unix socket")
    }

    /// The HTTPS listener, of a daemon with a certificate.
    #[track_caller]
    pub fn https_address(&self) -> SocketAddr {
        listening(self.log(), " HTTPS: listening on ").expect("HTTPS is always TCP")
    }

    /// Connects a client that has sent its magic and nothing else.
    #[track_caller]
    pub fn connect(&self) -> Peer {
        Peer::connect_v2(self.tcp_address())
    }

    /// Connects a consumer: subscribed, with this RDY count.
    #[track_caller]
    pub fn consumer(&self, topic: &str, channel: &str, ready_count: u32) -> Peer {
        let mut consumer = self.connect();
        consumer.subscribe(topic, channel);
        consumer.ready(ready_count);
        consumer
    }

    /// The HTTP interface.
    #[track_caller]
    pub fn http(&self) -> Http {
        Http::new(self.http_address())
    }

    /// Publishes over a connection of its own and awaits the `OK`.
    #[track_caller]
    pub fn publish(&self, topic: &str, body: impl AsRef<[u8]>) {
        self.connect().publish(topic, body);
    }

    /// Creates a topic over HTTP.
    #[track_caller]
    pub fn create_topic(&self, topic: &str) {
        self.http()
            .post(&format!("/topic/create?topic={topic}"), "")
            .expect_empty(200);
    }

    /// Creates a channel over HTTP, and its topic before.
    #[track_caller]
    pub fn create_channel(&self, topic: &str, channel: &str) {
        self.create_topic(topic);
        self.channel_action("create", topic, channel);
    }

    /// `POST /topic/<action>`, which must succeed.
    #[track_caller]
    pub fn topic_action(&self, action: &str, topic: &str) {
        let topic = topic.replace('#', "%23");
        self.http()
            .post(&format!("/topic/{action}?topic={topic}"), "")
            .expect_empty(200);
    }

    /// `POST /channel/<action>`, which must succeed.
    #[track_caller]
    pub fn channel_action(&self, action: &str, topic: &str, channel: &str) {
        let topic = topic.replace('#', "%23");
        let channel = channel.replace('#', "%23");
        self.http()
            .post(&format!("/channel/{action}?topic={topic}&channel={channel}"), "")
            .expect_empty(200);
    }

    /// What it has logged, by line.
    pub fn log(&self) -> &Log {
        self.process.log()
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its flags and data directory.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Ends it with SIGTERM, which must end it cleanly.
    #[track_caller]
    pub fn stop(self) -> Stopped {
        let stopped = self.end(Signal::TERM);
        assert!(
            stopped.exit.status.success(),
            "SIGTERM ended nsqd with {}\n{}",
            stopped.exit.status,
            stopped.exit.stderr
        );
        stopped
    }

    /// Ends it cleanly and starts it again, at the same addresses.
    #[track_caller]
    pub fn restart(self) -> Self {
        let (tcp, http) = (self.tcp_address(), self.http_address());
        self.stop()
            .setup
            .flag(format!("--tcp-address={tcp}"))
            .flag(format!("--http-address={http}"))
            .start()
    }

    /// Ends it with SIGKILL.
    pub fn kill(self) -> Stopped {
        self.end(Signal::KILL)
    }

    /// Sends a signal and waits for the end.
    pub fn end(self, signal: Signal) -> Stopped {
        if program::is_reference() {
            poll::settle();
        }
        let stopwatch = Stopwatch::start();
        self.process.signal(signal);
        let mut exit = self.process.wait();
        exit.took = stopwatch.elapsed();
        Stopped {
            setup: self.setup,
            exit,
        }
    }
}

impl Stopped {
    /// Starts it again with the same flags on the same data directory.
    #[track_caller]
    pub fn restart(self) -> Nsqd {
        self.setup.start()
    }
}
