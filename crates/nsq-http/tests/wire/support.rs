//! A server on a free port, and a peer that speaks to it in bytes.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::time::Duration;

use nsq_http::{Limits, Server, Service};
use nsq_net::{Address, Listener};
use nsq_runtime::{Clock, ManualClock, Shutdown, TaskGroup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Running {
    pub(crate) addr: String,
    pub(crate) stop: Shutdown,
    pub(crate) tasks: TaskGroup,
}

pub(crate) async fn start<S: Service>(service: S) -> Running {
    start_with(service, Clock::system(), Limits::default()).await
}

pub(crate) async fn start_with<S: Service>(service: S, clock: Clock, limits: Limits) -> Running {
    let listener = Listener::bind(&Address::parse("127.0.0.1:0")).await.unwrap();
    let addr = listener.local_addr().to_string();
    let stop = Shutdown::new();
    let tasks = TaskGroup::new("test server");
    let server = Server::with_limits(service, clock, limits);
    let stopped = stop.clone();
    tasks.spawn(async move { server.run(listener, stopped).await.unwrap() });
    Running { addr, stop, tasks }
}

impl Running {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.addr).await.unwrap()
    }

    /// Sends `bytes`, closes the sending side, and returns all that comes back, without dates.
    pub(crate) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        stream.shutdown().await.unwrap();
        read_to_end(&mut stream).await
    }

    /// The reply to one request without a body.
    pub(crate) async fn ask(&self, method: &str, target: &str) -> String {
        self.exchange(format!("{method} {target} HTTP/1.1\r\nHost: nsq\r\n\r\n"))
            .await
    }
}

/// Everything until the server closes, without dates.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    without_dates(&String::from_utf8(bytes).unwrap())
}

/// Reads until the bytes so far end in `end`; returns them without dates.
pub(crate) async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let byte = stream.read_u8().await.unwrap_or_else(|error| {
            panic!("{error} after {:?}", String::from_utf8_lossy(&bytes));
        });
        bytes.push(byte);
    }
    without_dates(&String::from_utf8(bytes).unwrap())
}

fn without_dates(text: &str) -> String {
    text.split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Date: "))
        .collect()
}

/// Moves `manual` by seconds until `done` completes; returns its output and how far that was.
pub(crate) async fn passing_time<T>(manual: &ManualClock, done: impl Future<Output = T>) -> (T, Duration) {
    let clock = manual.clock();
    let started = clock.now();
    let ticking = async {
        loop {
            manual.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        output = done => (output, clock.now() - started),
        () = ticking => unreachable!("ticks for ever"),
    }
}
