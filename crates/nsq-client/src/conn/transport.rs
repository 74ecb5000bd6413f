//! Frames in and commands out, within the timeouts.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use nsq_net::Stream;
use nsq_protocol::frame::{Frame, FrameDecoder};
use nsq_runtime::{Clock, Moment, Timer};
use tokio::io::AsyncWrite;
use tokio_util::io::{poll_read_buf, poll_write_buf};

use super::Dialer;
use crate::Error;

/// Bytes read at once. A message that is kept keeps the block it came in; this is how much.
const READ_LEN: usize = 64 * 1024;

/// Less room than this is not worth a system call.
const READ_LEN_MIN: usize = 16 * 1024;

/// An established connection, polled by the one task that owns it.
#[derive(Debug)]
pub(crate) struct Transport {
    stream: Stream,
    /// Received and not decoded.
    input: BytesMut,
    decoder: FrameDecoder,
    clock: Clock,
    reading: Deadline,
    /// nsqd says something from time to time, asked or not.
    has_heartbeats: bool,
    writing: Deadline,
    /// Something was written and is yet to be flushed.
    unflushed: bool,
}

/// A deadline that moves with every byte, while its timer is set anew only when it fires: moving it costs
/// nothing.
#[derive(Debug)]
struct Deadline {
    limit: Duration,
    at: Moment,
    timer: Timer,
}

impl Deadline {
    fn new(limit: Duration, clock: &Clock) -> Self {
        Self {
            limit,
            at: Moment::FAR,
            timer: clock.timer(),
        }
    }

    fn start(&mut self, now: Moment) {
        self.at = now + self.limit;
        if self.timer.deadline() == Moment::FAR {
            self.timer.arm(self.at);
        }
    }

    fn stop(&mut self) {
        self.at = Moment::FAR;
    }

    fn is_running(&self) -> bool {
        self.at != Moment::FAR
    }

    fn poll_missed(&mut self, cx: &mut Context<'_>, clock: &Clock) -> Poll<()> {
        while self.timer.poll_elapsed(cx).is_ready() {
            if clock.now() >= self.at {
                return Poll::Ready(());
            }
            self.timer.arm(self.at);
        }
        Poll::Pending
    }
}

impl Transport {
    pub(super) fn new(stream: Stream, input: BytesMut, decoder: FrameDecoder, dialer: &Dialer) -> Self {
        let Dialer { config, clock, .. } = dialer;
        let mut reading = Deadline::new(config.read_timeout, clock);
        let has_heartbeats = config.heartbeat_interval.is_some();
        if has_heartbeats {
            reading.start(clock.now());
        }
        Self {
            stream,
            input,
            decoder,
            reading,
            has_heartbeats,
            writing: Deadline::new(config.write_timeout, clock),
            clock: clock.clone(),
            unflushed: false,
        }
    }

    /// The next frame of what has been received; `None` when more has to be.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        self.decoder.decode(&mut self.input).map_err(Error::Frame)
    }

    /// Reads once. Fails at the end of the stream.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.input.capacity() - self.input.len() < READ_LEN_MIN {
            self.input.reserve(READ_LEN);
        }
        let Poll::Ready(count) = poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.input)? else {
            if self.input.is_empty() {
                // There may be thousands of connections that have nothing to say.
                self.input = BytesMut::new();
            }
            return Poll::Pending;
        };
        if count == 0 {
            return Poll::Ready(Err(Error::Closed));
        }
        if self.reading.is_running() {
            self.reading.start(self.clock.now());
        }
        Poll::Ready(Ok(()))
    }

    /// Says whether answers are due. Without heartbeats, nsqd has no other reason to say anything, and may be
    /// silent for as long as it likes.
    pub(crate) fn await_answers(&mut self, are_due: bool) {
        if !self.has_heartbeats && are_due != self.reading.is_running() {
            if are_due {
                self.reading.start(self.clock.now());
            } else {
                self.reading.stop();
            }
        }
    }

    /// Writes all of `output`, and gets it on its way.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        output: &mut impl Buf,
    ) -> Poll<Result<(), Error>> {
        while output.has_remaining() {
            match poll_write_buf(Pin::new(&mut self.stream), cx, output)? {
                Poll::Ready(0) => return Poll::Ready(Err(Error::Closed)),
                Poll::Ready(_) => {
                    self.writing.stop();
                    self.unflushed = true;
                }
                Poll::Pending => {
                    if !self.writing.is_running() {
                        self.writing.start(self.clock.now());
                    }
                    return Poll::Pending;
                }
            }
        }
        if self.unflushed {
            match Pin::new(&mut self.stream).poll_flush(cx)? {
                Poll::Ready(()) => {
                    self.writing.stop();
                    self.unflushed = false;
                }
                Poll::Pending => {
                    if !self.writing.is_running() {
                        self.writing.start(self.clock.now());
                    }
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Fails once nsqd has been silent for too long, or takes nothing.
    pub(crate) fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if self.reading.poll_missed(cx, &self.clock).is_ready() {
            return Poll::Ready(Error::TimedOut);
        }
        if self.writing.poll_missed(cx, &self.clock).is_ready() {
            return Poll::Ready(Error::TimedOut);
        }
        Poll::Pending
    }
}
