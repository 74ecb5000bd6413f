//! One V1 connection.
//!
//! A session is one task. It executes all commands that have arrived, sends their answers together, and waits
//! for more. Every error of a peer ends its connection, after the answer that names it.
//!
//! What the session registered is given up with it, however it ends.
//!
//! Upstream: `nsqlookupd/lookup_protocol_v1.go`, `nsqlookupd/tcp.go`.

mod client;
mod registrant;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use nsq_net::{Socket, Stream};
use nsq_protocol::client_error::ClientError;
use nsq_protocol::command::DecodeError;
use nsq_protocol::lookup::{LookupDecoded, LookupDecoder, MAGIC_V1, put_reply};
use nsq_runtime::{Clock, Moment, Shutdown};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::yield_now;

use crate::daemon::Lookupd;
use client::Client;

/// How long a peer may take to say which protocol it speaks. nsqd does so at once.
const MAGIC_TIME: Duration = Duration::from_secs(60);

/// The shortest time after which a silent connection is closed. nsqd sends a PING every 15 s.
const SILENCE_MIN: Duration = Duration::from_secs(600);

/// How long a peer may take to accept answers. nsqd waits a second for one and goes.
const WRITE_TIME: Duration = Duration::from_secs(30);

/// How long the last answer to a peer may take that is being disconnected.
const FAREWELL_TIME: Duration = Duration::from_secs(1);

/// What a peer may still send that is read and dropped after an error: closing a socket with unread input
/// makes the system discard the answer.
const FAREWELL_INPUT_MAX: usize = 1 << 20;

/// Room for input while nothing is pending: several commands. A peer that fills it gets the larger one, which
/// bounds for how long other connections wait for their turn.
const INPUT_LEN: usize = 1024;
const INPUT_LEN_BUSY: usize = 4096;

/// How long a connection may stay silent. Its producer has long been left out of all answers by then.
///
/// Upstream keeps it forever.
pub(crate) fn silence_max(inactive_producer_timeout: Duration) -> Duration {
    inactive_producer_timeout.saturating_mul(2).max(SILENCE_MIN)
}

/// Serves one accepted connection until it ends, or until `stop`.
pub(crate) async fn serve(lookupd: Arc<Lookupd>, socket: Socket, stop: Shutdown) {
    let peer = socket.peer();
    tracing::info!("TCP: new client({peer})");
    let mut session = Session::new(lookupd, Stream::from(socket), stop.clone());
    let end = tokio::select! {
        () = stop.triggered() => End::Stopped,
        Err(end) = session.converse() => end,
    };
    session.finish(end).await;
}

/// A V1 connection and everything that belongs to it.
struct Session {
    client: Client,
    clock: Clock,
    stream: Stream,
    decoder: LookupDecoder,
    /// Received and not executed; begins with the pending command.
    input: BytesMut,
    /// Whether the last read filled the room there was.
    is_busy: bool,
    /// By then the magic, or the next command, has to be complete.
    deadline: Moment,
}

/// Why a session ends.
#[derive(Debug)]
enum End {
    /// The connection has ended before the four bytes that name a protocol.
    NoMagic(String),
    /// The four bytes name no protocol spoken here.
    BadMagic([u8; 4]),
    /// The peer has gone, between commands.
    Gone,
    /// This nsqlookupd stops.
    Stopped,
    /// The socket failed, or the peer takes too long or sends a line without end.
    Failed(String),
    /// The peer broke the rules; it is told.
    Fatal(ClientError),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<DecodeError> for End {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Client(error) => Self::Fatal(error),
            DecodeError::LineTooLong => Self::Failed(error.to_string()),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMagic(cause) | Self::Failed(cause) => f.write_str(cause),
            Self::BadMagic(magic) => write!(f, "bad protocol magic '{}'", magic.escape_ascii()),
            Self::Gone => f.write_str("EOF"),
            Self::Stopped => f.write_str("closed"),
            Self::Fatal(error) => error.fmt(f),
        }
    }
}

impl Session {
    fn new(lookupd: Arc<Lookupd>, stream: Stream, stop: Shutdown) -> Self {
        let clock = lookupd.clock.clone();
        Self {
            client: Client::new(lookupd, stream.peer(), stop),
            deadline: clock.now() + MAGIC_TIME,
            clock,
            stream,
            decoder: LookupDecoder::new(),
            input: BytesMut::new(),
            is_busy: false,
        }
    }

    /// Speaks with the peer for as long as it lasts.
    async fn converse(&mut self) -> Result<Infallible, End> {
        self.read_magic().await?;
        self.renew_deadline();
        loop {
            let executed = self.execute_received();
            // The answers to what came before an error are sent before it.
            self.send().await?;
            executed?;
            if self.is_busy {
                // A peer with much to say is never waited for, and would keep the thread to itself.
                yield_now().await;
            }
            self.receive().await?;
        }
    }

    async fn read_magic(&mut self) -> Result<(), End> {
        let magic = loop {
            if let Some(magic) = self.input.first_chunk() {
                break *magic;
            }
            self.receive().await.map_err(|end| match end {
                End::Gone if !self.input.is_empty() => End::NoMagic("unexpected EOF".to_owned()),
                end => End::NoMagic(end.to_string()),
            })?;
        };
        let shown = magic.escape_ascii();
        tracing::info!("CLIENT({}): desired protocol magic '{shown}'", self.client.peer());
        if magic != *MAGIC_V1 {
            return Err(End::BadMagic(magic));
        }
        self.input.advance(magic.len());
        Ok(())
    }

    /// Executes every complete command that has arrived.
    fn execute_received(&mut self) -> Result<(), End> {
        let received = self.input.len();
        let executed = loop {
            match self.decoder.decode(&self.input) {
                Ok(LookupDecoded::NeedMore { .. }) => break Ok(()),
                Ok(LookupDecoded::Command { command, consumed }) => {
                    self.client.execute(command);
                    self.input.advance(consumed);
                }
                Err(error) => break Err(error.into()),
            }
        };
        if self.input.len() < received {
            self.renew_deadline();
        }
        executed
    }

    fn renew_deadline(&mut self) {
        self.deadline = self.clock.now() + self.client.silence_max();
    }

    async fn receive(&mut self) -> Result<(), End> {
        let room = if self.is_busy { INPUT_LEN_BUSY } else { INPUT_LEN };
        if self.input.is_empty() && self.input.capacity() > room {
            // The peer has calmed down.
            self.input = BytesMut::new();
        }
        self.input.reserve(room);
        let room = self.input.capacity() - self.input.len();
        let read = tokio::select! {
            // What has arrived in time counts, however late it is looked at.
            biased;
            read = self.stream.read_buf(&mut self.input) => read?,
            () = self.clock.sleep_until(self.deadline) => return Err(End::Failed("i/o timeout".to_owned())),
        };
        self.is_busy = read == room;
        match (read, self.decoder.stalled()) {
            (0, Some(error)) => Err(End::Fatal(error.with_cause("unexpected EOF"))),
            (0, None) => Err(End::Gone),
            _ => Ok(()),
        }
    }

    async fn send(&mut self) -> Result<(), End> {
        let answers = self.client.take_answers();
        if answers.is_empty() {
            return Ok(());
        }
        tokio::select! {
            biased;
            sent = self.stream.write_all(&answers) => Ok(sent?),
            () = self.clock.sleep(WRITE_TIME) => Err(End::Failed("i/o timeout".to_owned())),
        }
    }

    /// Gives up what was registered, and parts from the peer.
    async fn finish(self, end: End) {
        let peer = self.client.peer();
        let told = match &end {
            End::NoMagic(cause) => {
                tracing::error!("failed to read protocol version - {cause}");
                return;
            }
            End::BadMagic(_) => {
                tracing::error!("client({peer}) {end}");
                return part(self.stream, &self.clock, &ClientError::bad_protocol()).await;
            }
            End::Gone | End::Stopped | End::Failed(_) => None,
            End::Fatal(error) => Some(error),
        };
        if let Some(error) = told {
            let cause = error.cause().map(|cause| format!(" - {cause}"));
            tracing::error!("[{peer}] - {error}{}", cause.unwrap_or_default());
        }
        tracing::info!("PROTOCOL(V1): [{peer}] exiting ioloop");
        self.client.withdraw().await;
        match &end {
            End::Gone | End::Stopped => tracing::info!("client({peer}) - {end}"),
            _ => tracing::error!("client({peer}) - {end}"),
        }
        if let Some(error) = told {
            part(self.stream, &self.clock, error).await;
        }
    }
}

/// Tells a peer why it is disconnected, and waits a little for it to take notice.
async fn part(mut stream: Stream, clock: &Clock, error: &ClientError) {
    let mut answer = Vec::new();
    put_reply(&mut answer, error.text());
    let parting = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await?;
        let mut dropped = [0; INPUT_LEN];
        let mut left = FAREWELL_INPUT_MAX;
        while left > 0 {
            match stream.read(&mut dropped).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok::<_, io::Error>(())
    };
    tokio::select! {
        // A peer that has gone needs no farewell.
        _ = parting => {}
        () = clock.sleep(FAREWELL_TIME) => {}
    }
}
