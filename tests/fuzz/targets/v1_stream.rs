//! What nsqd sends to nsqlookupd: the same commands and errors in whatever pieces it arrives, and each command is decoded
//! from its own encoding again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsq_fuzz::{choice, in_pieces};
use nsq_protocol::command::LINE_LEN_MAX;
use nsq_protocol::lookup::{
    IDENTIFY_BODY_LEN_MAX, LookupCommand, LookupDecoded, LookupDecoder, PeerInfo, encode_identify,
    encode_ping, encode_register, encode_unregister,
};

fn live(stream: &[u8], piece: usize) -> Vec<String> {
    let mut seen = Vec::new();
    let mut decoder = LookupDecoder::new();
    in_pieces(stream, piece, |buffer| match decoder.decode(buffer) {
        Ok(LookupDecoded::NeedMore { total }) => {
            assert!(total > buffer.len(), "waits for what is there");
            assert!(
                total <= LINE_LEN_MAX + 4 + IDENTIFY_BODY_LEN_MAX,
                "makes room without a bound"
            );
            Some(0)
        }
        Ok(LookupDecoded::Command { command, consumed }) => {
            seen.push(format!("{command:?}"));
            encodes_to_itself(&command);
            Some(consumed)
        }
        Err(error) => {
            seen.push(format!("{error:?}"));
            None
        }
    });
    seen.push(format!("stalled {:?}", decoder.stalled()));
    seen
}

fn encodes_to_itself(command: &LookupCommand<'_>) {
    let anybody = PeerInfo {
        broadcast_address: "a".to_owned(),
        http_port: 1,
        tcp_port: 1,
        version: "1".to_owned(),
        ..PeerInfo::default()
    };
    let mut bytes = Vec::new();
    let mut decoder = LookupDecoder::new();
    if !matches!(command, LookupCommand::Identify(_)) {
        encode_identify(&mut bytes, &anybody);
        decoder.decode(&bytes).expect("it is valid");
        bytes.clear();
    }
    match command {
        LookupCommand::Ping => encode_ping(&mut bytes),
        LookupCommand::Identify(info) => encode_identify(&mut bytes, info),
        LookupCommand::Register { topic, channel } => encode_register(&mut bytes, *topic, *channel),
        LookupCommand::Unregister { topic, channel } => encode_unregister(&mut bytes, *topic, *channel),
    }
    let whole = LookupDecoded::Command {
        command: command.clone(),
        consumed: bytes.len(),
    };
    assert_eq!(decoder.decode(&bytes), Ok(whole));
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, stream)) = choice(input) else {
        return;
    };
    assert_eq!(live(stream, piece % 9), live(stream, stream.len()));
});
