//! Sockets that wait for connections.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Type};
use tokio::net::{TcpListener, UnixListener};

use crate::error::{Network, Operation};
use crate::{Address, HostPort, NetError, Peer, Socket};

/// How many connections may wait to be accepted. The kernel lowers it to its own limit
/// (`net.core.somaxconn`, 4096 on current systems), which is what Go asks for.
const BACKLOG: i32 = 4096;

/// A socket that waits for connections.
///
/// A TCP listener is closed by dropping it. The file of a unix socket is removed by
/// [`close`](Self::close), and on drop as best effort.
#[derive(Debug)]
pub struct Listener {
    inner: Inner,
    local: LocalAddr,
}

#[derive(Debug)]
enum Inner {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// Removed when the listener goes; `None` in the abstract namespace and after `close`.
        file: Option<PathBuf>,
    },
}

impl Listener {
    /// Opens `address` for connections, with a backlog of at least 1024 where the system allows it.
    ///
    /// An empty host, `0.0.0.0` and `::` all mean every interface of both IP versions, as in Go; a
    /// host name means its first IPv4 address if it has one. Port 0 takes a free port.
    ///
    /// # Errors
    /// If the address does not resolve or cannot be bound. The file of a unix socket must not
    /// exist: a stale one is not removed, as upstream.
    ///
    /// # Cancel safety
    /// Dropping the future opens nothing.
    pub async fn bind(address: &Address) -> Result<Self, NetError> {
        match address {
            Address::Tcp(host_port) => Self::bind_host_port(host_port).await,
            Address::Unix(path) => Self::bind_unix(path),
        }
    }

    /// Opens `address`, which has to be `host:port`.
    ///
    /// # Errors
    /// As for [`bind`](Self::bind), and if it is anything else.
    ///
    /// # Cancel safety
    /// Dropping the future opens nothing.
    pub async fn bind_tcp(address: &str) -> Result<Self, NetError> {
        let host_port = HostPort::parse(address)
            .map_err(|error| NetError::unresolved(Operation::Listen, error.to_string()))?;
        Self::bind_host_port(&host_port).await
    }

    async fn bind_host_port(host_port: &HostPort) -> Result<Self, NetError> {
        let resolved = host_port.resolve(Operation::Listen).await?;
        let addr = resolved
            .first()
            .copied()
            .unwrap_or_else(|| SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0));
        // Go names the address that it resolved, and leaves out a host that was not given.
        let shown = if host_port.host().is_empty() {
            format!(":{}", addr.port())
        } else {
            addr.to_string()
        };
        let fail = |call, cause| NetError::system(Operation::Listen, Network::Tcp, &shown, call, cause);

        let opened = if addr.ip().is_unspecified() {
            let every = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), addr.port());
            match open_tcp(every) {
                // A machine without IPv6.
                Err((_, cause))
                    if matches!(
                        Errno::from_io_error(&cause),
                        Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL)
                    ) =>
                {
                    open_tcp(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), addr.port()))
                }
                opened => opened,
            }
        } else {
            open_tcp(addr)
        };
        let listener = opened.map_err(|(call, cause)| fail(call, cause))?;
        let local = listener
            .local_addr()
            .map_err(|cause| fail("getsockname", cause))?;
        Ok(Self {
            inner: Inner::Tcp(listener),
            local: LocalAddr::Tcp(local),
        })
    }

    fn bind_unix(path: &Path) -> Result<Self, NetError> {
        let (listener, file) = open_unix(path).map_err(|(call, cause)| {
            NetError::system(Operation::Listen, Network::Unix, path.display(), call, cause)
        })?;
        Ok(Self {
            inner: Inner::Unix { listener, file },
            local: LocalAddr::Unix(path.to_owned()),
        })
    }

    /// Where the listener listens; for port 0, the port it got.
    pub fn local_addr(&self) -> &LocalAddr {
        &self.local
    }

    /// Waits for one connection. An [`Acceptor`](crate::Acceptor) adds what a server needs around it.
    ///
    /// # Errors
    /// Whatever the system reports, including errors of the connection that was about to be accepted.
    ///
    /// # Cancel safety
    /// Dropping the future loses no connection.
    pub async fn accept(&self) -> io::Result<Socket> {
        match &self.inner {
            Inner::Tcp(listener) => {
                let (stream, addr) = listener.accept().await?;
                Ok(Socket::from_tcp(stream, Peer::tcp(addr)))
            }
            Inner::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok(Socket::from_unix(stream))
            }
        }
    }

    pub(crate) fn accept_error(&self, cause: io::Error) -> NetError {
        let network = match self.inner {
            Inner::Tcp(_) => Network::Tcp,
            Inner::Unix { .. } => Network::Unix,
        };
        NetError::system(Operation::Accept, network, &self.local, "accept4", cause)
    }

    /// Closes the listener and removes the file of a unix socket.
    ///
    /// # Errors
    /// If the file could not be removed; one that is gone already is no error.
    pub fn close(mut self) -> Result<(), NetError> {
        match self.take_file().map(std::fs::remove_file) {
            Some(Err(cause)) if cause.kind() != io::ErrorKind::NotFound => Err(NetError::system(
                Operation::Close,
                Network::Unix,
                &self.local,
                "unlink",
                cause,
            )),
            _ => Ok(()),
        }
    }

    fn take_file(&mut self) -> Option<PathBuf> {
        match &mut self.inner {
            Inner::Tcp(_) => None,
            Inner::Unix { file, .. } => file.take(),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(file) = self.take_file() {
            // Best effort: who wants to know calls `close`.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Where a listener listens. Displays as Go's `Addr().String()`: `127.0.0.1:4150`, `[::]:4150`, or
/// the path of a unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalAddr {
    /// A TCP address with its real port.
    Tcp(SocketAddr),
    /// The path of a unix socket, as it was given.
    Unix(PathBuf),
}

impl LocalAddr {
    /// The port; `None` for a unix socket.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(addr) => Some(addr.port()),
            Self::Unix(_) => None,
        }
    }

    /// The IP address; `None` for a unix socket.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(addr) => Some(addr.ip()),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for LocalAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// A failed system call and its name.
type CallError = (&'static str, io::Error);

fn open_tcp(addr: SocketAddr) -> Result<TcpListener, CallError> {
    let socket =
        socket2::Socket::new(Domain::for_address(addr), Type::STREAM, None).map_err(|e| ("socket", e))?;
    if addr.is_ipv6() {
        // An address of every interface takes IPv4 peers too, whatever the system's default is.
        socket
            .set_only_v6(!addr.ip().is_unspecified())
            .map_err(|e| ("setsockopt", e))?;
    }
    // A restart must not wait for the connections of its predecessor to leave TIME_WAIT.
    socket.set_reuse_address(true).map_err(|e| ("setsockopt", e))?;
    socket.set_nonblocking(true).map_err(|e| ("fcntl", e))?;
    socket.bind(&addr.into()).map_err(|e| ("bind", e))?;
    socket.listen(BACKLOG).map_err(|e| ("listen", e))?;
    TcpListener::from_std(socket.into()).map_err(|e| ("epoll_ctl", e))
}

fn open_unix(path: &Path) -> Result<(UnixListener, Option<PathBuf>), CallError> {
    let (addr, file) = unix_addr(path).map_err(|e| ("bind", e))?;
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None).map_err(|e| ("socket", e))?;
    socket.set_nonblocking(true).map_err(|e| ("fcntl", e))?;
    socket.bind(&addr).map_err(|e| ("bind", e))?;
    socket.listen(BACKLOG).map_err(|e| ("listen", e))?;
    let listener = UnixListener::from_std(socket.into()).map_err(|e| ("epoll_ctl", e))?;
    Ok((listener, file))
}

/// The socket address of `path`, and the file that binding it makes.
pub(crate) fn unix_addr(path: &Path) -> io::Result<(SockAddr, Option<PathBuf>)> {
    let (name, file) = match path.to_str().and_then(|path| path.strip_prefix('@')) {
        Some(abstract_name) => (PathBuf::from(format!("\0{abstract_name}")), None),
        None => (path.to_owned(), Some(path.to_owned())),
    };
    // A path too long for a socket address is "invalid argument" to the kernel, and so to Go.
    let addr = SockAddr::unix(name).map_err(|_| io::Error::from(Errno::INVAL))?;
    Ok((addr, file))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn bind(text: &str) -> Result<Listener, NetError> {
        Listener::bind(&Address::parse(text)).await
    }

    #[tokio::test]
    async fn a_listener_on_every_interface_takes_ipv4_peers_by_their_ipv4_address() {
        for text in [":0", "0.0.0.0:0", "[::]:0"] {
            let listener = bind(text).await.unwrap();
            let port = listener.local_addr().port().unwrap();
            let client = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let accepted = listener.accept().await.unwrap();
            assert_eq!(
                accepted.peer().to_string(),
                client.local_addr().unwrap().to_string()
            );
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_refused_in_gos_words() {
        let listener = bind("127.0.0.1:0").await.unwrap();
        let taken = listener.local_addr().to_string();
        assert_eq!(
            bind(&taken).await.unwrap_err().to_string(),
            format!("listen tcp {taken}: bind: address already in use")
        );
        let every = bind(":0").await.unwrap();
        let port = every.local_addr().port().unwrap();
        assert_eq!(
            bind(&format!(":{port}")).await.unwrap_err().to_string(),
            format!("listen tcp :{port}: bind: address already in use")
        );
    }

    #[tokio::test]
    async fn a_unix_socket_carries_bytes_and_its_peer_is_nameless() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nsqd.sock");
        let listener = bind(path.to_str().unwrap()).await.unwrap();
        assert_eq!(listener.local_addr().to_string(), path.to_str().unwrap());
        assert_eq!(listener.local_addr().port(), None);
        let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
        let mut accepted = listener.accept().await.unwrap();
        assert_eq!(accepted.peer().to_string(), "@");
        client.write_all(b"  V2").await.unwrap();
        let mut magic = [0; 4];
        accepted.read_exact(&mut magic).await.unwrap();
        assert_eq!(&magic, b"  V2");
    }

    #[tokio::test]
    async fn closing_removes_the_file_of_a_unix_socket() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nsqd.sock");
        let text = path.to_str().unwrap();
        bind(text).await.unwrap().close().unwrap();
        assert!(!path.exists());
        drop(bind(text).await.unwrap());
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_stale_socket_file_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nsqd.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let text = path.to_str().unwrap();
        assert_eq!(
            bind(text).await.unwrap_err().to_string(),
            format!("listen unix {text}: bind: address already in use")
        );
        assert!(path.exists());
    }

    #[tokio::test]
    async fn impossible_socket_paths_are_refused_in_gos_words() {
        assert_eq!(
            bind("/nonexistent/nsqd.sock").await.unwrap_err().to_string(),
            "listen unix /nonexistent/nsqd.sock: bind: no such file or directory"
        );
        let long = "x".repeat(200);
        assert_eq!(
            bind(&long).await.unwrap_err().to_string(),
            format!("listen unix {long}: bind: invalid argument")
        );
    }

    #[tokio::test]
    async fn an_abstract_socket_makes_no_file() {
        let name = format!("@nsq-net-test-{}", std::process::id());
        let listener = bind(&name).await.unwrap();
        assert!(!Path::new(&name).exists());
        let (_client, accepted) = tokio::join!(Socket::connect_unix(Path::new(&name)), listener.accept());
        assert_eq!(accepted.unwrap().peer(), Peer::Unix);
    }
}
