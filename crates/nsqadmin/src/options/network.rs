//! Networks of IP addresses.

use std::fmt;
use std::net::IpAddr;

/// A network such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_len: u8,
}

/// A text that is no network, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkError(String);

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid CIDR address: {}", self.0)
    }
}

impl std::error::Error for NetworkError {}

impl Network {
    /// Reads `address/bits`; bits of the address beyond the network do not matter.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        Self::read(text).ok_or_else(|| NetworkError(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let is_number = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        let prefix_len = is_number.then(|| bits.parse().ok())??;
        (prefix_len <= bits_max).then_some(Self { address, prefix_len })
    }

    /// Whether `address` is in it. An IPv4 address is in no IPv6 network, and the other way round.
    pub fn contains(&self, address: IpAddr) -> bool {
        let prefix_len = u32::from(self.prefix_len);
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= prefix_len
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= prefix_len
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_begins_with_its_bits() {
        for (network, address, is_in) in [
            ("127.0.0.1/8", "127.255.0.1", true),
            ("127.0.0.1/8", "128.0.0.1", false),
            ("127.0.0.1/8", "::1", false),
            ("127.0.0.1/8", "::ffff:127.0.0.1", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("10.1.2.3/32", "10.1.2.3", true),
            ("10.1.2.3/32", "10.1.2.2", false),
            ("fd00::/8", "fd12::1", true),
            ("::/0", "10.0.0.1", false),
        ] {
            let parsed = Network::parse(network).unwrap();
            assert_eq!(
                parsed.contains(address.parse().unwrap()),
                is_in,
                "{network} {address}"
            );
        }
    }

    #[test]
    fn what_is_no_network_is_refused_in_gos_words() {
        for text in [
            "bad",
            "",
            "10.0.0.1",
            "10.0.0.1/33",
            "10.0.0.1/-1",
            "10.0.0.1/",
            "10.0.0/8",
            "::/129",
            "a/8",
        ] {
            assert_eq!(
                Network::parse(text).unwrap_err().to_string(),
                format!("invalid CIDR address: {text}")
            );
        }
    }
}
