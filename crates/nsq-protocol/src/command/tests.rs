use super::*;

mod admission;
mod errors;
mod mpub;
mod pieces;
mod valid;

/// Small enough to exceed in a test.
const LIMITS: Limits = Limits {
    max_msg_size: 100,
    max_body_size: 200,
    max_rdy_count: 2500,
    max_req_timeout_ms: 3_600_000,
};

/// A session that allows everything and writes down what it was asked.
#[derive(Debug, Default, PartialEq, Eq)]
struct Session {
    asked: Vec<Asked>,
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Admit(Option<Verb>, Vec<u8>),
    Mpub(String),
}

impl Admission for Session {
    fn admit(&mut self, verb: Option<Verb>, name: &[u8]) -> Result<Admit, ClientError> {
        self.asked.push(Asked::Admit(verb, name.to_vec()));
        Ok(Admit::Proceed)
    }

    fn admit_mpub(&mut self, topic: TopicRef<'_>) -> Result<AdmitMpub, ClientError> {
        self.asked.push(Asked::Mpub(topic.to_string()));
        Ok(AdmitMpub::Proceed)
    }
}

/// Decodes the command at the front of `buf`.
fn decode(buf: &[u8]) -> Result<Decoded<'_>, DecodeError> {
    CommandDecoder::new(LIMITS).decode(buf, &mut Session::default())
}

/// The error that `buf` is answered with, which must be all the client gets.
fn refusal(buf: &[u8]) -> ClientError {
    match decode(buf) {
        Err(DecodeError::Client(error)) => error,
        other => panic!("{} gave {other:?}", buf.escape_ascii()),
    }
}

/// What is sent if nothing follows on `buf`.
fn stall(buf: &[u8]) -> Option<ClientError> {
    let mut decoder = CommandDecoder::new(LIMITS);
    let decoded = decoder.decode(buf, &mut Session::default());
    assert!(
        matches!(decoded, Ok(Decoded::NeedMore { .. })),
        "{} gave {decoded:?}",
        buf.escape_ascii()
    );
    decoder.stalled()
}

/// A command line followed by a size and that many bytes, or fewer.
fn with_body(line: &str, size: i32, body: &[u8]) -> Vec<u8> {
    [line.as_bytes(), &size.to_be_bytes(), body].concat()
}

fn topic(name: &str) -> TopicRef<'_> {
    TopicRef::parse(name.as_bytes()).unwrap()
}

fn channel(name: &str) -> ChannelRef<'_> {
    ChannelRef::parse(name.as_bytes()).unwrap()
}
