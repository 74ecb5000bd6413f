//! HTTP requests as a limit server reads them.

use super::broker::Broker;
use super::session::{Unintelligible, publish_many};
use crate::wire::response::{content_length, head_length};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nOK";

/// Executes every complete request and returns how many bytes they took.
pub(super) fn execute(bytes: &[u8], out: &mut Vec<u8>, broker: &mut Broker) -> Result<usize, Unintelligible> {
    let mut rest = bytes;
    while let Some(head_bytes) = head_length(rest) {
        let (head, after) = rest.split_at_checked(head_bytes).ok_or(Unintelligible)?;
        let body_bytes = content_length(head).ok_or(Unintelligible)?;
        let Some((body, after)) = after.split_at_checked(body_bytes) else {
            break;
        };
        let target = head.split(|byte| *byte == b' ').nth(1).ok_or(Unintelligible)?;
        apply(target, body, broker)?;
        out.extend_from_slice(ANSWER);
        rest = after;
    }
    Ok(bytes.len() - rest.len())
}

fn apply(target: &[u8], body: &[u8], broker: &mut Broker) -> Result<(), Unintelligible> {
    let mut parts = target.split(|byte| matches!(byte, b'?' | b'&'));
    let path = parts.next().unwrap_or_default();
    let (mut topic, mut channel) = (None, None);
    for part in parts {
        topic = topic.or_else(|| part.strip_prefix(b"topic="));
        channel = channel.or_else(|| part.strip_prefix(b"channel="));
    }
    match (path, topic, channel) {
        (b"/ping", ..) => {}
        (b"/topic/create", Some(topic), _) => {
            broker.topic(topic);
        }
        (b"/channel/create", Some(topic), Some(channel)) => {
            let topic = broker.topic(topic);
            broker.channel(topic, channel);
        }
        (b"/pub", Some(topic), _) => {
            let topic = broker.topic(topic);
            broker.publish(topic, body);
        }
        (b"/mpub", Some(topic), _) => {
            let topic = broker.topic(topic);
            publish_many(body, topic, broker)?;
        }
        _ => return Err(Unintelligible),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Limit;
    use super::*;

    #[test]
    fn requests_are_answered_as_far_as_they_are_complete() {
        let mut broker = Broker::new(Limit::Sink);
        let mut out = Vec::new();
        let bytes =
            b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\nPOST /pub?topic=t HTTP/1.1\r\nContent-Length: 3\r\n\r\nab";
        let taken = execute(bytes, &mut out, &mut broker).unwrap();
        assert_eq!(&bytes[taken..taken + 4], b"POST");
        assert_eq!(out, ANSWER);
    }

    #[test]
    fn unknown_paths_are_refused() {
        let mut broker = Broker::new(Limit::Sink);
        assert!(execute(b"GET /stats HTTP/1.1\r\n\r\n", &mut Vec::new(), &mut broker).is_err());
    }
}
