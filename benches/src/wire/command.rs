//! V2 commands and HTTP requests, rendered into a buffer.

use super::body;

/// The four bytes that open a V2 connection.
pub(crate) const MAGIC: &[u8] = b"  V2";

/// The answer to a heartbeat.
pub(crate) const NOP: &[u8] = b"NOP\n";

/// Length of a message id.
pub(crate) const ID_BYTES: usize = 16;

/// Appends `IDENTIFY` with a JSON body.
pub(crate) fn identify(into: &mut Vec<u8>, json: &str) {
    into.extend_from_slice(b"IDENTIFY\n");
    size(into, json.len());
    into.extend_from_slice(json.as_bytes());
}

/// Appends `SUB`.
pub(crate) fn sub(into: &mut Vec<u8>, topic: &str, channel: &str) {
    into.extend_from_slice(format!("SUB {topic} {channel}\n").as_bytes());
}

/// Appends `REGISTER` of V1.
pub(crate) fn register(into: &mut Vec<u8>, topic: &str) {
    into.extend_from_slice(format!("REGISTER {topic}\n").as_bytes());
}

/// Appends `RDY`.
pub(crate) fn rdy(into: &mut Vec<u8>, count: u32) {
    into.extend_from_slice(format!("RDY {count}\n").as_bytes());
}

/// Appends `CLS`.
pub(crate) fn cls(into: &mut Vec<u8>) {
    into.extend_from_slice(b"CLS\n");
}

/// Appends `FIN`.
pub(crate) fn fin(into: &mut Vec<u8>, id: &[u8; ID_BYTES]) {
    into.extend_from_slice(b"FIN ");
    into.extend_from_slice(id);
    into.push(b'\n');
}

/// Appends `PUB` and returns where its body begins.
pub(crate) fn publish(into: &mut Vec<u8>, topic: &str, body_bytes: usize) -> usize {
    into.extend_from_slice(b"PUB ");
    into.extend_from_slice(topic.as_bytes());
    into.push(b'\n');
    sized_body(into, body_bytes)
}

/// Digits of a rendered `DPUB` delay: 999,999 ms at most, padded with zeros so that it can be changed in place.
pub(crate) const DELAY_DIGITS: usize = 6;

/// Appends `DPUB` and returns where its delay and its body begin.
pub(crate) fn publish_deferred(into: &mut Vec<u8>, topic: &str, body_bytes: usize) -> (usize, usize) {
    into.extend_from_slice(b"DPUB ");
    into.extend_from_slice(topic.as_bytes());
    into.push(b' ');
    let delay_at = into.len();
    into.extend_from_slice(&[b'0'; DELAY_DIGITS]);
    into.push(b'\n');
    (delay_at, sized_body(into, body_bytes))
}

/// Appends `MPUB` and returns where each body begins.
pub(crate) fn publish_many(into: &mut Vec<u8>, topic: &str, bodies: &[usize]) -> Vec<usize> {
    into.extend_from_slice(b"MPUB ");
    into.extend_from_slice(topic.as_bytes());
    into.push(b'\n');
    size(into, batch_bytes(bodies));
    batch(into, bodies)
}

/// Appends `POST /pub` and returns where the body begins.
pub(crate) fn http_publish(into: &mut Vec<u8>, topic: &str, body_bytes: usize) -> usize {
    http_post(into, &format!("/pub?topic={topic}"), body_bytes);
    let body_at = into.len();
    body::render(into, body_bytes);
    body_at
}

/// Appends `POST /mpub` in binary form and returns where each body begins.
pub(crate) fn http_publish_many(into: &mut Vec<u8>, topic: &str, bodies: &[usize]) -> Vec<usize> {
    http_post(
        into,
        &format!("/mpub?topic={topic}&binary=true"),
        batch_bytes(bodies),
    );
    batch(into, bodies)
}

/// Appends the head of a `POST` as a plain HTTP client writes it.
pub(crate) fn http_post(into: &mut Vec<u8>, target: &str, content_bytes: usize) {
    into.extend_from_slice(
        format!(
            "POST {target} HTTP/1.1\r\nHost: 127.0.0.1:4151\r\nUser-Agent: nsq-bench\r\n\
             Content-Length: {content_bytes}\r\n\r\n"
        )
        .as_bytes(),
    );
}

/// Bytes of the count and the sized bodies of a batch.
fn batch_bytes(bodies: &[usize]) -> usize {
    4 + bodies.iter().map(|body_bytes| 4 + body_bytes).sum::<usize>()
}

fn batch(into: &mut Vec<u8>, bodies: &[usize]) -> Vec<usize> {
    size(into, bodies.len());
    bodies
        .iter()
        .map(|body_bytes| sized_body(into, *body_bytes))
        .collect()
}

fn sized_body(into: &mut Vec<u8>, body_bytes: usize) -> usize {
    size(into, body_bytes);
    let body_at = into.len();
    body::render(into, body_bytes);
    body_at
}

/// Appends a 4-byte size. The generator renders nothing near 4 GiB.
fn size(into: &mut Vec<u8>, bytes: usize) {
    into.extend_from_slice(&u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publish_is_rendered_as_the_protocol_says() {
        let mut bytes = Vec::new();
        let body_at = publish(&mut bytes, "t", 20);
        assert_eq!(&bytes[..body_at], b"PUB t\n\0\0\0\x14");
        assert_eq!(bytes.len(), body_at + 20);
    }

    #[test]
    fn a_batch_declares_its_size_and_count() {
        let mut bytes = Vec::new();
        let bodies = publish_many(&mut bytes, "t", &[16, 18]);
        assert_eq!(&bytes[..18], b"MPUB t\n\0\0\0\x2e\0\0\0\x02\0\0\0");
        assert_eq!(bodies, [19, 39]);
        assert_eq!(bytes.len(), 7 + 4 + 46);
    }

    #[test]
    fn a_deferred_publish_leaves_room_for_its_delay() {
        let mut bytes = Vec::new();
        let (delay_at, body_at) = publish_deferred(&mut bytes, "t", 16);
        assert_eq!(&bytes[..delay_at], b"DPUB t ");
        assert_eq!(&bytes[delay_at..body_at], b"000000\n\0\0\0\x10");
    }

    #[test]
    fn an_http_batch_declares_its_length() {
        let mut bytes = Vec::new();
        let bodies = http_publish_many(&mut bytes, "t", &[16]);
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            text.starts_with("POST /mpub?topic=t&binary=true HTTP/1.1\r\n"),
            "{text}"
        );
        assert!(text.contains("Content-Length: 24\r\n\r\n"), "{text}");
        assert_eq!(bytes.len(), bodies[0] + 16);
    }
}
