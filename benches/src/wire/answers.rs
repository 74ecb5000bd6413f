//! Answers to publishes, counted in the receive buffer.

use super::frame::{self, Frame};
use super::response;
use crate::error::{Error, Result};

/// Complete answers at the head of a receive buffer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// Successes.
    pub(crate) count: u32,
    /// Bytes that they and heartbeats take.
    pub(crate) consumed: usize,
    /// Whether a heartbeat was among them.
    pub(crate) heartbeat: bool,
}

/// Counts what an nsqd answers to publishes.
///
/// # Errors
///
/// [`Error::Protocol`] for anything but `OK` and heartbeats.
pub(crate) fn v2(bytes: &[u8]) -> Result<Answers> {
    const OK: &[u8] = b"\0\0\0\x06\0\0\0\0OK";
    let mut answers = Answers::default();
    let mut rest = bytes;
    loop {
        // Nearly everything a producer hears is this one frame.
        if let Some(after) = rest.strip_prefix(OK) {
            (rest, answers.count) = (after, answers.count + 1);
            continue;
        }
        match frame::parse(rest)? {
            None => break,
            Some((Frame::Response(b"_heartbeat_"), length)) => {
                answers.heartbeat = true;
                rest = rest.get(length..).unwrap_or_default();
            }
            Some((Frame::Response(data), _)) => return Err(frame::unexpected(data)),
            Some((Frame::Error(data), _)) => return Err(frame::refused(data)),
            Some((Frame::Message(_), _)) => return Err(frame::unexpected(b"a message")),
        }
    }
    answers.consumed = bytes.len() - rest.len();
    Ok(answers)
}

/// Counts HTTP responses with status 200.
///
/// # Errors
///
/// [`Error::Protocol`] for any other status.
pub(crate) fn http(bytes: &[u8]) -> Result<Answers> {
    let mut answers = Answers::default();
    while let Some((response, length)) = response::parse(bytes.get(answers.consumed..).unwrap_or_default())? {
        if response.status != 200 {
            let body = String::from_utf8_lossy(response.body);
            return Err(Error::Protocol(format!(
                "the server answered {} {body}",
                response.status
            )));
        }
        answers.count += 1;
        answers.consumed += length;
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_and_a_partial_one_is_left() {
        let bytes = b"\0\0\0\x06\0\0\0\0OK\0\0\0\x0f\0\0\0\0_heartbeat_\0\0\0\x06\0\0\0\0OK\0\0\0\x06\0";
        let answers = v2(bytes).unwrap();
        assert_eq!(
            answers,
            Answers {
                count: 2,
                consumed: bytes.len() - 5,
                heartbeat: true
            }
        );
    }

    #[test]
    fn a_refusal_ends_the_run() {
        let refusal = b"\0\0\0\x0b\0\0\0\x01E_INVAL";
        assert_eq!(
            v2(refusal).unwrap_err().to_string(),
            "the server answered E_INVAL"
        );
        let refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 7\r\n\r\nEXITING";
        assert_eq!(
            http(refusal).unwrap_err().to_string(),
            "the server answered 503 EXITING"
        );
    }
}
