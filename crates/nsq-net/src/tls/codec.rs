//! Records of TLS, as rustls makes and reads them.

use std::fmt;
use std::io;

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, UnbufferedStatus};
use rustls::{CommonState, Error};
use tokio::io::ReadBuf;

use crate::coded::Codec;

/// Bytes that are encrypted at once: four full records.
const PLAINTEXT_MAX: usize = 64 * 1024;

/// One end of a TLS connection.
pub(super) enum Engine {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// Encrypts and decrypts. Before that, it performs the handshake.
pub(super) struct Tls {
    engine: Engine,
    /// Records of rustls' own, such as the handshake's, that have to be sent before any others.
    outgoing: Vec<u8>,
    /// Decrypted, and not read from `read` on.
    plaintext: Vec<u8>,
    read: usize,
    /// The peer has said that nothing more comes.
    ended: bool,
    /// The peer has been told that nothing more comes.
    closed: bool,
    /// The engine has reported an error, after which it is not to be asked again.
    failed: bool,
}

/// What to do once data may be sent.
enum Task<'a> {
    Wait,
    Encrypt { data: &'a [u8], output: &'a mut [u8] },
    Close { output: &'a mut [u8] },
}

/// What the engine has come to.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// There may be more to do.
    Next,
    /// It needs more input before anything else can be done.
    Blocked,
    /// Data may be sent; the task has been done, and took this much room.
    Ready(usize),
}

impl Tls {
    pub(super) fn new(engine: Engine) -> Self {
        Self {
            engine,
            outgoing: Vec::new(),
            plaintext: Vec::new(),
            read: 0,
            ended: false,
            closed: false,
            failed: false,
        }
    }

    /// What has been agreed.
    pub(super) fn state(&self) -> &CommonState {
        match &self.engine {
            Engine::Client(connection) => connection,
            Engine::Server(connection) => connection,
        }
    }

    /// Takes the handshake as far as `received` allows; what it does not need any more is removed from the
    /// front. Returns whether that was the end of it. There may be records to be sent either way.
    ///
    /// # Errors
    /// The two do not come to an agreement. There may be an alert to be sent.
    pub(super) fn advance_handshake(&mut self, received: &mut Vec<u8>) -> Result<bool, Error> {
        loop {
            let (used, step) = self.step(received, Task::Wait, None);
            received.drain(..used);
            if step? != Step::Next || self.ended {
                return Ok(!self.state().is_handshaking());
            }
        }
    }

    /// Records that have to be sent.
    pub(super) fn take_outgoing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outgoing)
    }

    pub(super) fn peer_has_closed(&self) -> bool {
        self.ended
    }

    /// Lets the engine do one thing. Returns how much of `input` is not needed any more. What is decrypted
    /// goes to `reader` as far as there is room.
    fn step(
        &mut self,
        input: &mut [u8],
        task: Task<'_>,
        reader: Option<&mut ReadBuf<'_>>,
    ) -> (usize, Result<Step, Error>) {
        let (engine, mut sink) = self.split(reader);
        let (used, step) = match engine {
            Engine::Client(connection) => sink.take(connection.process_tls_records(input), task),
            Engine::Server(connection) => sink.take(connection.process_tls_records(input), task),
        };
        if step.is_err() {
            self.failed = true;
            self.take_alert(input.get_mut(used..).unwrap_or_default());
        }
        (used, step)
    }

    /// After an error: collects what there is to be said about it. The engine is asked only as long as it
    /// has something to send, so that it does not look at the input again.
    fn take_alert(&mut self, input: &mut [u8]) {
        while self.state().wants_write() {
            let (engine, mut sink) = self.split(None);
            let (_, step) = match engine {
                Engine::Client(connection) => sink.take(connection.process_tls_records(input), Task::Wait),
                Engine::Server(connection) => sink.take(connection.process_tls_records(input), Task::Wait),
            };
            if step != Ok(Step::Next) {
                return;
            }
        }
    }

    fn split<'a, 'b>(&'a mut self, reader: Option<&'a mut ReadBuf<'b>>) -> (&'a mut Engine, Sink<'a, 'b>) {
        let sink = Sink {
            outgoing: &mut self.outgoing,
            plaintext: &mut self.plaintext,
            reader,
            ended: &mut self.ended,
        };
        (&mut self.engine, sink)
    }

    /// Gives the reader what it had no room for before.
    fn give(&mut self, output: &mut ReadBuf<'_>) {
        let waiting = self.plaintext.get(self.read..).unwrap_or_default();
        let count = waiting.len().min(output.remaining());
        output.put_slice(waiting.get(..count).unwrap_or_default());
        self.read += count;
        if self.read == self.plaintext.len() {
            self.plaintext = Vec::new();
            self.read = 0;
        }
    }

    /// Does `task` as soon as records of the engine's own are out of the way; they come first. Returns how
    /// many bytes were written to `output`, and whether the task has been done.
    fn perform<'a>(
        &mut self,
        mut task: impl FnMut(&'a mut [u8]) -> Task<'a>,
        output: &'a mut [u8],
        received: &mut Vec<u8>,
    ) -> io::Result<(bool, usize)> {
        if self.failed || self.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        loop {
            if !self.outgoing.is_empty() {
                return Ok((false, self.flush(output)?));
            }
            let (used, step) = self.step(received, Task::Wait, None);
            received.drain(..used);
            match step.map_err(broken)? {
                Step::Next => {}
                Step::Blocked => return Err(io::ErrorKind::NotConnected.into()),
                Step::Ready(_) => break,
            }
        }
        let (used, step) = self.step(received, task(output), None);
        received.drain(..used);
        match step.map_err(broken)? {
            Step::Ready(count) => Ok((true, count)),
            Step::Next | Step::Blocked => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// Where the engine's results go.
struct Sink<'a, 'b> {
    outgoing: &'a mut Vec<u8>,
    plaintext: &'a mut Vec<u8>,
    reader: Option<&'a mut ReadBuf<'b>>,
    ended: &'a mut bool,
}

impl Sink<'_, '_> {
    fn take<D>(
        &mut self,
        status: UnbufferedStatus<'_, '_, D>,
        task: Task<'_>,
    ) -> (usize, Result<Step, Error>) {
        let UnbufferedStatus { discard, state, .. } = status;
        let mut used = discard;
        let step = state.and_then(|state| match state {
            ConnectionState::ReadTraffic(mut traffic) => {
                while let Some(record) = traffic.next_record() {
                    let record = record?;
                    used += record.discard;
                    self.keep(record.payload);
                }
                Ok(Step::Next)
            }
            ConnectionState::EncodeTlsData(mut records) => {
                let start = self.outgoing.len();
                if let Err(EncodeError::InsufficientSize(room)) = records.encode(&mut []) {
                    self.outgoing.resize(start + room.required_size, 0);
                }
                let place = self.outgoing.get_mut(start..).unwrap_or_default();
                match records.encode(place) {
                    Ok(_) | Err(EncodeError::AlreadyEncoded) => Ok(Step::Next),
                    Err(error @ EncodeError::InsufficientSize(_)) => Err(Error::General(error.to_string())),
                }
            }
            ConnectionState::TransmitTlsData(records) => {
                records.done();
                Ok(Step::Next)
            }
            ConnectionState::WriteTraffic(mut traffic) => match task {
                Task::Wait => Ok(Step::Ready(0)),
                Task::Encrypt { data, output } => traffic.encrypt(data, output).map(Step::Ready),
                Task::Close { output } => traffic.queue_close_notify(output).map(Step::Ready),
            }
            .map_err(|error| Error::General(error.to_string())),
            ConnectionState::PeerClosed => {
                *self.ended = true;
                Ok(Step::Next)
            }
            // What else there may be is not asked for.
            _ => Ok(Step::Blocked),
        });
        (used, step)
    }

    fn keep(&mut self, mut payload: &[u8]) {
        if let Some(reader) = &mut self.reader
            && self.plaintext.is_empty()
        {
            let (fits, rest) = payload.split_at(payload.len().min(reader.remaining()));
            reader.put_slice(fits);
            payload = rest;
        }
        self.plaintext.extend_from_slice(payload);
    }
}

impl Codec for Tls {
    fn decode(&mut self, input: &mut [u8], output: &mut ReadBuf<'_>) -> io::Result<usize> {
        if self.failed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut used = 0;
        loop {
            self.give(output);
            if output.remaining() == 0 || self.ended {
                return Ok(used);
            }
            let rest = input.get_mut(used..).unwrap_or_default();
            let (count, step) = self.step(rest, Task::Wait, Some(output));
            used += count;
            if step.map_err(broken)? != Step::Next {
                return Ok(used);
            }
        }
    }

    fn receive_size(&self, room: usize) -> usize {
        room
    }

    fn is_ended(&self) -> bool {
        self.ended && self.plaintext.is_empty()
    }

    fn encode(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        received: &mut Vec<u8>,
    ) -> io::Result<(usize, usize)> {
        let data = input.get(..PLAINTEXT_MAX).unwrap_or(input);
        let (is_done, count) = self.perform(|output| Task::Encrypt { data, output }, output, received)?;
        Ok((if is_done { data.len() } else { 0 }, count))
    }

    fn flush(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let count = self.outgoing.len().min(output.len());
        if let (Some(front), Some(records)) = (output.get_mut(..count), self.outgoing.get(..count)) {
            front.copy_from_slice(records);
        }
        self.outgoing.drain(..count);
        Ok(count)
    }

    fn close(&mut self, output: &mut [u8], received: &mut Vec<u8>) -> io::Result<usize> {
        if self.failed || self.closed {
            return self.flush(output);
        }
        let (is_done, count) = self.perform(|output| Task::Close { output }, output, received)?;
        self.closed = is_done;
        Ok(count)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("version", &self.state().protocol_version())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

fn broken(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, super::HandshakeError::from(error))
}
