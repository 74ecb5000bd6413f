//! The flags that all utilities have which consume.

use nsq_app::Exit;
use nsq_client::Config;
use nsq_flags::{Field, Flag, StringList};

use crate::client_options::ClientOptions;
use crate::shell::Source;

/// What is consumed from, how much at once, and how.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "each field is a flag, and the functions of this module hold its help text"
)]
pub struct ConsumerFlags {
    pub max_in_flight: i64,
    pub nsqd_tcp_addresses: StringList,
    pub lookupd_http_addresses: StringList,
    pub consumer_options: ClientOptions,
}

impl Default for ConsumerFlags {
    fn default() -> Self {
        Self {
            max_in_flight: 200,
            nsqd_tcp_addresses: StringList::default(),
            lookupd_http_addresses: StringList::default(),
            consumer_options: ClientOptions::default(),
        }
    }
}

impl ConsumerFlags {
    /// Where messages come from.
    ///
    /// # Errors
    /// No nsqd and no nsqlookupd was given, or both.
    pub(crate) fn source(&self) -> Result<Source, Exit> {
        Source::choose(
            "nsqd-tcp-address",
            &self.nsqd_tcp_addresses,
            &self.lookupd_http_addresses,
        )
    }

    /// The configuration of a consumer of the utility `name`.
    ///
    /// # Errors
    /// An option is out of range.
    pub(crate) fn config(&self, name: &str) -> Result<Config, Exit> {
        self.consumer_options.consumer_config(name, self.max_in_flight)
    }
}

pub(crate) const fn max_in_flight<O>(field: Field<O>) -> Flag<O> {
    Flag::new(
        "max-in-flight",
        field,
        "max number of messages to allow in flight",
    )
}

pub(crate) const fn nsqd_tcp_address<O>(field: Field<O>) -> Flag<O> {
    Flag::new(
        "nsqd-tcp-address",
        field,
        "nsqd TCP address (may be given multiple times)",
    )
}

pub(crate) const fn lookupd_http_address<O>(field: Field<O>) -> Flag<O> {
    Flag::new(
        "lookupd-http-address",
        field,
        "lookupd HTTP address (may be given multiple times)",
    )
}

pub(crate) const fn consumer_opt<O>(field: Field<O>) -> Flag<O> {
    Flag::new(
        "consumer-opt",
        field,
        "option to passthrough to nsq.Consumer (may be given multiple times, \
         http://godoc.org/github.com/nsqio/go-nsq#Config)",
    )
}
