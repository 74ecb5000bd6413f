//! One connection to an nsqlookupd.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use nsq_net::{Address, AddressError, HostPort, NetError, Socket};
use nsq_protocol::lookup::{ReplyDecoder, ReplyError};
use nsq_runtime::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long connecting may take, sending, and each answer. Upstream: `nsqd/lookup_peer.go`.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that is good for commands until the first failure.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Socket,
    /// Received and not decoded.
    input: BytesMut,
    decoder: ReplyDecoder,
    clock: Clock,
}

/// Why a connection is of no use any more.
#[derive(Debug)]
pub(super) enum Failure {
    /// The address is none.
    Address(AddressError),
    /// It was not made.
    Connect(NetError),
    /// The socket failed.
    Io(io::Error),
    /// nsqlookupd closed it.
    Closed,
    /// nsqlookupd does not answer in time.
    TimedOut,
    /// The answer cannot be read.
    Reply(ReplyError),
    /// nsqlookupd spoke without having been asked.
    Unasked,
    /// The answer to IDENTIFY is of no use; it has been logged.
    Refused,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(cause) => write!(f, "dial tcp: {cause}"),
            Self::Connect(cause) => cause.fmt(f),
            Self::Io(cause) => cause.fmt(f),
            Self::Closed => f.write_str("EOF"),
            Self::TimedOut => f.write_str("i/o timeout"),
            Self::Reply(cause) => cause.fmt(f),
            Self::Unasked => f.write_str("unexpected data"),
            Self::Refused => f.write_str("IDENTIFY was refused"),
        }
    }
}

impl Connection {
    /// Connects to `address`. Answers of more than `reply_size_max` bytes are failures.
    pub(super) async fn open(address: &str, reply_size_max: usize, clock: &Clock) -> Result<Self, Failure> {
        let address = Address::Tcp(HostPort::parse(address).map_err(Failure::Address)?);
        let socket = Socket::connect(&address, TIMEOUT, clock)
            .await
            .map_err(Failure::Connect)?;
        Ok(Self {
            socket,
            input: BytesMut::new(),
            decoder: ReplyDecoder::new(reply_size_max),
            clock: clock.clone(),
        })
    }

    /// Sends commands together, and gives the `count` answers to `on_reply` in their order.
    ///
    /// # Cancel safety
    /// Not cancel safe: the connection is of no use afterwards.
    pub(super) async fn exchange(
        &mut self,
        commands: &[u8],
        count: usize,
        mut on_reply: impl FnMut(usize, Bytes),
    ) -> Result<(), Failure> {
        tokio::select! {
            sent = self.socket.write_all(commands) => sent.map_err(Failure::Io)?,
            () = self.clock.sleep(TIMEOUT) => return Err(Failure::TimedOut),
        }
        for index in 0..count {
            let clock = self.clock.clone();
            let reply = tokio::select! {
                reply = self.reply() => reply?,
                () = clock.sleep(TIMEOUT) => return Err(Failure::TimedOut),
            };
            on_reply(index, reply);
        }
        Ok(())
    }

    /// Sends one command and returns its answer.
    pub(super) async fn ask(&mut self, command: &[u8]) -> Result<Bytes, Failure> {
        let mut answer = Bytes::new();
        self.exchange(command, 1, |_, reply| answer = reply).await?;
        Ok(answer)
    }

    async fn reply(&mut self) -> Result<Bytes, Failure> {
        loop {
            if let Some(reply) = self.decoder.decode(&mut self.input).map_err(Failure::Reply)? {
                return Ok(reply);
            }
            self.receive().await?;
        }
    }

    async fn receive(&mut self) -> Result<(), Failure> {
        match self.socket.read_buf(&mut self.input).await {
            Ok(0) => Err(Failure::Closed),
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::Io(error)),
        }
    }

    /// Waits for the end of the connection while nothing is asked.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn ended(&mut self) -> Failure {
        // What comes after the last answer was not asked for either.
        if self.input.is_empty()
            && let Err(failure) = self.receive().await
        {
            return failure;
        }
        Failure::Unasked
    }
}
