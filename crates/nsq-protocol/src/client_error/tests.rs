use super::*;

fn id() -> MessageId {
    MessageId::from_u64(0x18a2_0c92_f3c0_7000)
}

fn topic() -> TopicRef<'static> {
    TopicRef::parse(b"t1").unwrap()
}

fn channel() -> ChannelRef<'static> {
    ChannelRef::parse(b"c2").unwrap()
}

fn assert_texts(cases: &[(ClientError, &str)]) {
    for (error, text) in cases {
        assert_eq!(error.text(), text.as_bytes());
        assert_eq!(error.to_string(), *text);
        assert_eq!(ErrorCode::of(error.text()), Some(error.code()));
    }
}

#[test]
fn texts_about_the_connections_state_are_upstreams_to_the_byte() {
    assert_texts(&[
        (ClientError::bad_protocol(), "E_BAD_PROTOCOL"),
        (
            ClientError::wrong_state(Verb::Identify),
            "E_INVALID cannot IDENTIFY in current state",
        ),
        (
            ClientError::wrong_state(Verb::Auth),
            "E_INVALID cannot AUTH in current state",
        ),
        (
            ClientError::wrong_state(Verb::Sub),
            "E_INVALID cannot SUB in current state",
        ),
        (
            ClientError::wrong_state(Verb::Rdy),
            "E_INVALID cannot RDY in current state",
        ),
        (
            ClientError::wrong_state(Verb::Fin),
            "E_INVALID cannot FIN in current state",
        ),
        (
            ClientError::wrong_state(Verb::Req),
            "E_INVALID cannot REQ in current state",
        ),
        (
            ClientError::wrong_state(Verb::Touch),
            "E_INVALID cannot TOUCH in current state",
        ),
        (
            ClientError::wrong_state(Verb::Cls),
            "E_INVALID cannot CLS in current state",
        ),
        (
            ClientError::tls_required(b"NOP"),
            "E_INVALID cannot NOP in current state (TLS required)",
        ),
        (
            ClientError::tls_required(b"wat?"),
            "E_INVALID cannot wat? in current state (TLS required)",
        ),
        (
            ClientError::heartbeats_disabled(),
            "E_INVALID cannot SUB with heartbeats disabled",
        ),
    ]);
}

#[test]
fn texts_about_failed_commands_are_upstreams_to_the_byte() {
    assert_texts(&[
        (
            ClientError::too_many_consumers(topic(), channel(), 2),
            "E_SUB_FAILED SUB failed consumers for t1:c2 exceeds limit of 2",
        ),
        (
            ClientError::sub_failed("exiting"),
            "E_SUB_FAILED SUB failed exiting",
        ),
        (
            ClientError::sub_failed("to deleted topic/channel"),
            "E_SUB_FAILED SUB failed to deleted topic/channel",
        ),
        (
            ClientError::pub_failed("exiting"),
            "E_PUB_FAILED PUB failed exiting",
        ),
        (
            ClientError::mpub_failed("exiting"),
            "E_MPUB_FAILED MPUB failed exiting",
        ),
        (
            ClientError::dpub_failed("exiting"),
            "E_DPUB_FAILED DPUB failed exiting",
        ),
        (
            ClientError::fin_failed(id(), "ID not in flight"),
            "E_FIN_FAILED FIN 18a20c92f3c07000 failed ID not in flight",
        ),
        (
            ClientError::req_failed(id(), "client does not own message"),
            "E_REQ_FAILED REQ 18a20c92f3c07000 failed client does not own message",
        ),
        (
            ClientError::touch_failed(id(), "ID already in flight"),
            "E_TOUCH_FAILED TOUCH 18a20c92f3c07000 failed ID already in flight",
        ),
        (
            ClientError::both_compressions(),
            "E_IDENTIFY_FAILED cannot enable both deflate and snappy compression",
        ),
        (
            ClientError::identify_failed("tls: first record does not look like a TLS handshake"),
            "E_IDENTIFY_FAILED IDENTIFY failed tls: first record does not look like a TLS handshake",
        ),
    ]);
}

#[test]
fn texts_about_authorization_are_upstreams_to_the_byte() {
    assert_texts(&[
        (ClientError::auth_already_set(), "E_INVALID AUTH already set"),
        (ClientError::auth_disabled(), "E_AUTH_DISABLED AUTH disabled"),
        (ClientError::auth_failed(), "E_AUTH_FAILED AUTH failed"),
        (
            ClientError::no_authorizations(),
            "E_UNAUTHORIZED AUTH no authorizations found",
        ),
        (
            ClientError::auth_error("broken pipe"),
            "E_AUTH_ERROR AUTH error broken pipe",
        ),
        (
            ClientError::auth_first(Verb::Mpub),
            "E_AUTH_FIRST AUTH required before MPUB",
        ),
        (
            ClientError::unauthorized(Verb::Sub, topic(), Some(channel())),
            r#"E_UNAUTHORIZED AUTH failed for SUB on "t1" "c2""#,
        ),
        (
            ClientError::unauthorized(Verb::Pub, topic(), None),
            r#"E_UNAUTHORIZED AUTH failed for PUB on "t1" """#,
        ),
    ]);
}

#[test]
fn a_failure_about_one_message_keeps_the_connection() {
    assert!(!ClientError::fin_failed(id(), "ID not in flight").is_fatal());
    assert!(!ClientError::req_failed(id(), "ID not in flight").is_fatal());
    assert!(!ClientError::touch_failed(id(), "ID not in flight").is_fatal());
    assert!(ClientError::pub_failed("exiting").is_fatal());
    assert!(ClientError::bad_protocol().is_fatal());
}

#[test]
fn the_cause_is_kept_for_the_log_and_not_sent() {
    let error = ClientError::auth_failed().with_cause("connection refused");
    assert_eq!(error.text(), b"E_AUTH_FAILED AUTH failed");
    assert_eq!(error.cause(), Some("connection refused"));
    assert_eq!(ClientError::pub_failed("disk full").cause(), Some("disk full"));
    assert_eq!(
        ClientError::fin_failed(id(), "ID not in flight").cause(),
        Some("ID not in flight")
    );
    assert_eq!(ClientError::auth_disabled().cause(), None);
}

#[test]
fn bytes_of_the_client_are_sent_as_they_came_and_printed_harmlessly() {
    let error = ClientError::tls_required(b"\xff\x1b[31m\r");
    assert_eq!(
        error.text(),
        b"E_INVALID cannot \xff\x1b[31m\r in current state (TLS required)"
    );
    assert_eq!(
        error.to_string(),
        "E_INVALID cannot \u{fffd}\\u{1b}[31m\\r in current state (TLS required)"
    );
    let id = MessageId::new([0xfe; 16]);
    let text = [
        b"E_FIN_FAILED FIN ".as_slice(),
        &[0xfe; 16],
        b" failed ID not in flight",
    ]
    .concat();
    assert_eq!(ClientError::fin_failed(id, "ID not in flight").text(), text);
}
