//! Connecting to a listener somewhere else.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use nsq_runtime::{Clock, Moment};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

use crate::error::{Network, Operation};
use crate::{Address, HostPort, NetError, Peer, Socket};

impl Socket {
    /// Connects to `address` within `timeout`, looking the name up included.
    ///
    /// The addresses of a name are tried in turn, IPv4 first, each with its share of the time left,
    /// so that one that swallows packets does not keep the others from being tried.
    ///
    /// # Errors
    /// The failure of the first address, as in Go: later ones tend to be less telling.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the attempt.
    pub async fn connect(address: &Address, timeout: Duration, clock: &Clock) -> Result<Self, NetError> {
        Self::connect_from(None, address, timeout, clock).await
    }

    /// Like [`connect`](Self::connect), from `local` if that is given: one of this machine's addresses, with
    /// port 0 for any. A unix socket is connected to from nowhere.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and if `local` is of another family or not to be had.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the attempt.
    pub async fn connect_from(
        local: Option<SocketAddr>,
        address: &Address,
        timeout: Duration,
        clock: &Clock,
    ) -> Result<Self, NetError> {
        match address {
            Address::Tcp(host_port) => Self::connect_tcp(local, host_port, timeout, clock).await,
            Address::Unix(path) => {
                let fail = |cause| {
                    NetError::system(Operation::Dial, Network::Unix, path.display(), "connect", cause)
                };
                tokio::select! {
                    connected = Self::connect_unix(path) => connected.map_err(fail),
                    () = clock.sleep(timeout) => {
                        Err(NetError::timed_out(Operation::Dial, Network::Unix, path.display()))
                    }
                }
            }
        }
    }

    async fn connect_tcp(
        local: Option<SocketAddr>,
        host_port: &HostPort,
        timeout: Duration,
        clock: &Clock,
    ) -> Result<Self, NetError> {
        let deadline = clock.now() + timeout;
        let timed_out = || NetError::timed_out(Operation::Dial, Network::Tcp, host_port);
        let resolved = tokio::select! {
            resolved = host_port.resolve(Operation::Dial) => resolved?,
            () = clock.sleep_until(deadline) => return Err(timed_out()),
        };
        let mut first_error = None;
        let mut left = u32::try_from(resolved.len()).unwrap_or(u32::MAX);
        for addr in resolved {
            let share = (deadline - clock.now()) / left.max(1);
            left -= 1;
            let addr = local_if_unspecified(addr);
            match connect_one(local, addr, clock.now() + share, clock).await {
                Ok(socket) => return Ok(socket),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or_else(timed_out))
    }

    pub(crate) async fn connect_unix(path: &Path) -> io::Result<Self> {
        let stream = match path.to_str().and_then(|path| path.strip_prefix('@')) {
            Some(abstract_name) => UnixStream::connect(format!("\0{abstract_name}")).await?,
            None => UnixStream::connect(path).await?,
        };
        Ok(Self::from_unix(stream))
    }
}

async fn connect_one(
    local: Option<SocketAddr>,
    addr: SocketAddr,
    deadline: Moment,
    clock: &Clock,
) -> Result<Socket, NetError> {
    tokio::select! {
        connected = connect_tcp_from(local, addr) => match connected {
            Ok(stream) => Ok(Socket::from_tcp(stream, Peer::tcp(addr))),
            Err(cause) => Err(NetError::system(Operation::Dial, Network::Tcp, addr, "connect", cause)),
        },
        () = clock.sleep_until(deadline) => Err(NetError::timed_out(Operation::Dial, Network::Tcp, addr)),
    }
}

async fn connect_tcp_from(local: Option<SocketAddr>, addr: SocketAddr) -> io::Result<TcpStream> {
    let Some(local) = local else {
        return TcpStream::connect(addr).await;
    };
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.bind(local)?;
    socket.connect(addr).await
}

/// Connecting to the address of every interface means this machine.
fn local_if_unspecified(addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), addr.port())
    } else {
        addr
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Listener;

    const PATIENCE: Duration = Duration::from_secs(30);

    async fn connect(text: &str) -> Result<Socket, NetError> {
        Socket::connect(&Address::parse(text), PATIENCE, &Clock::system()).await
    }

    #[tokio::test]
    async fn a_name_an_address_and_no_host_all_reach_this_machine() {
        let listener = Listener::bind(&Address::parse("127.0.0.1:0")).await.unwrap();
        let port = listener.local_addr().port().unwrap();
        for host in ["localhost", "127.0.0.1", "0.0.0.0", ""] {
            let socket = connect(&format!("{host}:{port}")).await.unwrap();
            assert_eq!(socket.peer().to_string(), format!("127.0.0.1:{port}"));
        }
    }

    #[tokio::test]
    async fn a_connection_comes_from_where_it_is_told_to() {
        let listener = Listener::bind(&Address::parse("127.0.0.1:0")).await.unwrap();
        let address = Address::parse(&listener.local_addr().to_string());
        let local = "127.0.0.9:0".parse().unwrap();
        let clock = Clock::system();
        let connecting = Socket::connect_from(Some(local), &address, PATIENCE, &clock);
        let (connected, accepted) = tokio::join!(connecting, listener.accept());
        connected.unwrap();
        assert_eq!(accepted.unwrap().peer().ip(), Some(local.ip()));
    }

    #[tokio::test]
    async fn a_closed_port_refuses_in_gos_words() {
        let listener = Listener::bind(&Address::parse("127.0.0.1:0")).await.unwrap();
        let addr = listener.local_addr().to_string();
        drop(listener);
        assert_eq!(
            connect(&addr).await.unwrap_err().to_string(),
            format!("dial tcp {addr}: connect: connection refused")
        );
    }

    #[tokio::test]
    async fn a_missing_unix_socket_is_named() {
        assert_eq!(
            connect("/nonexistent/nsqd.sock").await.unwrap_err().to_string(),
            "dial unix /nonexistent/nsqd.sock: connect: no such file or directory"
        );
    }
}
