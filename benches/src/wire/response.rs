//! HTTP responses, as much as a keep-alive client needs.

use crate::error::{Error, Result};

/// A longer head means that the stream is not HTTP.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// One complete response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The body; chunked ones are not understood, since no measured endpoint answers so.
    pub(crate) body: &'a [u8],
}

/// The first response of `bytes` and its length, or `None` while it is incomplete.
///
/// # Errors
///
/// [`Error::Protocol`] for anything but HTTP/1.1 with a `Content-Length`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Response<'_>, usize)>> {
    let Some(head_bytes) = head_length(bytes) else {
        if bytes.len() > HEAD_BYTES_MAX {
            return Err(Error::Protocol(
                "an endless HTTP response head arrived".to_owned(),
            ));
        }
        return Ok(None);
    };
    let (head, rest) = bytes.split_at_checked(head_bytes).unwrap_or((bytes, &[]));
    let described = status(head).and_then(|status| Some((status, content_length(head)?)));
    let Some((status, body_bytes)) = described else {
        let line = String::from_utf8_lossy(head);
        return Err(Error::Protocol(format!("not a usable HTTP response: {line}")));
    };
    Ok(rest
        .get(..body_bytes)
        .map(|body| (Response { status, body }, head_bytes + body_bytes)))
}

/// Length of the head with its empty line.
pub(crate) fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| at + 4)
}

/// The value of `Content-Length`; a head without one has no body, as a request may.
pub(crate) fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    for line in head.split(|byte| *byte == b'\n') {
        if let Some((name, value)) = line.split_at_checked(NAME.len())
            && name.eq_ignore_ascii_case(NAME)
        {
            return std::str::from_utf8(value).ok()?.trim().parse().ok();
        }
    }
    Some(0)
}

fn status(head: &[u8]) -> Option<u16> {
    let code = head.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(code).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &[u8] =
        b"HTTP/1.1 200 OK\r\nX-Nsq-Content-Type: nsq; version=1.0\r\ncontent-length: 2\r\n\r\nOK";

    #[test]
    fn a_response_is_parsed_with_its_length() {
        assert_eq!(
            parse(OK).unwrap(),
            Some((
                Response {
                    status: 200,
                    body: b"OK"
                },
                OK.len()
            ))
        );
    }

    #[test]
    fn every_prefix_is_incomplete() {
        for length in 0..OK.len() {
            assert_eq!(parse(&OK[..length]).unwrap(), None, "at {length}");
        }
    }

    #[test]
    fn what_is_not_http_is_refused() {
        assert!(parse(b"SSH-2.0-x\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n").is_err());
        assert!(parse(&vec![b'x'; HEAD_BYTES_MAX + 1]).is_err());
    }
}
