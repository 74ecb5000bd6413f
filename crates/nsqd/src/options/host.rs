//! Defaults that come from the machine.

use md5::{Digest, Md5};

/// Node ids are the ten bits that a message id has for them.
pub(super) const NODE_IDS: u32 = 1024;

/// The node id of a machine that is given none: CRC-32 of the raw MD5 of its name.
///
/// A machine keeps the id that upstream gave it. Upstream: nsqd/options.go.
pub(super) fn node_id(hostname: &str) -> i64 {
    let digest = Md5::digest(hostname);
    i64::from(crc32fast::hash(&digest) % NODE_IDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_the_node_id_that_upstream_gives_it() {
        assert_eq!(node_id("localhost"), 16);
    }
}
