//! The V1 protocol as nsqlookupd sees it: nsqd is the client, the test answers.

use super::{Peer, command, escape};

/// Longest command line a V1 client sends; a longer one fails the test.
const LINE_MAX: usize = 4096;

/// What a scripted nsqlookupd expects of nsqd, and how it answers.
impl Peer {
    /// Asserts the four bytes with which nsqd opens a connection to nsqlookupd.
    ///
    /// # Panics
    /// If others arrive.
    #[track_caller]
    pub fn expect_magic_v1(&mut self) {
        self.expect(b"  V1");
    }

    /// Reads one command line without its `\n`.
    ///
    /// # Panics
    /// If the stream ends, or the line is too long or not UTF-8.
    #[track_caller]
    pub fn read_line(&mut self) -> String {
        let mut line = Vec::new();
        loop {
            let byte = self.read(1, &"a command line");
            if byte == b"\n" {
                return String::from_utf8(line).expect("a command line in UTF-8");
            }
            line.extend_from_slice(&byte);
            assert!(
                line.len() <= LINE_MAX,
                "command line without end: {}",
                escape(&line)
            );
        }
    }

    /// Asserts that the next command is `line`.
    ///
    /// # Panics
    /// If it differs.
    #[track_caller]
    pub fn expect_line(&mut self, line: &str) {
        let received = self.read_line();
        assert!(
            received == line,
            "unexpected command\n expected: {line:?}\n received: {received:?}"
        );
    }

    /// Reads the body of a command: a 4-byte size and that many bytes.
    ///
    /// # Panics
    /// If the stream ends before.
    #[track_caller]
    pub fn read_body(&mut self) -> Vec<u8> {
        let prefix = self.read(4, &"a body size");
        let size = u32::from_be_bytes(prefix.try_into().expect("4 bytes"));
        assert!(size < 1024 * 1024, "impossible body size {size}");
        self.read(size as usize, &format_args!("a body of {size} bytes"))
    }

    /// Answers a command: V1 replies carry a size and no frame type.
    ///
    /// # Panics
    /// If it cannot be sent.
    #[track_caller]
    pub fn reply(&mut self, data: impl AsRef<[u8]>) {
        let data = data.as_ref();
        self.send([&command::size(data.len()), data].concat());
    }
}
