//! Asking the same servers again and again.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use hyper::body::{Body as _, Incoming};
use hyper::{HeaderMap, StatusCode};
use parking_lot::Mutex;

use super::{Cause, Client, ClientError, ClientRequest, Link, Server, driven_by};

/// Bytes of an answer that are read so that the connection can be used again. A longer answer ends it.
const DRAINED_MAX: usize = 1024 * 1024;

/// Connections that are kept while nobody uses them; the newest.
const IDLE_MAX: usize = 256;

/// Sends requests of whose answers only the status matters, over connections that are used again.
#[derive(Debug)]
pub struct KeepAlive {
    client: Client,
    /// Connections nothing is being asked on, the one used last at the end.
    idle: Mutex<Vec<(Server, Link)>>,
}

/// An answer without its body.
#[derive(Clone, Debug)]
pub struct StatusReply {
    /// Whatever the server answered.
    pub status: StatusCode,
    /// The headers of the answer.
    pub headers: HeaderMap,
}

impl KeepAlive {
    /// Asks within the timeouts of `client`. Names of headers begin with capitals: who is asked may be no NSQ.
    pub fn new(client: Client) -> Self {
        Self {
            client: Client {
                writes_capitals: true,
                ..client
            },
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Sends `request` and waits for the status, whatever it is.
    ///
    /// # Errors
    /// If the URL is none, or the server cannot be reached, breaks the protocol or takes too long. On a connection
    /// that was used before, a request that the server certainly has not seen is sent again on a new one.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the server may have acted on the request.
    pub async fn send(&self, request: ClientRequest<'_>) -> Result<StatusReply, ClientError> {
        let (method, url) = (request.method.clone(), request.shown_url());
        let cause = tokio::select! {
            exchanged = self.exchange(request) => match exchanged {
                Ok(reply) => return Ok(reply),
                Err(cause) => cause,
            },
            () = self.client.clock.sleep(self.client.request_timeout) => Cause::TimedOut,
        };
        Err(ClientError { method, url, cause })
    }

    async fn exchange(&self, request: ClientRequest<'_>) -> Result<StatusReply, Cause> {
        let (server, _) = request.clone().into_http()?;
        if let Some(link) = self.take_idle(&server).await {
            match self.ask(server.clone(), link, request.clone()).await {
                Err(Cause::Http(error)) if error.is_canceled() => {}
                outcome => return outcome,
            }
        }
        let link = self.client.connect(&server).await?;
        self.ask(server, link, request).await
    }

    /// A connection to `server` that it has not closed.
    async fn take_idle(&self, server: &Server) -> Option<Link> {
        loop {
            let mut link = {
                let mut idle = self.idle.lock();
                let at = idle.iter().rposition(|(known, _)| known == server)?;
                idle.remove(at).1
            };
            if is_usable(&mut link).await {
                return Some(link);
            }
        }
    }

    async fn ask(
        &self,
        server: Server,
        mut link: Link,
        request: ClientRequest<'_>,
    ) -> Result<StatusReply, Cause> {
        let (_, request) = request.into_http()?;
        let sender = &mut link.sender;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(Cause::Http)?;
            let (head, body) = response.into_parts();
            let reply = StatusReply {
                status: head.status,
                headers: head.headers,
            };
            Ok((reply, drain(body).await))
        };
        let (reply, is_drained) = driven_by(link.connection.as_mut(), exchange).await?;
        if is_drained && is_usable(&mut link).await {
            let mut idle = self.idle.lock();
            if idle.len() >= IDLE_MAX {
                idle.remove(0);
            }
            idle.push((server, link));
        }
        Ok(reply)
    }
}

/// Reads the rest of an answer; `false` if that is not worth it.
async fn drain(mut body: Incoming) -> bool {
    let mut left = DRAINED_MAX;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(frame) = frame else {
            return false;
        };
        let len = frame.data_ref().map_or(0, bytes::Bytes::len);
        match left.checked_sub(len) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
    true
}

/// Whether another request can be sent right away: the server may have closed the connection, also since.
async fn is_usable(link: &mut Link) -> bool {
    poll_fn(|cx| {
        let is_over = link.connection.as_mut().poll(cx).is_ready();
        let is_ready = matches!(link.sender.poll_ready(cx), Poll::Ready(Ok(())));
        Poll::Ready(!is_over && is_ready)
    })
    .await
}
