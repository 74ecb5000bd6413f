//! Whom an entry is about.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use nsq_auth::Question;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// What a client has to be for an entry to apply. What is absent is met by everyone.
#[derive(Debug, Default)]
pub(super) struct Condition {
    pub(super) secret: Option<SecretDigest>,
    /// Of the client's certificate.
    pub(super) common_name: Option<String>,
    /// The client has to be in one of them; none are met by everyone.
    pub(super) networks: Vec<Network>,
    /// Whether the connection has to be encrypted, or must not be.
    pub(super) tls: Option<bool>,
}

/// A question, prepared to be compared with many conditions.
#[derive(Debug)]
pub(super) struct Presented<'q> {
    secret: SecretDigest,
    common_name: &'q str,
    /// `None` for a unix socket, which is in no network.
    ip: Option<IpAddr>,
    tls: bool,
}

impl<'q> Presented<'q> {
    pub(super) fn new(question: &'q Question) -> Self {
        Self {
            secret: SecretDigest::of(question.secret.reveal()),
            common_name: &question.common_name,
            ip: question.remote_ip.parse().ok(),
            tls: question.tls,
        }
    }
}

impl Condition {
    pub(super) fn is_met_by(&self, presented: &Presented<'_>) -> bool {
        let secret = self
            .secret
            .as_ref()
            .is_none_or(|secret| secret.equals(&presented.secret));
        // Without TLS there is no certificate, whatever the question says.
        let common_name = self
            .common_name
            .as_deref()
            .is_none_or(|name| presented.tls && name == presented.common_name);
        let network = self.networks.is_empty()
            || presented
                .ip
                .is_some_and(|ip| self.networks.iter().any(|network| network.contains(ip)));
        // All of them are looked at: nobody learns from the time which one failed.
        secret & common_name & network & self.tls.is_none_or(|tls| tls == presented.tls)
    }
}

/// What is kept of a secret: its SHA-256.
#[derive(Clone)]
pub(super) struct SecretDigest([u8; 32]);

impl SecretDigest {
    pub(super) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Reads 64 hexadecimal digits.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        if text.len() != 2 * digest.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (index, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(Self(digest))
    }

    /// Takes the same time whatever differs.
    fn equals(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest")
    }
}

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix_len: u32,
}

impl Network {
    fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                // Shifting by the whole width, for a prefix of no bits, leaves nothing to differ.
                let differing = own.to_bits() ^ other.to_bits();
                differing.checked_shr(32 - self.prefix_len).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.checked_shr(128 - self.prefix_len).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    /// Reads an address, `10.0.0.5`, or a prefix, `10.0.0.0/8`.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix_len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let len_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_len = match prefix_len {
            None => len_max,
            Some(len) if len.bytes().all(|byte| byte.is_ascii_digit()) => {
                len.parse().map_err(|_| NotANetwork)?
            }
            Some(_) => return Err(NotANetwork),
        };
        if prefix_len > len_max {
            return Err(NotANetwork);
        }
        Ok(Self { address, prefix_len })
    }
}

/// The text is neither an address nor a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotANetwork;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn contains(text: &str, ip: &str) -> bool {
        network(text).contains(ip.parse().unwrap())
    }

    #[test]
    fn a_network_holds_the_addresses_with_its_first_bits() {
        assert!(contains("10.0.0.5", "10.0.0.5") && !contains("10.0.0.5", "10.0.0.4"));
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("10.1.2.3/8", "10.9.9.9"), "further bits do not matter");
        assert!(contains("10.0.0.4/31", "10.0.0.5") && !contains("10.0.0.4/31", "10.0.0.6"));
        assert!(contains("::1", "::1") && !contains("::1", "::2"));
        assert!(contains("fd00::/8", "fd12::1") && !contains("fd00::/8", "fe00::1"));
    }

    #[test]
    fn no_bits_hold_everything_of_the_same_family() {
        assert!(contains("0.0.0.0/0", "255.255.255.255") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "ffff::1") && !contains("::/0", "10.0.0.1"));
    }

    #[test]
    fn an_ipv4_address_in_ipv6_is_ipv4() {
        assert!(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
        assert!(!contains("::/0", "::ffff:10.0.0.1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "/8",
            "host",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
    }

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        // printf hunter2 | sha256sum
        let hex = "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7";
        let digest = SecretDigest::from_hex(hex).unwrap();
        assert!(digest.equals(&SecretDigest::of(b"hunter2")));
        assert!(!digest.equals(&SecretDigest::of(b"hunter3")));
        for bad in [
            "",
            &hex[1..],
            &format!("{hex}0"),
            &hex.replace('f', "g"),
            &"é".repeat(32),
        ] {
            assert!(SecretDigest::from_hex(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{digest:?}"), "SecretDigest");
    }

    proptest! {
        #[test]
        fn a_network_holds_what_agrees_with_it_bit_by_bit(own: u32, other: u32, len in 0_u32..=32) {
            let network = Network { address: IpAddr::V4(own.into()), prefix_len: len };
            let agrees = (0..len).all(|bit| own << bit >> 31 == other << bit >> 31);
            prop_assert_eq!(network.contains(IpAddr::V4(other.into())), agrees);
        }

        #[test]
        fn no_text_upsets_the_reader(text in "[0-9a-f.:/]{0,20}") {
            let _ = text.parse::<Network>();
        }
    }
}
