//! The bytes of commands, written down once for the tests.

/// The four bytes that open a V2 connection.
pub const MAGIC_V2: &[u8] = b"  V2";

/// A size prefix: big-endian, as every integer of the protocol.
///
/// # Panics
/// If `size` does not fit.
pub fn size(size: usize) -> [u8; 4] {
    u32::try_from(size).expect("size fits 32 bits").to_be_bytes()
}

/// `<line>\n[4-byte size][body]`: any command that carries a body.
pub fn with_body(line: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [line.as_bytes(), b"\n", &size(body.len()), body].concat()
}

/// `<line>\n[4-byte size]` with a size of the test's own choosing and no body.
pub fn with_declared_size(line: &str, size: i32) -> Vec<u8> {
    [line.as_bytes(), b"\n", &size.to_be_bytes()].concat()
}

/// `IDENTIFY` with `json` as its body.
pub fn identify(json: &str) -> Vec<u8> {
    with_body("IDENTIFY", json)
}

/// `PUB <topic>`.
pub fn publish(topic: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    with_body(&format!("PUB {topic}"), body)
}

/// `DPUB <topic> <defer_ms>`.
pub fn deferred_publish(topic: &str, defer_ms: u64, body: impl AsRef<[u8]>) -> Vec<u8> {
    with_body(&format!("DPUB {topic} {defer_ms}"), body)
}

/// `MPUB <topic>` with the body built from `bodies`.
pub fn multi_publish<B: AsRef<[u8]>>(topic: &str, bodies: &[B]) -> Vec<u8> {
    with_body(&format!("MPUB {topic}"), batch(bodies))
}

/// The body of an `MPUB`, which is also that of a binary `POST /mpub`: `[4-byte count]([4-byte size][body])*`.
pub fn batch<B: AsRef<[u8]>>(bodies: &[B]) -> Vec<u8> {
    let mut batch = size(bodies.len()).to_vec();
    for body in bodies {
        let body = body.as_ref();
        batch.extend_from_slice(&size(body.len()));
        batch.extend_from_slice(body);
    }
    batch
}

/// `SUB <topic> <channel>`.
pub fn subscribe(topic: &str, channel: &str) -> String {
    format!("SUB {topic} {channel}\n")
}
