//! One nsqadmin as a child process, and clusters for it to look at.

use std::net::SocketAddr;
use std::path::Path;

use nsq_testkit::peer::Peer;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Http, Response};
use crate::process::{Exit, Log, Process};
use crate::{Nsqd, Nsqlookupd, poll, program};

/// What the web pages send with every change.
const UI_HEADERS: &str = "Content-Type: application/json\r\nX-NSQAdmin-UI: 1\r\n";

/// A running nsqadmin. Dropping it kills it.
#[derive(Debug)]
pub struct Nsqadmin {
    process: Process,
    http: SocketAddr,
    _directory: TempDir,
}

/// Some nsqds that are registered at some nsqlookupds. Dropping it kills them all.
#[derive(Debug)]
pub struct Cluster {
    /// The nsqlookupds.
    pub nsqlookupds: Vec<Nsqlookupd>,
    /// The nsqds.
    pub nsqds: Vec<Nsqd>,
}

impl Cluster {
    /// Starts so many nsqlookupds, and so many nsqds that know all of them.
    #[track_caller]
    pub fn start(nsqlookupds: usize, nsqds: usize) -> Self {
        let nsqlookupds: Vec<_> = (0..nsqlookupds).map(|_| Nsqlookupd::start()).collect();
        let flags: Vec<_> = nsqlookupds
            .iter()
            .map(|nsqlookupd| format!("--lookupd-tcp-address={}", nsqlookupd.tcp_address()))
            .collect();
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let cluster = Self {
            nsqds: (0..nsqds).map(|_| Nsqd::with(&flags)).collect(),
            nsqlookupds,
        };
        for nsqd in &cluster.nsqds {
            let port = nsqd.http_address().port();
            cluster.await_known("/nodes", &format!("\"http_port\":{port},"));
        }
        cluster
    }

    /// Creates a topic, or a channel with its topic if there is a slash, on an nsqd, and waits until all nsqlookupds
    /// know it.
    #[track_caller]
    pub fn create(&self, nsqd: usize, name: &str) {
        let on = self.nsqd(nsqd);
        let topic = if let Some((topic, channel)) = name.split_once('/') {
            on.create_channel(topic, channel);
            topic
        } else {
            on.create_topic(name);
            name
        };
        let port = on.http_address().port();
        self.await_known(
            &format!("/lookup?topic={topic}"),
            &format!("\"http_port\":{port},"),
        );
    }

    /// Waits until the answer of each nsqlookupd contains `part`.
    #[track_caller]
    pub fn await_known(&self, target: &str, part: &str) {
        for nsqlookupd in &self.nsqlookupds {
            poll::until(|| {
                let answer = nsqlookupd.http().get(target).text().to_owned();
                if answer.contains(part) {
                    Ok(())
                } else {
                    Err(format!("{target} has no {part}: {answer}"))
                }
            });
        }
    }

    fn nsqd(&self, number: usize) -> &Nsqd {
        self.nsqds.get(number).expect("an nsqd of the cluster")
    }

    /// The HTTP address of an nsqd, which is what nsqadmin calls it.
    pub fn node(&self, nsqd: usize) -> String {
        self.nsqd(nsqd).http_address().to_string()
    }

    /// The flags by which an nsqadmin finds the nsqlookupds.
    pub fn flags(&self) -> Vec<String> {
        self.nsqlookupds
            .iter()
            .map(|nsqlookupd| format!("--lookupd-http-address={}", nsqlookupd.http_address()))
            .collect()
    }

    /// Starts an nsqadmin that looks at it.
    #[track_caller]
    pub fn nsqadmin(&self, flags: &[&str]) -> Nsqadmin {
        self.nsqadmin_of(program::nsqadmin(), flags)
    }

    /// Starts another program as that.
    #[track_caller]
    pub fn nsqadmin_of(&self, program: &Path, flags: &[&str]) -> Nsqadmin {
        let own = self.flags();
        let flags: Vec<_> = own
            .iter()
            .map(String::as_str)
            .chain(flags.iter().copied())
            .collect();
        Nsqadmin::of(program, &flags)
    }
}

/// GETs `target` until its JSON is `wanted`.
#[track_caller]
pub fn await_json(http: Http, target: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    poll::until(|| {
        let answer = http.get(target);
        let json = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        if wanted(&json) {
            Ok(json)
        } else {
            Err(format!("{target}: {answer:?}"))
        }
    })
}

impl Nsqadmin {
    /// Starts an nsqadmin with these flags on a free port of the loopback interface, and waits until it serves.
    #[track_caller]
    pub fn with(flags: &[&str]) -> Self {
        Self::of(program::nsqadmin(), flags)
    }

    #[track_caller]
    fn of(program: &Path, flags: &[&str]) -> Self {
        let directory = TempDir::with_prefix("nsqadmin-").expect("create a working directory");
        let mut arguments = vec!["--http-address=127.0.0.1:0"];
        arguments.extend(flags);
        let process = Process::start(program, directory.path(), &arguments);
        let part = " HTTP: listening on ";
        let line = process.log().await_line(part);
        let (_, address) = line.split_once(part).expect("the line contains the part");
        Self {
            http: address.parse().expect("an address that is listened on"),
            process,
            _directory: directory,
        }
    }

    /// Runs an nsqadmin to its end, for starts that must fail.
    pub fn run(flags: &[&str]) -> Exit {
        let directory = TempDir::with_prefix("nsqadmin-").expect("create a working directory");
        Process::run(program::nsqadmin(), directory.path(), flags)
    }

    /// The HTTP interface.
    pub fn http(&self) -> Http {
        Http::new(self.http)
    }

    /// What it has logged, by line.
    pub fn log(&self) -> &Log {
        self.process.log()
    }

    /// Any request, with headers that each end a line.
    #[track_caller]
    pub fn request(&self, method: &str, target: &str, headers: &str, body: &str) -> Response {
        let length = body.len();
        self.http().raw(format!(
            "{method} {target} HTTP/1.1\r\nHost: admin.example\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// A change through the extension API, as the web pages send it.
    #[track_caller]
    pub fn change(&self, method: &str, path: &str, body: &Value) -> Response {
        self.request(method, &format!("/api/ext/{path}"), UI_HEADERS, &body.to_string())
    }

    /// The whole answer of the extension API.
    #[track_caller]
    pub fn ext(&self, path: &str) -> Value {
        let response = self.http().get(&format!("/api/ext/{path}"));
        assert_eq!(response.status(), 200, "{path}: {response:?}");
        serde_json::from_slice(&response.body).expect("an answer in JSON")
    }

    /// Asks the extension API until its data is `wanted`.
    #[track_caller]
    pub fn await_ext(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        poll::until(|| {
            let answer = self.ext(path);
            if wanted(answer.get("data").unwrap_or(&Value::Null)) {
                Ok(answer)
            } else {
                Err(format!("{path}: {answer}"))
            }
        })
    }

    /// Opens an event stream.
    #[track_caller]
    pub fn events(&self, target: &str) -> Peer {
        let mut connection = self.http().connect();
        connection.send(format!("GET {target} HTTP/1.1\r\nHost: admin.example\r\n\r\n"));
        connection
    }

    /// Ends it with a signal.
    pub fn end(self, signal: Signal) -> Exit {
        self.process.signal(signal);
        self.process.wait()
    }
}
