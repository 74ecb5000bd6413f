use proptest::prelude::*;

use super::*;

#[test]
fn an_id_is_sixteen_lowercase_hex_digits() {
    assert_eq!(MessageId::from_u64(0).as_bytes(), b"0000000000000000");
    assert_eq!(
        MessageId::from_u64(0x0123_4567_89ab_cdef).as_bytes(),
        b"0123456789abcdef"
    );
    assert_eq!(MessageId::from_u64(u64::MAX).as_bytes(), b"ffffffffffffffff");
}

#[test]
fn only_lowercase_hex_reads_back_as_a_number() {
    let number = |id: &[u8; 16]| MessageId::new(*id).to_u64();
    assert_eq!(number(b"18a20c92f3c07000"), Some(0x18a2_0c92_f3c0_7000));
    assert_eq!(number(b"18A20c92f3c07000"), None);
    assert_eq!(number(b"18a20c92f3c0700g"), None);
    assert_eq!(number(b"18a20c92f3c0700 "), None);
    assert_eq!(number(b"18a20c92f3c0700\xff"), None);
    assert_eq!(number(b"-000000000000001"), None);
}

#[test]
fn an_id_is_made_of_sixteen_bytes_and_no_other_number() {
    assert!(MessageId::try_from(b"0123456789abcdef".as_slice()).is_ok());
    assert!(MessageId::try_from(b"0123456789abcde".as_slice()).is_err());
    assert!(MessageId::try_from(b"0123456789abcdef0".as_slice()).is_err());
}

#[test]
fn an_id_prints_even_when_it_is_no_text() {
    assert_eq!(MessageId::from_u64(1).to_string(), "0000000000000001");
    assert_eq!(MessageId::new([0xff; 16]).to_string(), r"\xff".repeat(16));
    assert_eq!(
        format!("{:?}", MessageId::from_u64(1)),
        "MessageId(0000000000000001)"
    );
}

#[test]
fn a_header_is_timestamp_attempts_and_id_in_network_order() {
    let header = MessageHeader {
        timestamp_ns: 0x0102_0304_0506_0708,
        attempts: 0x090a,
        id: MessageId::from_u64(0xb),
    };
    assert_eq!(
        &header.encode(),
        b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a000000000000000b"
    );
}

#[test]
fn a_message_shorter_than_its_header_is_none() {
    for len in 0..MESSAGE_HEADER_LEN {
        assert_eq!(MessageHeader::decode(&vec![0; len]), None);
        assert_eq!(Message::decode(vec![0; len].into()), None);
    }
    assert_eq!(
        Message::decode(vec![0; MESSAGE_HEADER_LEN].into()).unwrap().body,
        ""
    );
}

#[test]
fn a_message_shares_the_buffer_it_was_received_in() {
    let encoded = Bytes::from([[b'0'; MESSAGE_HEADER_LEN].as_slice(), b"body"].concat());
    let message = Message::decode(encoded.clone()).unwrap();
    assert_eq!(message.body, "body");
    assert_eq!(message.body.as_ptr(), encoded[MESSAGE_HEADER_LEN..].as_ptr());
}

proptest! {
    #[test]
    fn an_id_reads_back_as_its_number(value: u64) {
        let id = MessageId::from_u64(value);
        prop_assert_eq!(id.to_string(), format!("{value:016x}"));
        prop_assert_eq!(id.to_u64(), Some(value));
    }

    #[test]
    fn any_other_id_is_no_number(bytes: [u8; 16]) {
        let is_hex = bytes.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
        prop_assert_eq!(MessageId::new(bytes).to_u64().is_some(), is_hex);
    }

    #[test]
    fn ids_order_as_their_numbers(left: u64, right: u64) {
        prop_assert_eq!(left.cmp(&right), MessageId::from_u64(left).cmp(&MessageId::from_u64(right)));
    }

    #[test]
    fn a_header_reads_back_as_it_was_written(timestamp_ns: i64, attempts: u16, id: [u8; 16]) {
        let header = MessageHeader { timestamp_ns, attempts, id: MessageId::new(id) };
        prop_assert_eq!(MessageHeader::decode(&header.encode()), Some(header));
    }
}
