//! Where an nsqlookupd is asked, and in which words.

use nsq_net::HostPort;

use crate::Error;

/// An address of an nsqlookupd, made into what is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lookupd {
    /// As it was given.
    pub(crate) address: String,
    /// Scheme, host, port and path.
    base: String,
    /// Its own parameters, without the question mark.
    query: String,
}

impl Lookupd {
    /// Takes `host:port` or a URL. `path` is asked if it has none of its own.
    pub(crate) fn parse(address: &str, path: &str) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::InvalidAddress(format!("{reason}: {address}"));
        let url = if address.contains("://") {
            address.to_owned()
        } else {
            // What is no URL has to name its port.
            HostPort::parse(address).map_err(|error| Error::InvalidAddress(error.to_string()))?;
            format!("http://{address}")
        };
        let (url, query) = url.split_once('?').unwrap_or((&url, ""));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("not a URL"))?;
        let (authority, own_path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if authority.is_empty() {
            return Err(invalid("no host"));
        }
        let path = if own_path.len() > 1 { own_path } else { path };
        Ok(Self {
            address: address.to_owned(),
            base: format!("{scheme}://{authority}{path}"),
            query: query.to_owned(),
        })
    }

    /// Whether both ask the same of the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.base == other.base && self.query == other.query
    }

    /// What is asked, with one more parameter, whose value needs no escapes.
    pub(super) fn url(&self, parameter: Option<(&str, &str)>) -> String {
        let Self { base, query, .. } = self;
        match parameter {
            None if query.is_empty() => base.clone(),
            None => format!("{base}?{query}"),
            Some((name, value)) => {
                // The one character of a topic name that means something in a URL.
                let value = value.replace('#', "%23");
                let separator = if query.is_empty() { "" } else { "&" };
                format!("{base}?{query}{separator}{name}={value}")
            }
        }
    }
}
