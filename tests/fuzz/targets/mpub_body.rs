//! The binary body of an HTTP multi-publish, beside a model that reads it number by number.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsq_protocol::command::{Limits, MpubBodyError, parse_mpub_body};

const LIMITS: Limits = Limits {
    max_msg_size: 40,
    max_body_size: 120,
    max_rdy_count: 0,
    max_req_timeout_ms: 0,
};

fn number(rest: &mut &[u8]) -> Option<i32> {
    let (bytes, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(i32::from_be_bytes(*bytes))
}

fn model(body: &[u8]) -> Result<Vec<&[u8]>, MpubBodyError> {
    let mut rest = body;
    let count = number(&mut rest).ok_or(MpubBodyError::BadBody)?;
    // Each message takes five bytes at least.
    if count <= 0 || i64::from(count) > (LIMITS.max_body_size - 4) / 5 {
        return Err(MpubBodyError::BadBody);
    }
    let mut bodies = Vec::new();
    let mut total = 4;
    for _ in 0..count {
        let size = number(&mut rest).ok_or(MpubBodyError::BadMessage)?;
        total += 4 + i64::from(size);
        if size <= 0 || i64::from(size) > LIMITS.max_msg_size || total > LIMITS.max_body_size {
            return Err(MpubBodyError::BadMessage);
        }
        let (body, behind) = rest
            .split_at_checked(size as usize)
            .ok_or(MpubBodyError::BadMessage)?;
        bodies.push(body);
        rest = behind;
    }
    Ok(bodies)
}

fuzz_target!(|body: &[u8]| {
    let parsed = parse_mpub_body(body, &LIMITS);
    if let Ok(bodies) = &parsed {
        assert_eq!(bodies.len(), bodies.iter().count());
        assert_eq!(bodies.body_bytes(), bodies.iter().map(<[u8]>::len).sum::<usize>());
    }
    assert_eq!(parsed.map(|bodies| bodies.iter().collect()), model(body));
});
