//! A connection to nsqd: how it begins, and how bytes pass over it.
//!
//! Upstream: go-nsq conn.go, `Connect`, `identify`, `auth`.

mod transport;

use bytes::BytesMut;
use nsq_net::tls::Connector;
use nsq_net::{Address, HostPort, Socket, Stream};
use nsq_protocol::auth::AuthResponse;
use nsq_protocol::command::{MAGIC_V2, encode_auth, encode_identify};
use nsq_protocol::frame::{Frame, FrameDecoder, HEARTBEAT, OK};
use nsq_protocol::identify::IdentifyResponse;
use nsq_runtime::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) use self::transport::Transport;
use crate::error::ProtocolError;
use crate::{Config, ConfigError, Error};

/// The highest RDY count of an nsqd that negotiates nothing. Upstream: go-nsq conn.go.
const MAX_RDY_COUNT_DEFAULT: i64 = 2500;

/// What is needed to connect to any nsqd.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    /// Also for nsqlookupds that are asked over HTTPS.
    pub(crate) tls: Connector,
}

/// What nsqd granted.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) identity: IdentifyResponse,
}

impl Dialer {
    /// Checks `config` and reads its files.
    pub(crate) fn new(config: &Config, clock: Clock) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            config: config.clone(),
            clock,
            tls: config.tls_connector()?,
        })
    }

    /// Connects to nsqd, identifies, upgrades and authenticates.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub(crate) async fn open(&self, address: &str) -> Result<(Transport, Granted), Error> {
        let target = Address::parse(address);
        let dial = Socket::connect_from(
            self.config.local_addr,
            &target,
            self.config.dial_timeout,
            &self.clock,
        );
        let socket = dial.await.map_err(|error| Error::Connect(error.into()))?;
        let mut greeting = Greeting {
            stream: Stream::from(socket),
            input: BytesMut::new(),
            decoder: FrameDecoder::new(self.config.frame_size_max()),
            dialer: self,
        };
        let granted = greeting.run(address, host_of(&target)).await?;
        let transport = Transport::new(greeting.stream, greeting.input, greeting.decoder, self);
        Ok((transport, granted))
    }
}

/// What the server has to be called in its certificate.
fn host_of(address: &Address) -> &str {
    match address {
        Address::Tcp(host_port) if !HostPort::host(host_port).is_empty() => host_port.host(),
        Address::Tcp(_) | Address::Unix(_) => "localhost",
    }
}

/// A connection on which questions and answers still alternate.
struct Greeting<'a> {
    stream: Stream,
    /// Received and not decoded. What came before an upgrade is handed to it.
    input: BytesMut,
    decoder: FrameDecoder,
    dialer: &'a Dialer,
}

impl Greeting<'_> {
    async fn run(&mut self, address: &str, host: &str) -> Result<Granted, Error> {
        let config = &self.dialer.config;
        let mut output = MAGIC_V2.to_vec();
        let request = config.identify().to_json();
        encode_identify(&mut output, &request).map_err(|error| Error::TooLong { len: error.len })?;
        self.send(&output).await?;
        let reply = self
            .answer()
            .await?
            .map_err(|error| Error::Identify(error.text().to_owned()))?;
        let identity = IdentifyResponse::from_data(&reply)
            .map_err(|error| Error::Identify(error.to_string()))?
            .unwrap_or_else(|| IdentifyResponse {
                max_rdy_count: MAX_RDY_COUNT_DEFAULT,
                ..IdentifyResponse::default()
            });
        if identity.tls_v1 {
            let received = self.take_received();
            let limit = config.read_timeout;
            self.dialer
                .tls
                .connect(host, &mut self.stream, received, limit, &self.dialer.clock)
                .await
                .map_err(|error| Error::Tls(error.into()))?;
            self.expect_ok().await?;
        }
        if identity.deflate {
            let received = self.take_received();
            self.stream.start_deflate(config.deflate_level, received);
            self.expect_ok().await?;
        }
        if identity.snappy {
            let received = self.take_received();
            self.stream.start_snappy(received);
            self.expect_ok().await?;
        }
        if identity.auth_required {
            let auth = self.authenticate().await?;
            tracing::info!(
                "({address}) Auth accepted. Identity: {:?} {} Permissions: {}",
                auth.identity,
                auth.identity_url,
                auth.permission_count
            );
        }
        Ok(Granted { identity })
    }

    async fn authenticate(&mut self) -> Result<AuthResponse, Error> {
        let secret = self.dialer.config.auth_secret.as_bytes();
        if secret.is_empty() {
            return Err(Error::AuthRequired);
        }
        let mut output = Vec::new();
        encode_auth(&mut output, secret).map_err(|error| Error::TooLong { len: error.len })?;
        self.send(&output).await?;
        let reply = self
            .answer()
            .await?
            .map_err(|error| Error::Auth(error.text().to_owned()))?;
        AuthResponse::from_data(&reply).map_err(|error| Error::Auth(error.to_string()))
    }

    fn take_received(&mut self) -> Vec<u8> {
        self.input.split().to_vec()
    }

    async fn expect_ok(&mut self) -> Result<(), Error> {
        match self.answer().await? {
            Ok(reply) if reply == OK => Ok(()),
            Ok(_) => Err(Error::Unexpected("answer to an upgrade")),
            Err(error) => Err(Error::Protocol(error)),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Dialer { config, clock, .. } = self.dialer;
        tokio::select! {
            sent = async { self.stream.write_all(bytes).await?; self.stream.flush().await } => Ok(sent?),
            () = clock.sleep(config.write_timeout) => Err(Error::TimedOut),
        }
    }

    /// The next response or error. Heartbeats, which a slow client may get this early, need no answer yet.
    async fn answer(&mut self) -> Result<Result<bytes::Bytes, ProtocolError>, Error> {
        loop {
            match self.decoder.decode(&mut self.input).map_err(Error::Frame)? {
                Some(Frame::Response(data)) if data == HEARTBEAT => {}
                Some(Frame::Response(data)) => return Ok(Ok(data)),
                Some(Frame::Error(text)) => return Ok(Err(ProtocolError::new(&text))),
                Some(Frame::Message(_)) => return Err(Error::Unexpected("message")),
                None => self.receive().await?,
            }
        }
    }

    async fn receive(&mut self) -> Result<(), Error> {
        let Dialer { config, clock, .. } = self.dialer;
        tokio::select! {
            received = self.stream.read_buf(&mut self.input) => match received? {
                0 => Err(Error::Closed),
                _ => Ok(()),
            },
            () = clock.sleep(config.read_timeout) => Err(Error::TimedOut),
        }
    }
}
