//! When the session is asked, and what its answers do.

use super::*;

/// A session that answers as told.
struct Doorkeeper {
    admit: Result<Admit, ClientError>,
    admit_mpub: Result<AdmitMpub, ClientError>,
}

impl Admission for Doorkeeper {
    fn admit(&mut self, _: Option<Verb>, _: &[u8]) -> Result<Admit, ClientError> {
        self.admit.clone()
    }

    fn admit_mpub(&mut self, _: TopicRef<'_>) -> Result<AdmitMpub, ClientError> {
        self.admit_mpub.clone()
    }
}

fn closed() -> Doorkeeper {
    Doorkeeper {
        admit: Err(ClientError::wrong_state(Verb::Sub)),
        admit_mpub: Ok(AdmitMpub::Proceed),
    }
}

fn asked(buf: &[u8]) -> Vec<Asked> {
    let mut session = Session::default();
    // Whether the command is valid does not matter here.
    let _ = CommandDecoder::new(LIMITS).decode(buf, &mut session);
    session.asked
}

#[test]
fn the_state_is_checked_before_anything_else_in_the_line() {
    for buf in [
        b"SUB\n".as_slice(),
        b"SUB $ $\n",
        b"WAT\n",
        b"\n",
        b"MPUB $\n",
        b"AUTH x\n",
        b"RDY x\n",
    ] {
        let decoded = CommandDecoder::new(LIMITS).decode(buf, &mut closed());
        assert_eq!(decoded, Err(ClientError::wrong_state(Verb::Sub).into()));
    }
}

#[test]
fn a_session_is_not_asked_about_half_a_line() {
    assert_eq!(asked(b"SUB t c"), []);
    assert_eq!(asked(b"SUB t c\r"), []);
}

#[test]
fn a_session_is_told_the_verb_and_the_word_it_was_read_from() {
    assert_eq!(
        asked(b"SUB t c\n"),
        [Asked::Admit(Some(Verb::Sub), b"SUB".to_vec())]
    );
    assert_eq!(asked(b"w\xffat x\n"), [Asked::Admit(None, b"w\xffat".to_vec())]);
    assert_eq!(asked(b"\n"), [Asked::Admit(None, b"".to_vec())]);
}

#[test]
fn a_multi_publish_is_admitted_before_a_byte_of_its_body_is_there() {
    let admit = || Asked::Admit(Some(Verb::Mpub), b"MPUB".to_vec());
    assert_eq!(asked(b"MPUB t\n"), [admit(), Asked::Mpub("t".into())]);
    assert_eq!(asked(b"MPUB $\n"), [admit()]);
    let mut session = Doorkeeper {
        admit: Ok(Admit::Proceed),
        admit_mpub: Err(ClientError::auth_first(Verb::Mpub)),
    };
    let decoded = CommandDecoder::new(LIMITS).decode(b"MPUB t\n\0\0\0\0", &mut session);
    assert_eq!(decoded, Err(ClientError::auth_first(Verb::Mpub).into()));
}

#[test]
fn a_postponed_multi_publish_is_decoded_anew_from_its_first_byte() {
    let mut session = Doorkeeper {
        admit: Ok(Admit::Proceed),
        admit_mpub: Ok(AdmitMpub::Postpone),
    };
    let bytes = b"MPUB t\n\0\0\0\x0a\0\0\0\x01\0\0\0\x02hi";
    let mut decoder = CommandDecoder::new(LIMITS);
    assert_eq!(
        decoder.decode(b"MPUB", &mut session),
        Ok(Decoded::NeedMore { total: 5 })
    );
    for _ in 0..2 {
        assert_eq!(decoder.decode(bytes, &mut session), Ok(Decoded::Postponed));
        assert_eq!(decoder.stalled(), None);
    }
    session.admit_mpub = Ok(AdmitMpub::Proceed);
    assert!(matches!(
        decoder.decode(bytes, &mut session),
        Ok(Decoded::Command { consumed, .. }) if consumed == bytes.len()
    ));
}

#[test]
fn an_ignored_command_is_skipped_with_its_parameters_unseen() {
    let mut session = Doorkeeper {
        admit: Ok(Admit::Ignore),
        admit_mpub: Ok(AdmitMpub::Proceed),
    };
    let decoded = CommandDecoder::new(LIMITS).decode(b"RDY nonsense\nNOP\n", &mut session);
    assert_eq!(decoded, Ok(Decoded::Ignored { consumed: 13 }));
}

#[test]
fn a_session_is_asked_once_however_often_more_bytes_come() {
    let mut session = Session::default();
    let mut decoder = CommandDecoder::new(LIMITS);
    let bytes = b"MPUB t\n\0\0\0\x0a\0\0\0\x01\0\0\0\x02hi";
    for len in 0..bytes.len() {
        let decoded = decoder.decode(&bytes[..len], &mut session);
        assert!(
            matches!(decoded, Ok(Decoded::NeedMore { .. })),
            "{len} bytes gave {decoded:?}"
        );
    }
    assert!(matches!(
        decoder.decode(bytes, &mut session),
        Ok(Decoded::Command { .. })
    ));
    let once = [
        Asked::Admit(Some(Verb::Mpub), b"MPUB".to_vec()),
        Asked::Mpub("t".into()),
    ];
    assert_eq!(session.asked, once);
}
