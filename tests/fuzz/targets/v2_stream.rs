//! What a V2 client sends: the same commands and errors in whatever pieces it arrives, and each command is decoded
//! from its own encoding again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsq_fuzz::{choice, in_pieces};
use nsq_protocol::client_error::ClientError;
use nsq_protocol::command::{
    Admission, Admit, AdmitMpub, Command, CommandDecoder, Decoded, LINE_LEN_MAX, Limits, Verb,
};
use nsq_protocol::error_code::ErrorCode;
use nsq_protocol::name::TopicRef;

/// Small enough for a fuzzer to reach.
const LIMITS: Limits = Limits {
    max_msg_size: 60,
    max_body_size: 200,
    max_rdy_count: 100,
    max_req_timeout_ms: 5000,
};

/// A session that notes what it is asked.
#[derive(Default)]
struct Session {
    closing: bool,
    /// Each MPUB is postponed when it is first asked about.
    postponed: bool,
    seen: Vec<String>,
}

impl Admission for Session {
    fn admit(&mut self, verb: Option<Verb>, name: &[u8]) -> Result<Admit, ClientError> {
        if !self.postponed {
            self.seen.push(format!("admit {verb:?} {name:?}"));
        }
        match verb {
            None => Err(ClientError::new(ErrorCode::Invalid, name)),
            Some(Verb::Rdy) if self.closing => Ok(Admit::Ignore),
            Some(_) => Ok(Admit::Proceed),
        }
    }

    fn admit_mpub(&mut self, topic: TopicRef<'_>) -> Result<AdmitMpub, ClientError> {
        self.postponed = !self.postponed;
        if self.postponed {
            return Ok(AdmitMpub::Postpone);
        }
        self.seen.push(format!("admit MPUB {topic:?}"));
        Ok(AdmitMpub::Proceed)
    }
}

fn live(stream: &[u8], piece: usize) -> Vec<String> {
    let mut session = Session::default();
    let mut decoder = CommandDecoder::new(LIMITS);
    in_pieces(stream, piece, |buffer| {
        loop {
            return match decoder.decode(buffer, &mut session) {
                Ok(Decoded::NeedMore { total }) => {
                    assert!(total > buffer.len(), "waits for what is there");
                    assert!(total <= LINE_LEN_MAX + 4 + 200, "makes room without a bound");
                    Some(0)
                }
                Ok(Decoded::Postponed) => continue,
                Ok(Decoded::Ignored { consumed }) => {
                    session.seen.push("ignored".to_owned());
                    Some(consumed)
                }
                Ok(Decoded::Command { command, consumed }) => {
                    session.closing |= command == Command::Cls;
                    session.seen.push(format!("{command:?}"));
                    encodes_to_itself(&command);
                    Some(consumed)
                }
                Err(error) => {
                    session.seen.push(format!("{error:?}"));
                    None
                }
            };
        }
    });
    session.seen.push(format!("stalled {:?}", decoder.stalled()));
    session.seen
}

fn encodes_to_itself(command: &Command<'_>) {
    let mut bytes = Vec::new();
    command.encode(&mut bytes).expect("it was decoded");
    let mut session = Session {
        postponed: true,
        ..Session::default()
    };
    let decoded = CommandDecoder::new(LIMITS).decode(&bytes, &mut session);
    let whole = Decoded::Command {
        command: *command,
        consumed: bytes.len(),
    };
    assert_eq!(decoded, Ok(whole));
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, stream)) = choice(input) else {
        return;
    };
    assert_eq!(live(stream, piece % 9), live(stream, stream.len()));
});
