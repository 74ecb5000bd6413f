//! The accept loop of a server: bounded, stoppable, and calm when the system runs out of something.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use nsq_runtime::Clock;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Listener, NetError, Socket};

/// First pause after an accept that failed for want of a resource, doubled up to the longest.
/// Upstream retries at once and burns a core for as long as it is out of descriptors.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Descriptors that are not given to connections: files, and connections that the process makes itself, need some too,
/// and those that are served are worth more than another one. A quarter of all, at most this many.
const RESERVE_MAX: u64 = 256;

/// Accepts the connections of one listener.
#[derive(Debug)]
pub struct Acceptor {
    /// Descriptors from here on are the reserve; `None` where there is no limit.
    reserve_from: Option<RawFd>,
    listener: Listener,
    slots: Option<Arc<Semaphore>>,
    clock: Clock,
}

/// A place among the connections that an [`Acceptor`] allows at once, freed by dropping it.
#[derive(Debug)]
#[must_use = "the connection counts for as long as its slot lives"]
pub struct Slot {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Acceptor {
    /// Accepts without a bound of its own; the descriptor limit of the process is the bound, less a quarter of it, or
    /// 256 descriptors, as a reserve for everything that is no connection.
    pub fn new(listener: Listener, clock: Clock) -> Self {
        Self {
            reserve_from: getrlimit(Resource::Nofile).current.map(reserve_from),
            listener,
            slots: None,
            clock,
        }
    }

    /// Allows `connections_max` connections at once. Further ones wait in the backlog of the
    /// listener until a [`Slot`] is free.
    pub fn with_limit(mut self, connections_max: usize) -> Self {
        self.slots = Some(Arc::new(Semaphore::new(
            connections_max.min(Semaphore::MAX_PERMITS),
        )));
        self
    }

    /// The listener underneath.
    pub fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Hands connections to `serve` until `stop` completes, then gives the listener back so that it
    /// can be closed. `serve` must not block: it starts a task.
    ///
    /// Errors of a single connection are skipped. When the system is out of descriptors or memory
    /// the loop says so at WARNING and pauses, from 5 ms up to 1 s, until accepting works again.
    ///
    /// # Errors
    /// If the listener itself is unusable; it is dropped then.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener; connections already handed out are not touched.
    pub async fn run<F>(self, stop: impl Future<Output = ()>, mut serve: F) -> Result<Listener, NetError>
    where
        F: FnMut(Socket, Slot),
    {
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                // Stopping first: a flood of connections must not postpone it.
                biased;
                () = &mut stop => break,
                accepted = self.accept() => accepted?,
            };
            let (socket, slot) = accepted;
            serve(socket, slot);
        }
        Ok(self.listener)
    }

    /// The next connection, once there is a slot for it.
    async fn accept(&self) -> Result<(Socket, Slot), NetError> {
        let permit = match &self.slots {
            Some(slots) => Arc::clone(slots).acquire_owned().await.ok(),
            None => None,
        };
        let mut pause = PAUSE_MIN;
        loop {
            let error = match self.listener.accept().await {
                Ok(socket) => {
                    self.await_descriptors(&socket).await;
                    return Ok((socket, Slot { _permit: permit }));
                }
                Err(error) => error,
            };
            match severity(&error) {
                Severity::Connection => {}
                Severity::Resource => {
                    let error = self.listener.accept_error(error);
                    tracing::warn!("temporary Accept() failure - {error}");
                    self.clock.sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                Severity::Listener => return Err(self.listener.accept_error(error)),
            }
        }
    }
}

impl Acceptor {
    /// Waits while the reserve of descriptors is in use, if `socket` is of it. The system gives out the lowest number
    /// that is free, so that a high one says how many are in use, and most connections cost no look.
    async fn await_descriptors(&self, socket: &Socket) {
        let Some(reserve_from) = self.reserve_from.filter(|from| socket.descriptor() >= *from) else {
            return;
        };
        let address = self.listener.local_addr();
        tracing::warn!("{address} accepts no more connections, since descriptors are running out");
        let mut pause = PAUSE_MIN;
        while lowest_free_descriptor().is_none_or(|free| free >= reserve_from) {
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        tracing::info!("{address} accepts connections again");
    }
}

/// The first descriptor of the reserve, of `limit` descriptors.
fn reserve_from(limit: u64) -> RawFd {
    RawFd::try_from(limit - (limit / 4).min(RESERVE_MAX)).unwrap_or(RawFd::MAX)
}

fn lowest_free_descriptor() -> Option<RawFd> {
    File::open("/dev/null").ok().map(|file| file.as_raw_fd())
}

/// What an error of `accept` says about the next one.
#[derive(Debug, PartialEq, Eq)]
enum Severity {
    /// This connection is gone; the next may be fine.
    Connection,
    /// The system is short of something; trying again at once would fail again.
    Resource,
    /// The listener will never work again.
    Listener,
}

fn severity(error: &io::Error) -> Severity {
    match Errno::from_io_error(error) {
        Some(Errno::BADF | Errno::FAULT | Errno::INVAL | Errno::NOTSOCK) => Severity::Listener,
        // Linux reports pending network errors of the new connection from `accept`.
        Some(
            Errno::CONNABORTED
            | Errno::CONNRESET
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::INTR
            | Errno::NETDOWN
            | Errno::NETUNREACH
            | Errno::NONET
            | Errno::NOPROTOOPT
            | Errno::OPNOTSUPP
            | Errno::PERM
            | Errno::PROTO
            | Errno::TIMEDOUT,
        ) => Severity::Connection,
        // EMFILE, ENFILE, ENOBUFS, ENOMEM, and what we do not know: never worth spinning on.
        _ => Severity::Resource,
    }
}

#[cfg(test)]
mod tests {
    use nsq_runtime::Shutdown;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;
    use tokio::sync::mpsc;

    use super::*;
    use crate::Address;

    async fn listener() -> (Listener, String) {
        let listener = Listener::bind(&Address::parse("127.0.0.1:0")).await.unwrap();
        let addr = listener.local_addr().to_string();
        (listener, addr)
    }

    #[tokio::test]
    async fn the_loop_hands_out_connections_until_it_is_stopped() {
        let (listener, addr) = listener().await;
        let stop = Shutdown::new();
        let (accepted, mut connections) = mpsc::channel(8);
        let run = Acceptor::new(listener, Clock::system()).run(stop.triggered(), move |socket, slot| {
            accepted.try_send((socket, slot)).unwrap();
        });
        let client = async {
            let first = TcpStream::connect(&addr).await.unwrap();
            let (socket, _slot) = connections.recv().await.unwrap();
            assert_eq!(socket.peer().port(), Some(first.local_addr().unwrap().port()));
            stop.trigger();
        };
        let (ended, ()) = tokio::join!(run, client);
        ended.unwrap().close().unwrap();
        assert!(TcpStream::connect(&addr).await.is_err());
    }

    #[tokio::test]
    async fn a_full_server_accepts_the_next_connection_when_a_slot_is_freed() {
        let (listener, addr) = listener().await;
        let (accepted, mut connections) = mpsc::channel(8);
        let run = Acceptor::new(listener, Clock::system()).with_limit(1).run(
            std::future::pending(),
            move |socket, slot| {
                accepted.try_send((socket, slot)).unwrap();
            },
        );
        let client = async {
            let _first = TcpStream::connect(&addr).await.unwrap();
            let mut second = TcpStream::connect(&addr).await.unwrap();
            let (_, slot) = connections.recv().await.unwrap();
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            assert!(connections.try_recv().is_err());
            drop(slot);
            let (socket, slot) = connections.recv().await.unwrap();
            drop((socket, slot));
            assert_eq!(second.read(&mut [0]).await.unwrap(), 0);
        };
        tokio::select! {
            ended = run => panic!("the loop ended: {ended:?}"),
            () = client => {}
        }
    }

    #[test]
    fn a_part_of_the_descriptors_is_not_for_connections() {
        assert_eq!(reserve_from(64), 48);
        assert_eq!(reserve_from(1024), 768);
        assert_eq!(reserve_from(1_000_000), 999_744);
        assert_eq!(reserve_from(u64::MAX), RawFd::MAX);
    }

    #[test]
    fn running_out_of_descriptors_pauses_and_a_broken_listener_ends_the_loop() {
        for (errno, expected) in [
            (Errno::CONNABORTED, Severity::Connection),
            (Errno::INTR, Severity::Connection),
            (Errno::MFILE, Severity::Resource),
            (Errno::NFILE, Severity::Resource),
            (Errno::NOBUFS, Severity::Resource),
            (Errno::NOMEM, Severity::Resource),
            (Errno::BADF, Severity::Listener),
            (Errno::INVAL, Severity::Listener),
        ] {
            assert_eq!(severity(&errno.into()), expected, "{errno:?}");
        }
    }
}
