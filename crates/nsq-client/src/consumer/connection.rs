//! The task that owns one connection of a consumer.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use nsq_flags::GoDuration;
use nsq_protocol::command::encode_sub;
use nsq_protocol::frame::{CLOSE_WAIT, Frame, HEARTBEAT, OK};
use nsq_protocol::message::Message as Received;
use nsq_runtime::{Moment, Shutdown, Timer};
use tokio::sync::oneshot;

use super::link::Link;
use super::shared::Shared;
use crate::conn::{Granted, Transport};
use crate::error::ProtocolError;
use crate::retry::Retry;
use crate::{Error, Event, Message};

/// Rounds of reading and writing before other tasks have their turn.
const TURNS_MAX: usize = 16;

/// The message timeout of an nsqd that does not tell its own. Upstream: nsqd/options.go.
const MSG_TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

/// Messages a connection may hold beyond its highest RDY before it stops reading. nsqd sends no more than
/// RDY, except in place of those that it has given up on: then the handlers do not keep up at all.
const EXCESS_MAX: usize = 1024;

/// A connection that has lasted for this long was a good one.
const STEADY: Duration = Duration::from_secs(1);

/// Tells whoever asked for a connection what became of the first attempt.
pub(super) type First = oneshot::Sender<Result<(), Error>>;

/// Connects, and connects again unless nsqlookupd is there to say where.
pub(super) async fn run(shared: Arc<Shared>, address: String, first: First, leave: Shutdown) {
    let mut retry = Retry::up_to(shared.dialer.config.lookupd_poll_interval);
    let mut attempt = Attempt {
        shared: &shared,
        address: &address,
        leave: &leave,
        first: Some(first),
        subscribed: false,
    };
    // Discovery is told behind the loop: until then it would take this address for one that is connected.
    let tell_discovery = loop {
        let began = shared.dialer.clock.now();
        let error = tokio::select! {
            error = attempt.run() => error,
            // Whoever still holds messages has had long enough.
            () = shared.ended.triggered() => Some(Error::TimedOut),
        };
        if let Some(error) = error.as_ref().filter(|error| !matches!(error, Error::Stopped)) {
            let what = match error {
                Error::Protocol(_) => "protocol error",
                _ if attempt.subscribed => "IO error",
                _ => "error connecting to nsqd",
            };
            tracing::error!("{} ({address}) {what} - {error}", shared.prefix());
        }
        let was_first = attempt.first.is_some();
        if attempt.subscribed {
            // An nsqd that lets everybody in and throws them out again is not to be hurried.
            if shared.dialer.clock.now() - began >= STEADY {
                retry.reset();
            }
            shared.emit(&Event::Disconnected {
                nsqd: address.clone(),
                error,
            });
        } else if let Some(error) = error.filter(|error| !matches!(error, Error::Stopped)) {
            shared.emit(&Event::ConnectFailed {
                nsqd: address.clone(),
                error: error.clone(),
            });
            attempt.report(Err(error));
        }
        if was_first {
            break Some(&shared.unreachable);
        }
        if shared.is_stopping() || leave.is_triggered() {
            break None;
        }
        if !shared.state.lock().lookupds.is_empty() {
            break Some(&shared.poll_now);
        }
        let wait = retry.wait();
        tracing::info!(
            "{} ({address}) re-connecting in {}",
            shared.prefix(),
            GoDuration::from(wait)
        );
        tokio::select! {
            () = shared.dialer.clock.sleep(wait) => {}
            () = leave.triggered() => break None,
        }
    };
    attempt.report(Err(Error::Stopped));
    shared.state.lock().addresses.remove(&address);
    shared.departed.notify_waiters();
    if let Some(discovery) = tell_discovery {
        discovery.notify_one();
    }
}

struct Attempt<'a> {
    shared: &'a Arc<Shared>,
    address: &'a str,
    /// Ends the connection, or the attempt to make it.
    leave: &'a Shutdown,
    first: Option<First>,
    /// The present connection has subscribed.
    subscribed: bool,
}

impl Attempt<'_> {
    /// Tells whoever waits, if anybody still does.
    fn report(&mut self, outcome: Result<(), Error>) {
        if let Some(first) = self.first.take() {
            // Nobody has to wait.
            let _ = first.send(outcome);
        }
    }

    /// Connects and serves until the end; `None` if that came in good order.
    async fn run(&mut self) -> Option<Error> {
        self.subscribed = false;
        tracing::info!("{} ({}) connecting to nsqd", self.shared.prefix(), self.address);
        let opened = tokio::select! {
            opened = self.shared.dialer.open(self.address) => opened,
            () = self.leave.triggered() => return Some(Error::Stopped),
        };
        let (transport, granted) = match opened {
            Ok(opened) => opened,
            Err(error) => return Some(error),
        };
        let max_rdy = u32::try_from(granted.identity.max_rdy_count.max(0)).unwrap_or(u32::MAX);
        let mut output = BytesMut::new();
        encode_sub(
            &mut output,
            self.shared.topic.as_name_ref(),
            self.shared.channel.as_name_ref(),
        );
        let Some(link) = self.shared.join(self.address, max_rdy) else {
            return Some(Error::Stopped);
        };
        let membership = Membership {
            shared: self.shared,
            link,
        };
        let mut connection = Connection::new(membership, transport, output, &granted);
        let leave = self.leave;
        let mut leaving = std::pin::pin!(leave.triggered());
        loop {
            let ended = poll_fn(|cx| {
                if !connection.closing && Future::poll(leaving.as_mut(), cx).is_ready() {
                    connection.close();
                }
                connection.poll(cx)
            })
            .await;
            match ended {
                Progress::Subscribed => {
                    self.subscribed = true;
                    self.report(Ok(()));
                    self.shared.emit(&Event::Connected {
                        nsqd: self.address.to_owned(),
                    });
                }
                Progress::Ended(error) => return error,
            }
        }
    }
}

/// Takes a connection out of its consumer, however it ends.
struct Membership<'a> {
    shared: &'a Arc<Shared>,
    link: Arc<Link>,
}

impl Drop for Membership<'_> {
    fn drop(&mut self) {
        self.shared.leave(&self.link);
    }
}

/// What a connection has to tell.
enum Progress {
    Subscribed,
    Ended(Option<Error>),
}

struct Connection<'a> {
    member: Membership<'a>,
    transport: Transport,
    output: BytesMut,
    /// Kept for their memory.
    received: Vec<Received>,
    messages: Vec<Message>,
    in_flight_max: usize,
    /// nsqd has not answered SUB yet.
    subscribing: bool,
    /// CLS has been sent.
    closing: bool,
    /// nsqd will send no more messages.
    close_wait: bool,
    /// When held messages are touched, if at all.
    touch: Timer,
    touch_after: Duration,
}

impl<'a> Connection<'a> {
    fn new(member: Membership<'a>, transport: Transport, output: BytesMut, granted: &Granted) -> Self {
        let identity = &granted.identity;
        let msg_timeout = match u64::try_from(identity.msg_timeout_ms) {
            Ok(millis) if millis > 0 => Duration::from_millis(millis),
            _ => MSG_TIMEOUT_DEFAULT,
        };
        let touch_after = msg_timeout / 2;
        let clock = &member.shared.dialer.clock;
        let mut touch = clock.timer();
        if member.shared.auto_touch {
            touch.arm(clock.now() + touch_after / 2);
        }
        let max_rdy = usize::try_from(identity.max_rdy_count).unwrap_or_default();
        Self {
            member,
            transport,
            output,
            received: Vec::new(),
            messages: Vec::new(),
            in_flight_max: max_rdy.saturating_add(EXCESS_MAX),
            subscribing: true,
            closing: false,
            close_wait: false,
            touch,
            touch_after,
        }
    }

    fn close(&mut self) {
        self.closing = true;
        self.member.shared.close_link(&self.member.link);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Progress> {
        self.member.link.task().register(cx.waker());
        self.poll_touch(cx);
        for _ in 0..TURNS_MAX {
            let was_subscribing = self.subscribing;
            match self.poll_turn(cx) {
                Ok(busy) => {
                    if was_subscribing && !self.subscribing {
                        // The rest is done when it is polled again, which is at once.
                        return Poll::Ready(Progress::Subscribed);
                    }
                    if self.close_wait && self.member.link.in_flight() == 0 && !self.output.has_remaining() {
                        return self.poll_last_words(cx);
                    }
                    if !busy {
                        return self
                            .transport
                            .poll_timeout(cx)
                            .map(|error| Progress::Ended(Some(error)));
                    }
                }
                Err(error) => return Poll::Ready(Progress::Ended(Some(error))),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Nothing is in flight any more: what was said about the last message still has to leave.
    fn poll_last_words(&mut self, cx: &mut Context<'_>) -> Poll<Progress> {
        self.member.link.take_output(&mut self.output);
        match self.transport.poll_send(cx, &mut self.output) {
            Poll::Ready(sent) => Poll::Ready(Progress::Ended(sent.err())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Reads once and writes what there is. Says whether there may be more to do at once.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Result<bool, Error> {
        let mut busy = false;
        if self.member.link.in_flight() < self.in_flight_max
            && let Poll::Ready(received) = self.transport.poll_receive(cx)
        {
            received?;
            self.read_frames()?;
            busy = true;
        }
        if self.output.has_remaining() || self.member.link.take_output(&mut self.output) {
            match self.transport.poll_send(cx, &mut self.output) {
                Poll::Ready(sent) => {
                    sent?;
                    busy = true;
                }
                Poll::Pending => {}
            }
        }
        Ok(busy)
    }

    fn read_frames(&mut self) -> Result<(), Error> {
        let result = self.take_frames();
        if !self.received.is_empty() {
            self.subscribing = false;
            let Membership { shared, link } = &self.member;
            let count = u64::try_from(self.received.len()).unwrap_or(u64::MAX);
            shared.counters.received.fetch_add(count, Ordering::Relaxed);
            link.admit(&mut self.received, &mut self.messages);
            shared.queue.push(&mut self.messages);
        }
        result
    }

    fn take_frames(&mut self) -> Result<(), Error> {
        while let Some(frame) = self.transport.next_frame()? {
            match frame {
                Frame::Message(message) => self.received.push(message),
                Frame::Response(data) if data == HEARTBEAT => self.member.link.send_nop(),
                Frame::Response(data) if data == CLOSE_WAIT => self.close_wait = true,
                Frame::Response(data) if data == OK => self.subscribing = false,
                Frame::Response(_) => {}
                Frame::Error(text) => self.on_error(ProtocolError::new(&text))?,
            }
        }
        Ok(())
    }

    /// nsqd closes the connection behind most errors; the others are about single messages.
    fn on_error(&mut self, error: ProtocolError) -> Result<(), Error> {
        if error.is_fatal() {
            return Err(Error::Protocol(error));
        }
        let Membership { shared, link } = &self.member;
        tracing::error!(
            "{} ({}) protocol error - {error}",
            shared.prefix(),
            link.address()
        );
        shared.emit(&Event::ProtocolError {
            nsqd: link.address().to_owned(),
            text: error.text().to_owned(),
        });
        Ok(())
    }

    fn poll_touch(&mut self, cx: &mut Context<'_>) {
        while self.touch.deadline() != Moment::FAR && self.touch.poll_elapsed(cx).is_ready() {
            let now = self.member.shared.dialer.clock.now();
            self.member.link.touch_all(now, self.touch_after);
            self.touch.arm(now + self.touch_after / 2);
        }
    }
}
