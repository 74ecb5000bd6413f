//! Bytes in and bytes out: what parsing a command and encoding a message cost.
#![expect(
    missing_docs,
    reason = "the macros of criterion make undocumented public functions"
)]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up fails")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nsq_protocol::client_error::ClientError;
use nsq_protocol::command::{
    Admission, Admit, AdmitMpub, Command, CommandDecoder, Decoded, Limits, Verb, encode_fin, encode_mpub,
    encode_pub,
};
use nsq_protocol::frame::put_message_header;
use nsq_protocol::message::{MessageHeader, MessageId};
use nsq_protocol::name::TopicRef;

const COMMANDS: usize = 1_000;
const BODY: [u8; 200] = [b'x'; 200];
const ID: MessageId = MessageId::new(*b"18a20c92f3c07000");

/// A session that accepts every command.
struct Anything;

impl Admission for Anything {
    fn admit(&mut self, _: Option<Verb>, _: &[u8]) -> Result<Admit, ClientError> {
        Ok(Admit::Proceed)
    }

    fn admit_mpub(&mut self, _: TopicRef<'_>) -> Result<AdmitMpub, ClientError> {
        Ok(AdmitMpub::Proceed)
    }
}

/// Decodes all of `buf` and returns how many messages and ids were in it.
fn decode_all(buf: &[u8]) -> usize {
    let mut decoder = CommandDecoder::new(Limits::default());
    let (mut rest, mut seen) = (buf, 0);
    while let Ok(Decoded::Command { command, consumed }) = decoder.decode(rest, &mut Anything) {
        seen += match command {
            Command::Mpub { bodies, .. } => bodies.iter().map(<[u8]>::len).count(),
            _ => 1,
        };
        rest = rest.get(consumed..).unwrap_or_default();
    }
    seen
}

fn parse(c: &mut Criterion) {
    let topic = TopicRef::parse(b"orders").unwrap();
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Elements(COMMANDS as u64));

    let (mut pubs, mut fins, mut mpub) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..COMMANDS {
        encode_fin(&mut fins, ID);
        encode_pub(&mut pubs, topic, &BODY).unwrap();
    }
    encode_mpub(&mut mpub, topic, &vec![BODY; COMMANDS]).unwrap();
    for (name, bytes) in [("pub", &pubs), ("fin", &fins), ("mpub", &mpub)] {
        assert_eq!(decode_all(bytes), COMMANDS, "{name} is decoded whole");
        group.bench_function(name, |b| b.iter(|| decode_all(black_box(bytes))));
    }
    group.finish();
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(COMMANDS as u64));
    let header = MessageHeader {
        timestamp_ns: 1,
        attempts: 1,
        id: ID,
    };
    let mut buf = Vec::new();
    group.bench_function("message", |b| {
        b.iter(|| {
            buf.clear();
            for _ in 0..COMMANDS {
                put_message_header(&mut buf, BODY.len(), black_box(&header));
                buf.extend_from_slice(black_box(&BODY));
            }
            buf.len()
        });
    });
    group.finish();
}

fn names(c: &mut Criterion) {
    c.bench_function("name/parse", |b| {
        b.iter(|| TopicRef::parse(black_box(b"orders.created-v2")).is_ok());
    });
}

criterion_group!(benches, parse, encode, names);
criterion_main!(benches);
