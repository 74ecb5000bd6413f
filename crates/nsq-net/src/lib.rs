//! Listeners and byte streams for servers and clients alike.
//!
//! An [`Address`] is what an operator writes behind `--tcp-address`: `host:port`, or else the path
//! of a unix socket. [`Listener::bind`] opens it for serving, an [`Acceptor`] hands out its
//! connections, and [`Socket::connect`] is the other side. A [`Stream`] is a socket with the layers
//! that were negotiated for it: [`tls`], and above it [snappy](Stream::start_snappy) or
//! [deflate](Stream::start_deflate). A plain one pays nothing for the possibility.
//!
//! What travels over a stream is left to the callers, and so are the tasks that serve it. Errors
//! read as Go's `net` package words them, because operators and scripts know those texts.
//!
//! ```
//! use nsq_net::{Address, Listener};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
//! let listener = Listener::bind(&Address::parse("127.0.0.1:0")).await?;
//! assert!(listener.local_addr().to_string().starts_with("127.0.0.1:"));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod accept;
mod address;
mod coded;
mod connect;
mod deflate;
mod error;
mod listen;
mod peer;
mod scratch;
mod snappy;
mod socket;
mod stream;
pub mod tls;

pub use accept::{Acceptor, Slot};
pub use address::{Address, AddressError, HostPort};
pub use error::{ListenError, NetError};
pub use listen::{Listener, LocalAddr};
pub use peer::Peer;
pub use socket::Socket;
pub use stream::{Layer, Stream};
