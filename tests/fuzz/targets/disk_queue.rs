//! Whatever is in the files of a queue: it opens, what it hands out are records that stand in the files, in order, and
//! everything that is not consumed is there again after a restart or a crash.
//!
//! The input is the metadata file and up to three data files, with `~~~~` between them.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use nsq_diskqueue::{DiskQueue, Options, RecordBatch};
use nsq_protocol::message::MessageHeader;
use nsq_testkit::storage::{Loss, MemStorage};

const SEPARATOR: &[u8] = b"~~~~";
const FILES_MAX: usize = 3;

fn parts(mut input: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(at) = input.windows(SEPARATOR.len()).position(|four| four == SEPARATOR) {
        parts.push(&input[..at]);
        input = &input[at + SEPARATOR.len()..];
    }
    parts.push(input);
    parts.truncate(1 + FILES_MAX);
    parts
}

fn storage(parts: &[&[u8]]) -> MemStorage {
    let storage = MemStorage::new();
    for (number, part) in parts.iter().enumerate() {
        match number.checked_sub(1) {
            None if part.is_empty() => {}
            None => storage.put("/d/t.diskqueue.meta.dat", *part),
            Some(number) => storage.put(format!("/d/t.diskqueue.{number:06}.dat"), *part),
        }
    }
    storage
}

fn open(storage: &MemStorage) -> DiskQueue {
    let mut options = Options::new("/d", "t");
    options.record_len_min = 26;
    options.record_len_max = 200;
    options.max_bytes_per_file = 300;
    options.plausible = MessageHeader::is_plausible;
    DiskQueue::open(Arc::new(storage.clone()), options).expect("nothing fails here")
}

/// All that there is to read. `bytes` bounds how often there can be anything.
fn drain(queue: &mut DiskQueue, bytes: usize) -> Vec<Vec<u8>> {
    let mut read = Vec::new();
    for _ in 0..=bytes {
        let records = queue.read(100).expect("nothing fails here");
        if records.is_empty() {
            assert_eq!(queue.unread(), 0, "says that there is more, and gives nothing");
            assert_eq!(queue.handed_out(), read.len() as u64);
            assert_eq!(queue.depth(), read.len() as u64);
            return read;
        }
        read.extend(records.into_iter().map(|record| record.data.to_vec()));
    }
    panic!("reads without end");
}

/// That each record stands in the files, one behind the other.
fn assert_in_files(records: &[Vec<u8>], files: &[&[u8]]) {
    let mut rest = files.to_vec();
    for record in records {
        let frame = [&(record.len() as u32).to_be_bytes(), record.as_slice()].concat();
        loop {
            let file = rest.first_mut().expect("a record that no file has");
            match file.windows(frame.len()).position(|bytes| bytes == frame) {
                Some(at) => break *file = &file[at + frame.len()..],
                None => rest.remove(0),
            };
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let parts = parts(input);
    let before = storage(&parts);
    let mut queue = open(&before);
    let records = drain(&mut queue, input.len());
    assert_in_files(&records, &parts[1..]);
    assert_eq!(drain(&mut open(&storage(&parts)), input.len()), records);

    // Some are consumed, and something new comes.
    let consumed = records.len() / 2;
    queue.advance(consumed as u64).expect("nothing fails here");
    let new = [
        b"\x18\xe9\xcc\xf7\x68\x33\xed\xc5\0\x010123456789abcdef".as_slice(),
        b"new",
    ]
    .concat();
    let mut batch = RecordBatch::new();
    batch.push(&[&new]);
    queue.append(&batch).expect("nothing fails here");
    let left = [&records[consumed..], std::slice::from_ref(&new)].concat();

    // What is no message is a record only because of what stands behind it, and that has changed.
    let messages = |records: &[Vec<u8>]| -> Vec<_> {
        let is_message = |record: &&Vec<u8>| MessageHeader::is_plausible(record);
        records.iter().filter(is_message).cloned().collect()
    };
    let killed = drain(&mut open(&before.image(Loss::Nothing)), input.len() + 100);
    assert!(
        messages(&killed).ends_with(&messages(&left)),
        "{left:?} in {killed:?}"
    );
    let power_lost = before.image(Loss::Random(input.len() as u64));
    let found = messages(&drain(&mut open(&power_lost), input.len() + 100));
    // The new one was not synced: it may be there or not.
    let found = found.strip_suffix(&[new]).unwrap_or(&found);
    let old = messages(&records[consumed..]);
    assert!(found.ends_with(&old), "{old:?} in {found:?}");

    queue.close().expect("nothing fails here");
    let stopped = drain(&mut open(&before), input.len() + 100);
    assert_eq!(messages(&stopped), messages(&left));
});
