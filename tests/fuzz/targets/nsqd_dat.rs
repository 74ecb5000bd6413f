//! `nsqd.dat`: what is read of it is written and read again, without what is ephemeral.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsqd::metadata::Metadata;

fuzz_target!(|bytes: &[u8]| {
    let Ok(loaded) = Metadata::parse(bytes) else {
        return;
    };
    let mut lasting = loaded.metadata;
    lasting.topics.retain(|topic| !topic.name.is_ephemeral());
    for topic in &mut lasting.topics {
        topic.channels.retain(|channel| !channel.name.is_ephemeral());
    }
    let again = Metadata::parse(&lasting.to_bytes()).expect("it was just written");
    assert_eq!(again.metadata, lasting);
    assert!(again.skipped.is_empty());
});
