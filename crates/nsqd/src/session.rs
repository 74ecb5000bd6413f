//! One V2 connection.
//!
//! A session is one task and one state machine. Each time it is polled it reads and executes what has
//! come, takes messages for the client, and writes, until nothing moves; what is not finished stays in the
//! session, so nothing is lost wherever it stops. The client's commands and its messages progress
//! independently: a client that does not read still has its FINs applied, up to the bound on what waits to
//! be written.
//!
//! Output is written as soon as there is nothing more to add to it. The buffer size and timeout that a
//! client negotiates are upper bounds that are never reached while its socket takes data.
//!
//! Upstream: `nsqd/protocol_v2.go` and `nsqd/client_v2.go`.

mod auth;
mod execute;
mod gate;
pub(crate) mod intake;
mod output;
mod scratch;
mod unsettled;
mod upgrade;

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BufMut, BytesMut};
use nsq_core::{Signal, Subscription, Topic};
use nsq_net::{Slot, Socket, Stream};
use nsq_protocol::client_error::ClientError;
use nsq_protocol::command::{CommandDecoder, MAGIC_V2};
use nsq_protocol::frame;
use nsq_protocol::identify::ClientSettings;
use nsq_runtime::{Moment, Timer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio_util::io::poll_read_buf;

use crate::client::{Admitted, Compression};
use crate::daemon::Nsqd;
use auth::Login;
use execute::Completion;
use output::Output;
use scratch::{INPUT_LEN, Scratch};
use unsettled::UnsettledQueue;
use upgrade::Upgrade;

/// Rounds of read, deliver and write before other tasks get their turn.
const ROUNDS_MAX: usize = 8;

/// Messages are taken for the client until this much waits to be written. It bounds what a client that
/// does not read can hold in memory, and how much one that reads takes from its siblings at once.
const OUTPUT_MAX: usize = 128 * 1024;

/// Commands are executed until this much waits to be written; their answers are the rest.
const ANSWERS_MAX: usize = OUTPUT_MAX + 256 * 1024;

/// A pending command longer than this gets a receive buffer of its own, whose bodies are not copied.
const LARGE_COMMAND: usize = INPUT_LEN;

/// How long the last frames to a client may take that is being disconnected.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long it may take to tell a client that the connection ends here, where TLS or deflate has a way to say so. A
/// client that does not read holds up the stop of nsqd no longer.
const CLOSE_NOTICE: Duration = Duration::from_millis(200);

/// What a client may still send that is read and dropped after a fatal error: closing a socket with
/// unread input makes the system discard the error frame.
const FAREWELL_INPUT_MAX: usize = 1 << 20;

/// A V2 connection and everything that belongs to it.
struct Session {
    nsqd: Arc<Nsqd>,
    client: Admitted,
    stream: Stream,
    stage: Stage,
    settings: ClientSettings,
    decoder: CommandDecoder,
    /// Received and not executed; begins with the pending command.
    input: BytesMut,
    /// How many bytes of input the pending command needs, as far as is known.
    needed: usize,
    output: Output,
    /// Work that a command has begun and that has to end before the next is executed.
    later: Option<Pin<Box<dyn Future<Output = Completion> + Send>>>,
    /// Publishes that are not answered yet.
    unsettled: UnsettledQueue,
    /// Layers that the client is being told of, and that are put in place before anything else is read.
    upgrade: Option<Upgrade>,
    has_tls: bool,
    compression: Option<Compression>,
    /// What an authorization server has granted; `None` before AUTH.
    login: Option<Box<Login>>,
    /// The topic that was published to last.
    topic: Option<Arc<Topic>>,
    /// Asking for messages may yield some.
    deliver: bool,
    timer: Timer,
    heartbeat_at: Moment,
    /// When the last command was complete: the next has to be, within two heartbeat intervals.
    command_at: Moment,
    /// When output last moved, or began to wait.
    written_at: Moment,
    now: Moment,
}

/// ```text
/// Magic ──"  V2"──▶ Init ──SUB──▶ Subscribed ──CLS──▶ Closing
/// ```
enum Stage {
    Magic,
    Init,
    Subscribed(Subscription),
    Closing(Subscription),
}

/// Why a session is not polled any more.
enum Turn {
    /// The connection is to get other layers first.
    Upgrade(Upgrade),
    End(End),
}

/// Why a session ends.
#[derive(Debug)]
enum End {
    /// The client has gone, between commands.
    Gone,
    /// This nsqd stops, or the channel was deleted.
    Closed,
    /// The socket failed, or a deadline has passed.
    Failed(String),
    /// The client broke the rules; it is told.
    Fatal(ClientError),
}

impl From<ClientError> for End {
    fn from(error: ClientError) -> Self {
        Self::Fatal(error)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("EOF"),
            Self::Closed => f.write_str("closed"),
            Self::Failed(cause) => f.write_str(cause),
            Self::Fatal(error) => error.fmt(f),
        }
    }
}

/// Serves one accepted connection until it ends.
pub(crate) async fn serve(nsqd: Arc<Nsqd>, socket: Socket, slot: Slot) {
    let peer = socket.peer();
    tracing::info!("TCP: new client({peer})");
    let mut session = Box::new(Session::new(nsqd, Stream::from(socket)));
    let end = loop {
        match poll_fn(|cx| session.poll(cx)).await {
            Turn::End(end) => break end,
            Turn::Upgrade(upgrade) => {
                // Boxed, because it is large, seldom, and would be part of every session.
                if let Err(end) = Box::pin(session.upgrade(upgrade)).await {
                    break end;
                }
            }
        }
    };
    session.finish(end).await;
    drop(slot);
}

impl Session {
    fn new(nsqd: Arc<Nsqd>, stream: Stream) -> Self {
        let clock = nsqd.clock();
        let now = clock.now();
        let settings = nsqd.client_settings();
        let interval = settings.heartbeat_interval.unwrap_or_default();
        let client = nsqd
            .clients()
            .admit(stream.peer(), clock.wall_ns() / 1_000_000_000);
        Self {
            client,
            stage: Stage::Magic,
            decoder: CommandDecoder::new(nsqd.command_limits()),
            input: BytesMut::new(),
            needed: 0,
            output: Output::default(),
            later: None,
            unsettled: UnsettledQueue::default(),
            upgrade: None,
            has_tls: false,
            compression: None,
            login: None,
            topic: None,
            deliver: false,
            timer: clock.timer(),
            heartbeat_at: now + interval,
            command_at: now,
            written_at: now,
            now,
            settings,
            stream,
            nsqd,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        if self.client.is_closing(cx.waker()) {
            return Poll::Ready(Turn::End(End::Closed));
        }
        self.now = self.nsqd.clock().now();
        let mut scratch = Scratch::borrow();
        self.output.lend(&mut scratch.output);
        let polled = self.poll_rounds(cx, &mut scratch);
        self.output.reclaim(&mut scratch.output);
        scratch.give_back();
        match polled {
            Ok(()) if self.output.is_done() => match self.upgrade.take() {
                Some(upgrade) => Poll::Ready(Turn::Upgrade(upgrade)),
                None => Poll::Pending,
            },
            Ok(()) => Poll::Pending,
            Err(end) => Poll::Ready(Turn::End(end)),
        }
    }

    /// Does what can be done now. Returns when there is something to wait for, with all wakers in place.
    fn poll_rounds(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Result<(), End> {
        if self.timer.poll_elapsed(cx).is_ready() {
            self.on_timer()?;
        }
        for _ in 0..ROUNDS_MAX {
            let mut moved = self.poll_unsettled(cx)?;
            moved |= self.poll_later(cx)?;
            moved |= self.poll_input(cx, scratch)?;
            self.poll_signal(cx)?;
            moved |= self.deliver();
            moved |= self.poll_output(cx)?;
            if !moved {
                return self.arm_timer(cx);
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Answers publishes whose messages have become safe. Returns whether there were any.
    fn poll_unsettled(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut moved = false;
        while let Poll::Ready((publish, outcome)) = self.unsettled.poll_next(cx) {
            moved = true;
            self.command_at = self.now;
            self.settled(&publish, outcome)?;
        }
        Ok(moved)
    }

    fn poll_later(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let Some(later) = &mut self.later else {
            return Ok(false);
        };
        let Poll::Ready(completion) = later.as_mut().poll(cx) else {
            return Ok(false);
        };
        self.later = None;
        self.command_at = self.now;
        self.complete(completion)?;
        Ok(true)
    }

    /// Reads once and executes what has come. Returns whether anything was.
    fn poll_input(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Result<bool, End> {
        if !self.accepts_commands() {
            return Ok(false);
        }
        if self.needed == 0 && !self.input.is_empty() {
            // Left over when commands had to wait for one before them.
            self.execute_input(scratch)?;
            return Ok(true);
        }
        let read = if self.input.is_empty() {
            self.poll_read_into_scratch(cx, scratch)
        } else {
            self.poll_read_more(cx, scratch)
        };
        match read {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(0)) => Err(self.end_of_stream()),
            Poll::Ready(Ok(_)) => Ok(true),
            Poll::Ready(Err(end)) => Err(end),
        }
    }

    fn end_of_stream(&self) -> End {
        if matches!(self.stage, Stage::Magic) {
            let cause = if self.input.is_empty() {
                "EOF"
            } else {
                "unexpected EOF"
            };
            return End::Failed(format!("failed to read protocol version - {cause}"));
        }
        self.decoder.stalled().map_or(End::Gone, End::Fatal)
    }

    /// Whether the next command may be executed: none is pending, it comes through the right layers, and
    /// its answer has a place.
    fn accepts_commands(&self) -> bool {
        self.later.is_none()
            && self.upgrade.is_none()
            && self.unsettled.has_room()
            && self.output.len() < ANSWERS_MAX
    }

    /// The usual case: whole commands arrive, are executed from a buffer that the thread lends, and leave
    /// nothing behind.
    fn poll_read_into_scratch(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> Poll<Result<usize, End>> {
        let mut buffer = std::mem::take(&mut scratch.input);
        let mut read = ReadBuf::new(&mut buffer);
        let result = match poll_read(&mut self.stream, cx, &mut read) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(read_failed(&error))),
            Poll::Ready(Ok(())) => {
                let received = read.filled();
                Poll::Ready(self.execute(received, None, scratch).map(|consumed| {
                    let rest = received.get(consumed..).unwrap_or_default();
                    if !rest.is_empty() {
                        self.input.reserve(self.needed.max(rest.len()));
                        self.input.extend_from_slice(rest);
                    }
                    received.len()
                }))
            }
        };
        scratch.input = buffer;
        result
    }

    /// Reads the rest of a command that did not arrive in one piece.
    fn poll_read_more(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<Result<usize, End>> {
        let missing = self.needed.saturating_sub(self.input.len());
        // A large command is read up to its end and no further: its buffer is then handed on whole.
        let room = if self.needed > LARGE_COMMAND {
            missing.max(1)
        } else {
            missing.max(INPUT_LEN)
        };
        self.input.reserve(room);
        let mut limited = (&mut self.input).limit(room);
        match poll_read_buf(Pin::new(&mut self.stream), cx, &mut limited) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(read_failed(&error))),
            Poll::Ready(Ok(0)) => Poll::Ready(Ok(0)),
            Poll::Ready(Ok(count)) => Poll::Ready(self.execute_input(scratch).map(|()| count)),
        }
    }

    fn execute_input(&mut self, scratch: &mut Scratch) -> Result<(), End> {
        let mut input = std::mem::take(&mut self.input);
        if self.needed > LARGE_COMMAND && input.len() >= self.needed {
            let block = input.freeze();
            let consumed = self.execute(&block, Some(&block), scratch)?;
            let rest = block.slice(consumed..);
            drop(block);
            self.input = rest
                .try_into_mut()
                .unwrap_or_else(|rest| BytesMut::from(&rest[..]));
        } else {
            let consumed = self.execute(&input, None, scratch)?;
            input.advance(consumed);
            if !input.is_empty() {
                self.input = input;
            }
        }
        Ok(())
    }

    /// The four bytes that every connection begins with; returns how many were consumed.
    fn check_magic(&mut self, received: &[u8]) -> Result<usize, End> {
        let Some(magic) = received.first_chunk::<4>() else {
            self.needed = MAGIC_V2.len();
            return Ok(0);
        };
        let peer = self.client.peer();
        if magic != MAGIC_V2 {
            tracing::error!(
                "client({peer}) bad protocol magic '{}'",
                String::from_utf8_lossy(magic)
            );
            return Err(ClientError::bad_protocol().into());
        }
        tracing::info!("CLIENT({peer}): desired protocol magic '  V2'");
        self.stage = Stage::Init;
        self.needed = 0;
        self.command_at = self.now;
        Ok(magic.len())
    }

    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let Some(subscription) = self.stage.subscription() else {
            return Ok(());
        };
        let mut signalled = false;
        // Until it is pending: only then is the waker in place.
        while let Poll::Ready(signal) = subscription.poll_signal(cx) {
            if signal == Signal::Closed {
                return Err(End::Closed);
            }
            signalled = true;
        }
        if signalled {
            self.deliver = true;
            if self.output.len() >= OUTPUT_MAX {
                subscription.pass_on(self.now);
            }
        }
        Ok(())
    }

    /// Takes messages for the client. Returns whether there were any.
    fn deliver(&mut self) -> bool {
        let Self {
            stage, output, now, ..
        } = self;
        let room = OUTPUT_MAX.saturating_sub(output.len());
        let Some(subscription) = stage.subscription().filter(|_| self.deliver) else {
            return false;
        };
        if room == 0 {
            subscription.report_finished();
            return false;
        }
        let log = tracing::enabled!(tracing::Level::DEBUG);
        let peer = self.client.peer();
        let taken = subscription.take(*now, room, |message| {
            if log {
                let (id, body) = (message.id, String::from_utf8_lossy(&message.body));
                tracing::debug!("PROTOCOL(V2): writing msg({id:?}) to client({peer}) - {body}");
            }
            output.put_message(message);
        });
        self.deliver = taken > 0;
        self.deliver
    }

    /// Writes what there is to write. Returns whether that made room for more.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let before = self.output.len();
        match self.output.poll_write(&mut self.stream, cx) {
            Poll::Ready(Ok(flushed)) => {
                self.written_at = self.now;
                if flushed > 0 {
                    self.nsqd.flush_sizes().note(flushed as u64);
                }
            }
            Poll::Ready(Err(error)) => return Err(End::Failed(format!("failed to write - {error}"))),
            Poll::Pending if self.output.len() < before => self.written_at = self.now,
            Poll::Pending => {}
        }
        Ok(before >= OUTPUT_MAX && self.output.len() < OUTPUT_MAX)
    }

    fn on_timer(&mut self) -> Result<(), End> {
        let now = self.now;
        if let Some(interval) = self.settings.heartbeat_interval {
            if now >= self.write_deadline(interval) {
                return Err(End::Failed("failed to write - i/o timeout".to_owned()));
            }
            if now >= self.read_deadline(interval) {
                let timeout = End::Failed("failed to read command - i/o timeout".to_owned());
                return Err(self.decoder.stalled().map_or(timeout, End::Fatal));
            }
            if now >= self.heartbeat_at && !matches!(self.stage, Stage::Magic) {
                self.output.buffer().extend_from_slice(frame::HEARTBEAT_FRAME);
                self.heartbeat_at = now + interval;
            }
        }
        if let Some(subscription) = self.stage.subscription() {
            subscription.expire(now);
            subscription.shrink();
            self.deliver = true;
        }
        self.timer.arm(Moment::FAR);
        Ok(())
    }

    /// Sets the timer for the earliest thing to come. A timer that is set for an earlier moment is left
    /// alone: to be woken once in vain costs less than moving it with every message.
    fn arm_timer(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let mut at = Moment::FAR;
        if let Some(interval) = self.settings.heartbeat_interval {
            at = self.read_deadline(interval).min(self.write_deadline(interval));
            if !matches!(self.stage, Stage::Magic) {
                at = at.min(self.heartbeat_at);
            }
        }
        if let Some(deadline) = self.stage.subscription().and_then(Subscription::next_deadline) {
            at = at.min(deadline);
        }
        if at < self.timer.deadline() {
            self.timer.arm(at);
            if self.timer.poll_elapsed(cx).is_ready() {
                self.on_timer()?;
                cx.waker().wake_by_ref();
            }
        }
        Ok(())
    }

    fn read_deadline(&self, interval: Duration) -> Moment {
        // While a command is worked on, it is not the client that is slow.
        if self.later.is_some() || !self.unsettled.is_empty() {
            Moment::FAR
        } else {
            self.command_at + 2 * interval
        }
    }

    fn write_deadline(&self, interval: Duration) -> Moment {
        if self.output.is_done() {
            Moment::FAR
        } else {
            self.written_at + interval
        }
    }

    /// Ends the connection. What the client held stays in flight until its timeout.
    async fn finish(mut self: Box<Self>, end: End) {
        let peer = self.client.peer();
        match &end {
            End::Gone | End::Closed => {}
            End::Failed(cause) if matches!(self.stage, Stage::Magic) => tracing::error!("{cause}"),
            End::Failed(cause) => tracing::error!("client({peer}) - {cause}"),
            End::Fatal(error) => {
                log_error(self.client.peer(), error);
                tracing::error!("client({peer}) - {error}");
                frame::put_error(self.output.buffer(), error);
            }
        }
        // Before anything that may take long: others may be waiting for what this one was about to get.
        self.stage = Stage::Init;
        let clock = self.nsqd.clock().clone();
        match end {
            End::Fatal(_) | End::Gone => tokio::select! {
                () = self.farewell(matches!(end, End::Fatal(_))) => {}
                () = clock.sleep(FAREWELL) => {}
            },
            End::Closed => tokio::select! {
                _ = self.stream.shutdown() => {}
                () = clock.sleep(CLOSE_NOTICE) => {}
            },
            End::Failed(_) => {}
        }
        tracing::info!("PROTOCOL(V2): [{peer}] exiting ioloop");
    }

    /// Sends what is left. Errors are of no interest any more.
    async fn farewell(&mut self, drain: bool) {
        let Self { output, stream, .. } = self;
        if poll_fn(|cx| output.poll_write(stream, cx)).await.is_err()
            || stream.shutdown().await.is_err()
            || !drain
        {
            return;
        }
        let mut dropped = 0;
        let mut sink = [0; 1024];
        while dropped < FAREWELL_INPUT_MAX {
            match stream.read(&mut sink).await {
                Ok(1..) => dropped += sink.len(),
                _ => return,
            }
        }
    }
}

impl Stage {
    fn subscription(&mut self) -> Option<&mut Subscription> {
        match self {
            Self::Magic | Self::Init => None,
            Self::Subscribed(subscription) | Self::Closing(subscription) => Some(subscription),
        }
    }
}

/// Logs an error that a client is told of.
fn log_error(peer: nsq_net::Peer, error: &ClientError) {
    if let Some(cause) = error.cause() {
        tracing::error!("[{peer}] - {error} - {cause}");
    } else {
        tracing::error!("[{peer}] - {error}");
    }
}

fn poll_read(stream: &mut Stream, cx: &mut Context<'_>, read: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    tokio::io::AsyncRead::poll_read(Pin::new(stream), cx, read)
}

fn read_failed(error: &io::Error) -> End {
    End::Failed(format!("failed to read command - {error}"))
}
