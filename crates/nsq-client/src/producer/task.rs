//! The task that owns the connection of a producer.
//!
//! Commands leave in rounds: all that is there goes into one round, and while [`ROUNDS_MAX`] of them are not
//! answered, only full commands start another. So a command that finds the connection idle leaves at once, and
//! the busier the connection is, the more messages each command gathers.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::IoSlice;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use nsq_protocol::error_code::ErrorCode;
use nsq_protocol::frame::{Frame, HEARTBEAT};

use super::outbox::Encoded;
use super::receipt::Outcome;
use super::{Phase, Shared, Wants};
use crate::Error;
use crate::conn::Transport;
use crate::error::ProtocolError;
use crate::retry::Retry;

/// Unanswered rounds at which what is not full waits. With fewer, nsqd would be idle between the rounds; with
/// more, they would carry less each.
const ROUNDS_MAX: usize = 4;

/// Bytes of one round, beyond its last command.
const ROUND_BYTES_MAX: usize = 256 * 1024;

/// The longest wait between attempts to connect. Those who publish wait for the next one.
const RECONNECT_MAX: Duration = Duration::from_secs(5);

/// Rounds of reading and writing before other tasks have their turn.
const TURNS_MAX: usize = 16;

const NOP: Bytes = Bytes::from_static(b"NOP\n");

/// Connects whenever there is something to do, until the producer is stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    tokio::select! {
        () = serve(&shared) => {}
        () = shared.stop.triggered() => {}
    }
    shared.fail_all(&Error::NotConnected);
}

async fn serve(shared: &Arc<Shared>) {
    let mut retry = Retry::up_to(RECONNECT_MAX);
    let mut wait = Duration::ZERO;
    loop {
        poll_fn(|cx| shared.poll_demand(cx)).await;
        if wait > Duration::ZERO {
            shared.dialer.clock.sleep(wait).await;
        }
        tracing::info!("{:4} ({}) connecting to nsqd", shared.id, shared.address);
        match shared.dialer.open(&shared.address).await {
            Ok((transport, _)) => {
                shared.connected();
                let mut connection = Connection::new(shared, transport);
                let error = poll_fn(|cx| connection.poll(cx)).await;
                tracing::error!("{:4} ({}) IO error - {error}", shared.id, shared.address);
                // An nsqd that takes connections and nothing else is not to be hurried.
                if connection.was_answered {
                    retry.reset();
                    wait = Duration::ZERO;
                } else {
                    wait = retry.wait();
                }
            }
            Err(error) => {
                tracing::error!(
                    "{:4} ({}) error connecting to nsqd - {error}",
                    shared.id,
                    shared.address
                );
                shared.fail_all(&error);
                wait = retry.wait();
            }
        }
    }
}

impl Shared {
    /// Ready when a connection is needed.
    fn poll_demand(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.task.register(cx.waker());
        let mut state = self.state.lock();
        if state.outbox.is_empty() && state.connecting.is_empty() {
            state.wants = Wants::Anything;
            Poll::Pending
        } else {
            state.wants = Wants::Nothing;
            Poll::Ready(())
        }
    }

    fn connected(&self) {
        let connecting = {
            let mut state = self.state.lock();
            state.stats.connections += 1;
            if state.phase == Phase::Disconnected {
                state.phase = Phase::Connected;
            }
            std::mem::take(&mut state.connecting)
        };
        for outcome in connecting {
            outcome.answer(Ok(()));
        }
    }

    /// Fails everything that waits for a connection.
    fn fail_all(&self, error: &Error) {
        let mut outcomes = {
            let mut state = self.state.lock();
            std::mem::take(&mut state.connecting)
        };
        loop {
            let mut state = self.state.lock();
            let Some(command) = state.outbox.take() else {
                if !state.outbox.is_empty() {
                    continue;
                }
                break;
            };
            outcomes.push(state.complete(command, false));
        }
        self.tell(outcomes.into_iter(), &Err(error.clone()));
    }

    /// Tells those who wait for answers, and those who wait for room.
    fn tell(&self, outcomes: impl Iterator<Item = Arc<Outcome>>, answer: &Result<(), Error>) {
        for outcome in outcomes {
            outcome.answer(answer.clone());
        }
        self.made_room();
    }

    fn made_room(&self) {
        self.room.notify_one();
        if self.state.lock().outbox.pending().commands == 0 {
            self.drained.notify_waiters();
        }
    }
}

struct Connection<'a> {
    shared: &'a Shared,
    transport: Transport,
    output: Output,
    /// Commands that were sent, or are in the output, in the order in which they will be answered.
    unanswered: VecDeque<Encoded>,
    /// How many commands have been answered and taken, ever.
    answered: u64,
    taken: u64,
    /// For each round that is not answered: how many commands had been taken at its end.
    rounds: VecDeque<u64>,
    /// Others had the chance to add to the round that is about to begin.
    yielded: bool,
    /// nsqd has refused a command, and will close the connection without looking at those behind it.
    refused: bool,
    /// That command, if only one of its messages can be the reason.
    to_split: Option<Encoded>,
    was_answered: bool,
}

impl<'a> Connection<'a> {
    fn new(shared: &'a Shared, transport: Transport) -> Self {
        Self {
            shared,
            transport,
            output: Output::default(),
            unanswered: VecDeque::new(),
            answered: 0,
            taken: 0,
            rounds: VecDeque::new(),
            yielded: false,
            refused: false,
            to_split: None,
            was_answered: false,
        }
    }

    /// Ready with what has ended the connection.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.shared.task.register(cx.waker());
        for _ in 0..TURNS_MAX {
            match self.poll_turn(cx) {
                Ok(true) => {}
                Ok(false) => {
                    self.transport.await_answers(!self.unanswered.is_empty());
                    return self.transport.poll_timeout(cx);
                }
                Err(error) => return Poll::Ready(error),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once and writes what there is. Says whether there may be more to do at once.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Result<bool, Error> {
        let received = match self.transport.poll_receive(cx) {
            Poll::Ready(received) => {
                received?;
                self.read_answers()?;
                true
            }
            Poll::Pending => false,
        };
        if !self.output.has_remaining() {
            if !self.yielded && self.rounds.is_empty() && !received {
                self.yielded = true;
                cx.waker().wake_by_ref();
                return Ok(false);
            }
            self.begin_round();
        }
        let had_output = self.output.has_remaining();
        let sent = self.transport.poll_send(cx, &mut self.output);
        let wrote = match sent {
            Poll::Ready(sent) => {
                sent?;
                had_output
            }
            Poll::Pending => false,
        };
        Ok(received || wrote)
    }

    fn read_answers(&mut self) -> Result<(), Error> {
        let mut answered = Vec::new();
        let result = self.take_answers(&mut answered);
        if !answered.is_empty() {
            let answered = {
                let mut state = self.shared.state.lock();
                state.stats.commands += u64::try_from(answered.len()).unwrap_or(u64::MAX);
                answered
                    .into_iter()
                    .map(|(command, answer)| (state.complete(command, answer.is_ok()), answer))
                    .collect::<Vec<_>>()
            };
            for (outcome, answer) in answered {
                outcome.answer(answer);
            }
            self.shared.made_room();
        }
        result
    }

    /// Matches what has come with what was sent.
    fn take_answers(&mut self, answered: &mut Vec<(Encoded, Result<(), Error>)>) -> Result<(), Error> {
        while let Some(frame) = self.transport.next_frame()? {
            match frame {
                Frame::Response(data) if data == HEARTBEAT => self.output.push(NOP),
                Frame::Response(_) => {
                    let command = self.next_answered().ok_or(Error::Unexpected("response"))?;
                    answered.push((command, Ok(())));
                }
                Frame::Error(text) => {
                    let error = ProtocolError::new(&text);
                    let Shared { id, address, .. } = self.shared;
                    tracing::error!("{id:4} ({address}) protocol error - {error}");
                    if let Some(command) = self.next_answered() {
                        self.refused = error.is_fatal();
                        if is_about_one_message(&error) && command.can_split() {
                            self.to_split = Some(command);
                        } else {
                            answered.push((command, Err(Error::Protocol(error))));
                        }
                    }
                }
                Frame::Message(_) => return Err(Error::Unexpected("message")),
            }
        }
        Ok(())
    }

    fn next_answered(&mut self) -> Option<Encoded> {
        let command = self.unanswered.pop_front()?;
        self.was_answered = true;
        self.answered += 1;
        while self.rounds.front().is_some_and(|&end| end <= self.answered) {
            self.rounds.pop_front();
        }
        Some(command)
    }

    /// Takes what is to be sent next.
    fn begin_round(&mut self) {
        let mut state = self.shared.state.lock();
        if std::mem::take(&mut state.ping) {
            self.output.push(NOP);
        }
        let is_busy = self.rounds.len() >= ROUNDS_MAX;
        let before = self.taken;
        // Nothing that stands behind a refused command would be looked at.
        while !self.refused && self.output.remaining() < ROUND_BYTES_MAX {
            if is_busy && !state.outbox.is_front_ready() {
                break;
            }
            let Some(command) = state.outbox.take() else {
                break;
            };
            self.output.push(command.bytes.clone());
            self.unanswered.push_back(command);
            self.taken += 1;
        }
        if self.taken > before {
            self.rounds.push_back(self.taken);
        }
        self.yielded = false;
        state.wants = if self.output.has_remaining() || self.refused {
            Wants::Nothing
        } else if is_busy {
            Wants::Full
        } else {
            Wants::Anything
        };
    }
}

impl Drop for Connection<'_> {
    /// The connection has ended, however it did.
    fn drop(&mut self) {
        let unanswered = std::mem::take(&mut self.unanswered);
        let outcomes = {
            let mut state = self.shared.state.lock();
            if state.phase == Phase::Connected {
                state.phase = Phase::Disconnected;
            }
            if self.refused && state.phase != Phase::Stopped {
                // None of them was looked at, and nothing was taken of what is split.
                let to_split = self.to_split.take();
                let split = to_split.map_or_else(Vec::new, |command| state.outbox.split(&command));
                state.outbox.put_back(split.into_iter().chain(unanswered));
                Vec::new()
            } else {
                let unanswered = self.to_split.take().into_iter().chain(unanswered);
                unanswered.map(|command| state.complete(command, false)).collect()
            }
        };
        self.shared.tell(outcomes.into_iter(), &Err(Error::NotConnected));
    }
}

/// Whether one message of an `MPUB` is enough to earn this error. nsqd publishes none of the others then.
fn is_about_one_message(error: &ProtocolError) -> bool {
    matches!(error.code(), Some(ErrorCode::BadMessage | ErrorCode::BadBody))
}

/// Commands to be written together, without copying them together.
#[derive(Debug, Default)]
struct Output {
    pieces: VecDeque<Bytes>,
    len: usize,
}

impl Output {
    fn push(&mut self, piece: Bytes) {
        self.len += piece.len();
        self.pieces.push_back(piece);
    }
}

impl Buf for Output {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        count
    }

    fn advance(&mut self, mut count: usize) {
        self.len -= count;
        while let Some(piece) = self.pieces.front_mut() {
            if count < piece.len() {
                piece.advance(count);
                return;
            }
            count -= piece.len();
            self.pieces.pop_front();
        }
    }
}
