//! V1, in which nsqd tells nsqlookupd what it has.
//!
//! nsqd opens a connection with [`MAGIC_V1`] and sends commands; each is answered, in order, with
//! `[4-byte size][data]`, the size being a big-endian signed 32-bit integer. The data is `OK`, JSON, or an
//! error text; there is nothing to tell them apart but the `E_` in front of an error.
//!
//! | command | line | answer |
//! |---|---|---|
//! | [`Identify`](LookupCommand::Identify) | `IDENTIFY`, then `[4-byte size][JSON]` | [`LookupdInfo`] |
//! | [`Register`](LookupCommand::Register) | `REGISTER <topic> [<channel>]` | `OK` |
//! | [`Unregister`](LookupCommand::Unregister) | `UNREGISTER <topic> [<channel>]` | `OK` |
//! | [`Ping`](LookupCommand::Ping) | `PING` | `OK` |
//!
//! nsqlookupd's side is [`LookupDecoder`] and [`put_reply`]; nsqd's is the `encode_*` functions and
//! [`ReplyDecoder`].
//!
//! Upstream: `nsqlookupd/lookup_protocol_v1.go`; `nsqd/lookup_peer.go`.

mod decoder;
mod encode;
mod peer_info;
mod reply;
#[cfg(test)]
mod tests;

pub use decoder::{IDENTIFY_BODY_LEN_MAX, LookupCommand, LookupDecoded, LookupDecoder};
pub use encode::{encode_identify, encode_ping, encode_register, encode_unregister};
pub use peer_info::{LookupdInfo, PeerInfo};
pub use reply::{IdentifyReplyError, ReplyDecoder, ReplyError, put_reply};

/// The four bytes that nsqd sends first.
pub const MAGIC_V1: &[u8; 4] = b"  V1";
