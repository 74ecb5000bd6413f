//! Producers and consumers for [NSQ](https://nsq.io).
//!
//! - A [`Producer`] publishes to one nsqd. What many tasks publish at the same time travels together, without
//!   waiting for each other.
//! - A [`ProducerPool`] publishes to whichever of several nsqds can be reached.
//! - A [`Consumer`] receives the messages of a channel from all the nsqds that have it, which it is told or
//!   finds through nsqlookupd. A handler is an async function; [`MessageStream`] is for those who would rather
//!   take messages one by one.
//! - [`Config`] has every option of the official clients, under their names.
//!
//! Both reconnect by themselves, encrypt and compress if they are told to, and speak to any nsqd, Go's as
//! well as the one of this repository. They run on Tokio, and their tasks end with them.
//!
//! ```no_run
//! use nsq_client::{Config, Consumer, Message, Producer};
//!
//! async fn handle(message: Message) -> Result<(), std::str::Utf8Error> {
//!     println!("{}: {}", message.id(), std::str::from_utf8(message.body())?);
//!     Ok(()) // The message is finished. An error would requeue it.
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), nsq_client::Error> {
//!     let mut config = Config::default();
//!     config.max_in_flight = 200;
//!
//!     let consumer = Consumer::builder("orders", "archive")
//!         .config(&config)
//!         .nsqlookupd("127.0.0.1:4161")
//!         .concurrency(8)
//!         .start(handle)
//!         .await?;
//!
//!     let producer = Producer::new("127.0.0.1:4150", &config)?;
//!     producer.publish("orders", "two of everything").await?;
//!
//!     consumer.stop().await;
//!     producer.stop().await;
//!     Ok(())
//! }
//! ```
//!
//! # Publishing
//! [`Producer::publish`] waits until nsqd has the message. [`Producer::enqueue`] returns as soon as there is room
//! for it, with a [`Receipt`] to be awaited later: that is how one task publishes a million messages a second.
//! Whoever publishes faster than nsqd answers waits; a producer holds 4 MiB and no more.
//!
//! # Answering messages
//! A message is answered once: finished, or requeued to be tried again. A handler answers with what it
//! returns. To answer later or elsewhere, keep the [`Message`]: those of a stream are always answered by their
//! taker, and in a handler [`Message::disable_auto_response`] leaves it to whoever has the message.
//! A message that is dropped without an answer is requeued, and one whose process dies comes again when its
//! time is up: nothing is lost, but anything may come twice.
//!
//! # How much at once
//! [`Config::max_in_flight`] bounds the messages that a consumer holds, and with it its memory; each
//! connection has its share of them. A message shares the memory of the 64 KiB block that it came in.
//!
//! # When handlers fail
//! The consumer pauses, first for 2 s, then for ever longer, up to
//! [`Config::max_backoff_duration`]; after each pause, one message is tried. A message that has failed
//! [`Config::max_attempts`] times is given up: finished, after
//! [`ConsumerBuilder::on_give_up`] had a look at it.
//!
//! # Errors
//! Everything that fails is an [`Error`]. After a [transient](Error::is_transient) one, the same may succeed later
//! or at another nsqd; any other says that something is wrong with what was asked. With
//! [`Error::NotConnected`], nobody knows whether a message was published: publishing it again may have it there
//! twice. A consumer takes care of itself: what goes wrong once it has started is an [`Event`], not an error, and
//! it connects again for ever.
//!
//! # Configuration
//! [`Config::default`] is that of go-nsq; each field of [`Config`] tells its default and its range, and
//! [`Config::set`] takes the same as text. An nsqd on the same machine needs none of it, except that
//! [`Config::max_in_flight`] is 1 until it is raised: throughput begins there.
//!
//! # Logs
//! Everything worth knowing is told through `tracing`, in the words of go-nsq, and to the hook of
//! [`ConsumerBuilder::on_event`].

mod backoff;
mod config;
mod conn;
mod consumer;
mod discovery;
mod error;
mod event;
mod log;
mod message;
mod producer;
mod random;
mod ready;
mod retry;

pub use config::{BackoffStrategy, Config, ConfigError};
pub use consumer::{Consumer, ConsumerBuilder, ConsumerStats, Handler, HandlerError, MessageStream};
pub use error::{Error, ProtocolError};
pub use event::Event;
pub use message::Message;
pub use nsq_net::tls::MinVersion as TlsVersion;
pub use nsq_protocol::error_code::ErrorCode;
pub use nsq_protocol::message::MessageId;
pub use producer::{PoolMember, Producer, ProducerPool, ProducerStats, Receipt};
