//! The V2 protocol over TCP: every command, state rule, limit and error text, to the byte.

mod auth;
mod cls;
mod command_line;
mod dpub;
mod framing;
mod heartbeat;
mod identify;
mod in_flight;
mod magic;
mod mpub;
mod output_buffer;
mod publish;
mod ready;
mod state_table;
mod subscribe;
mod unix_socket;

use nsq_tests::Nsqd;

/// A message id that no message has.
const UNKNOWN_ID: &str = "0123456789abcdef";

/// Asserts that a fresh connection that sends `script` gets one error frame and is closed.
#[track_caller]
fn expect_fatal(nsqd: &Nsqd, script: impl AsRef<[u8]>, error: impl AsRef<[u8]>) {
    let mut peer = nsqd.connect();
    peer.send(script);
    peer.expect_fatal(error);
}

/// Like [`expect_fatal`], for a script that stops in the middle of a command: the connection is closed for sending.
#[track_caller]
fn expect_fatal_at_end(nsqd: &Nsqd, script: impl AsRef<[u8]>, error: impl AsRef<[u8]>) {
    let mut peer = nsqd.connect();
    peer.send(script);
    peer.finish_sending();
    peer.expect_fatal(error);
}

/// Names that are no topic and no channel, each with its form inside the quotes of an error.
const INVALID_NAMES: &[(&[u8], &str)] = &[
    (b"", ""),
    (b"#ephemeral", "#ephemeral"),
    (b"a#", "a#"),
    (b"a#ephemeral2", "a#ephemeral2"),
    (b"a#ephemeral#ephemeral", "a#ephemeral#ephemeral"),
    (b"a#EPHEMERAL", "a#EPHEMERAL"),
    (b"a/b", "a/b"),
    (b"a:b", "a:b"),
    (b"a*", "a*"),
    (b"$a", "$a"),
    (b"\"x", r#"\"x"#),
    (b"a\\b", r"a\\b"),
    (b"t\tx", r"t\tx"),
    (b"t\x07\x08\x0c\x0b\rx", r"t\a\b\f\v\rx"),
    (b"t\x00\x1f\x7f", r"t\x00\x1f\x7f"),
    (b"t\xff", r"t\xff"),
    (b"\xe4\xb8", r"\xe4\xb8"),
    ("größe".as_bytes(), "größe"),
    ("\u{ad}\u{200b}".as_bytes(), r"\u00ad\u200b"),
    ("\u{e0001}".as_bytes(), r"\U000e0001"),
    (
        &[b'a'; 65],
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ),
    (
        b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa#ephemeral",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa#ephemeral",
    ),
];

/// Names that are topics and channels, at the limits of what is allowed.
const VALID_NAMES: &[&str] = &[
    "a",
    ".",
    "..",
    "-",
    "_",
    "A.b-C_9",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "a#ephemeral",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa#ephemeral",
];

#[test]
fn the_longest_names_have_64_bytes_and_the_shortest_too_long_ones_65() {
    assert_eq!(VALID_NAMES.iter().map(|name| name.len()).max(), Some(64));
    assert_eq!(
        INVALID_NAMES.iter().filter(|(name, _)| name.len() == 65).count(),
        2
    );
}
