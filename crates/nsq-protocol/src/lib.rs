//! Every byte of both NSQ TCP protocols, encoded and decoded; no I/O, no clock.
//!
//! Two protocols are spoken between NSQ processes, and both live here, each with its two sides:
//!
//! - **V2**, between clients and nsqd: text commands in ([`command`]), size-prefixed frames out ([`frame`]),
//!   messages ([`message`]), the IDENTIFY negotiation ([`identify`]), AUTH ([`auth`]) and the errors
//!   ([`client_error`], [`error_code`]);
//! - **V1**, between nsqd and nsqlookupd ([`lookup`]).
//!
//! Decoders take a slice or a buffer that grows from call to call, keep only a little state between the
//! calls and never copy a body. They decide what bytes mean and which error a peer deserves; reading,
//! writing, deadlines, and what a valid command does to a topic are left to the daemons and to the client
//! library. No input makes them panic.
//!
//! ```
//! use nsq_protocol::client_error::ClientError;
//! use nsq_protocol::command::{
//!     Admission, Admit, AdmitMpub, Command, CommandDecoder, Decoded, Limits, Verb,
//! };
//! use nsq_protocol::name::TopicRef;
//!
//! /// A session that accepts every command at any time.
//! struct Anything;
//!
//! impl Admission for Anything {
//!     fn admit(&mut self, _: Option<Verb>, _: &[u8]) -> Result<Admit, ClientError> {
//!         Ok(Admit::Proceed)
//!     }
//!
//!     fn admit_mpub(&mut self, _: TopicRef<'_>) -> Result<AdmitMpub, ClientError> {
//!         Ok(AdmitMpub::Proceed)
//!     }
//! }
//!
//! let mut decoder = CommandDecoder::new(Limits::default());
//! let received = b"PUB orders\n\x00\x00\x00\x05hello";
//! // The body has not arrived in full: the decoder says how much room the command takes.
//! let partial = decoder.decode(&received[..17], &mut Anything)?;
//! assert_eq!(partial, Decoded::NeedMore { total: 20 });
//! let whole = decoder.decode(received, &mut Anything)?;
//! let topic = TopicRef::parse(b"orders")?;
//! assert_eq!(whole, Decoded::Command { command: Command::Pub { topic, body: b"hello" }, consumed: 20 });
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

pub mod auth;
pub mod client_error;
pub mod command;
pub mod error_code;
pub mod frame;
pub mod identify;
pub mod json;
pub mod lookup;
pub mod message;
pub mod name;
mod one_line;
