//! Asking an HTTP server, within bounds.

mod keep_alive;

pub use keep_alive::{KeepAlive, StatusReply};

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use axum::body::Body as AnyBody;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use nsq_net::tls::{Connector, HandshakeError};
use nsq_net::{Address, HostPort, NetError, Socket, Stream};
use nsq_runtime::Clock;

/// Asks HTTP servers, one connection per request.
///
/// Upstream: `internal/http_api/http_request.go`, `Client`.
#[derive(Clone, Debug)]
pub struct Client {
    clock: Clock,
    connect_timeout: Duration,
    request_timeout: Duration,
    reply_size_max: usize,
    tls: Option<Connector>,
    /// Header names begin with capitals, as Go writes them.
    writes_capitals: bool,
}

impl Client {
    /// Replies may be as large as the statistics of a big daemon, not larger.
    const REPLY_SIZE_MAX: usize = 256 * 1024 * 1024;

    /// A client that connects within `connect_timeout` and has the whole reply, connecting
    /// included, within `request_timeout`.
    pub fn new(clock: Clock, connect_timeout: Duration, request_timeout: Duration) -> Self {
        Self {
            clock,
            connect_timeout,
            request_timeout,
            reply_size_max: Self::REPLY_SIZE_MAX,
            tls: None,
            writes_capitals: false,
        }
    }

    /// Refuses replies of more than `bytes` bytes.
    pub fn with_reply_size_max(mut self, bytes: usize) -> Self {
        self.reply_size_max = bytes;
        self
    }

    /// Speaks to `https` URLs as well, whose servers `connector` decides to trust. Without it they are refused.
    pub fn with_tls(mut self, connector: Connector) -> Self {
        self.tls = Some(connector);
        self
    }

    /// Sends `request` and reads the whole reply, whatever its status.
    ///
    /// # Errors
    /// If the URL is none, the server cannot be reached, breaks the protocol, exceeds the size of a
    /// reply, or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the server may have acted on the request.
    pub async fn send(&self, request: ClientRequest<'_>) -> Result<ClientReply, ClientError> {
        let (method, url) = (request.method.clone(), request.shown_url());
        let cause = tokio::select! {
            exchanged = self.exchange(request) => match exchanged {
                Ok(reply) => return Ok(reply),
                Err(cause) => cause,
            },
            () = self.clock.sleep(self.request_timeout) => Cause::TimedOut,
        };
        Err(ClientError { method, url, cause })
    }

    async fn exchange(&self, request: ClientRequest<'_>) -> Result<ClientReply, Cause> {
        let (server, request) = request.into_http()?;
        let Link {
            mut sender,
            connection,
        } = self.connect(&server).await?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(Cause::Http)?;
            let (head, body) = response.into_parts();
            Ok(ClientReply {
                status: head.status,
                headers: head.headers,
                body: self.collect(body).await?,
            })
        };
        driven_by(connection, exchange).await
    }

    /// Makes a connection on which nothing has been asked yet.
    async fn connect(&self, server: &Server) -> Result<Link, Cause> {
        let connector = match (server.is_https, &self.tls) {
            (false, _) => None,
            (true, Some(connector)) => Some(connector),
            (true, None) => return Err(Cause::Url("unsupported protocol scheme")),
        };
        let host = server.address.host().to_owned();
        let address = Address::Tcp(server.address.clone());
        let socket = Socket::connect(&address, self.connect_timeout, &self.clock)
            .await
            .map_err(Cause::Connect)?;
        let mut stream = Stream::from(socket);
        if let Some(connector) = connector {
            connector
                .connect(&host, &mut stream, Vec::new(), self.request_timeout, &self.clock)
                .await
                .map_err(Cause::Tls)?;
        }
        let (sender, connection) = http1::Builder::new()
            .title_case_headers(self.writes_capitals)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Cause::Http)?;
        Ok(Link {
            sender,
            connection: Box::pin(connection),
        })
    }

    async fn collect(&self, mut body: Incoming) -> Result<Bytes, Cause> {
        let mut collected = BytesMut::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let Ok(data) = frame.map_err(Cause::Http)?.into_data() else {
                continue;
            };
            if data.len() > self.reply_size_max - collected.len() {
                return Err(Cause::TooLarge(self.reply_size_max));
            }
            collected.extend_from_slice(&data);
        }
        Ok(collected.freeze())
    }
}

/// A connection to a server. Its bytes move only while it is polled.
#[derive(Debug)]
struct Link {
    sender: http1::SendRequest<AnyBody>,
    connection: Pin<Box<http1::Connection<TokioIo<Stream>, AnyBody>>>,
}

/// Completes `exchange` while moving the bytes of its `connection` on the same task.
async fn driven_by<T>(connection: impl Future, exchange: impl Future<Output = T>) -> T {
    let mut connection = pin!(connection);
    let mut exchange = pin!(exchange);
    let mut connected = true;
    poll_fn(|cx| {
        // How the connection ended is told to the exchange.
        if connected && connection.as_mut().poll(cx).is_ready() {
            connected = false;
        }
        match exchange.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(output),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A request to be sent by a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientRequest<'a> {
    method: Method,
    url: &'a str,
    headers: HeaderMap,
    body: Bytes,
    hides_query: bool,
}

impl<'a> ClientRequest<'a> {
    /// GET of an absolute `http` or `https` URL.
    pub fn get(url: &'a str) -> Self {
        Self::new(Method::GET, url)
    }

    /// POST to an absolute `http` or `https` URL, without a body.
    pub fn post(url: &'a str) -> Self {
        Self::new(Method::POST, url)
    }

    fn new(method: Method, url: &'a str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/vnd.nsq; version=1.0"),
        );
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("nsq-rs/", env!("CARGO_PKG_VERSION"))),
        );
        Self {
            method,
            url,
            headers,
            body: Bytes::new(),
            hides_query: false,
        }
    }

    /// Leaves the query out of the URL that an error shows, because it holds a secret.
    pub fn hide_query(mut self) -> Self {
        self.hides_query = true;
        self
    }

    /// Adds or replaces a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sends a body and says what it is.
    pub fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body.into();
        self
    }

    /// Leaves a header out that every request has otherwise.
    pub fn without_header(mut self, name: &HeaderName) -> Self {
        self.headers.remove(name);
        self
    }

    /// Sends a body of a kind that a [`header`](Self::header) says, if anything does.
    pub fn payload(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The URL that an error shows: without the user, whose password would be in it.
    fn shown_url(&self) -> String {
        let url = match self.url.split_once('?') {
            Some((path, _)) if self.hides_query => path,
            _ => self.url,
        };
        let Some((scheme, rest)) = url.split_once("://") else {
            return url.to_owned();
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        [scheme, "://", host, path].concat()
    }

    fn into_http(self) -> Result<(Server, hyper::Request<AnyBody>), Cause> {
        let uri: Uri = self.url.parse().map_err(|_| Cause::Url("not a URL"))?;
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(Cause::Url("unsupported protocol scheme")),
        };
        let authority = uri.authority().ok_or(Cause::Url("no host in request URL"))?;
        let host = authority.host();
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let default_port = if is_https { 443 } else { 80 };
        let server = Server {
            address: HostPort::new(host, authority.port_u16().unwrap_or(default_port)),
            is_https,
        };
        let host = match authority.as_str().rsplit_once('@') {
            Some((_user, host)) => host,
            None => authority.as_str(),
        };
        let host = HeaderValue::from_str(host).map_err(|_| Cause::Url("invalid host"))?;
        let target = uri.path_and_query().map_or("/", |target| target.as_str());

        let mut request = hyper::Request::new(AnyBody::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = target.parse().map_err(|_| Cause::Url("not a URL"))?;
        *request.headers_mut() = self.headers;
        request.headers_mut().insert(HOST, host);
        Ok((server, request))
    }
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Server {
    address: HostPort,
    is_https: bool,
}

/// A complete reply.
#[derive(Clone, Debug)]
pub struct ClientReply {
    /// Whatever the server answered; only 200 means success to NSQ.
    pub status: StatusCode,
    /// The headers of the reply.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// A request without a reply. Displays as Go's `url.Error`, for example
/// `Get "http://127.0.0.1:4161/ping": dial tcp 127.0.0.1:4161: connect: connection refused`.
#[derive(Debug)]
pub struct ClientError {
    method: Method,
    url: String,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Url(&'static str),
    Connect(NetError),
    Tls(HandshakeError),
    Http(hyper::Error),
    TooLarge(usize),
    TimedOut,
}

impl ClientError {
    /// Whether the server took too long, be it to accept the connection or to reply.
    pub fn is_timeout(&self) -> bool {
        match &self.cause {
            Cause::Connect(error) => error.is_timeout(),
            Cause::TimedOut => true,
            Cause::Tls(error) => matches!(error, HandshakeError::TimedOut { .. }),
            Cause::Url(_) | Cause::Http(_) | Cause::TooLarge(_) => false,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, rest) = self.method.as_str().split_at(1);
        write!(f, "{first}{} {:?}: ", rest.to_ascii_lowercase(), self.url)?;
        match &self.cause {
            Cause::Url(problem) => f.write_str(problem),
            Cause::Connect(error) => error.fmt(f),
            Cause::Tls(error) => error.fmt(f),
            Cause::Http(error) if error.is_incomplete_message() => f.write_str("EOF"),
            Cause::Http(error) => error.fmt(f),
            Cause::TooLarge(max) => write!(f, "reply of more than {max} bytes"),
            Cause::TimedOut => f.write_str("context deadline exceeded"),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Connect(error) => Some(error),
            Cause::Tls(error) => Some(error),
            Cause::Http(error) => Some(error),
            Cause::Url(_) | Cause::TooLarge(_) | Cause::TimedOut => None,
        }
    }
}
