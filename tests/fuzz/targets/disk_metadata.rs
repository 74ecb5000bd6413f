//! Whatever is in the metadata file of a queue whose data is intact: what it hands out is a row of records up to the last
//! one, and all of them if the metadata says nothing.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use nsq_diskqueue::{DiskQueue, Options, RecordBatch};
use nsq_protocol::message::MessageHeader;
use nsq_testkit::storage::MemStorage;

const COUNT: usize = 7;

fn options() -> Options {
    let mut options = Options::new("/d", "t");
    options.record_len_min = 26;
    options.max_bytes_per_file = 100;
    options.plausible = MessageHeader::is_plausible;
    options
}

fn record(number: usize) -> Vec<u8> {
    let id = format!("0123456789abcde{number}");
    [b"\x18\xe9\xcc\xf7\x68\x33\xed\xc5\0\x01", id.as_bytes(), b"body"].concat()
}

fn read(storage: &MemStorage) -> Vec<Vec<u8>> {
    let mut queue = DiskQueue::open(Arc::new(storage.clone()), options()).expect("nothing fails here");
    let mut read = Vec::new();
    loop {
        let records = queue.read(1000).expect("nothing fails here");
        if records.is_empty() {
            break;
        }
        read.extend(records.into_iter().map(|record| record.data.to_vec()));
        assert!(read.len() <= COUNT, "gives more than there is");
    }
    assert_eq!(queue.depth(), read.len() as u64);
    queue.advance(read.len() as u64).expect("nothing fails here");
    queue.close().expect("nothing fails here");
    read
}

fuzz_target!(|metadata: &[u8]| {
    let storage = MemStorage::new();
    let mut queue = DiskQueue::open(Arc::new(storage.clone()), options()).expect("nothing fails here");
    let mut batch = RecordBatch::new();
    let all: Vec<_> = (0..COUNT).map(record).collect();
    for record in &all {
        batch.push(&[record]);
    }
    queue.append(&batch).expect("nothing fails here");
    queue.close().expect("nothing fails here");

    storage.put("/d/t.diskqueue.meta.dat", metadata);
    let read_now = read(&storage);
    assert!(all.ends_with(&read_now), "{} of them", read_now.len());
    if metadata.iter().filter(|byte| **byte == b',').count() < 2 {
        assert_eq!(
            read_now.len(),
            COUNT,
            "metadata that says nothing hides something"
        );
    }
    // Whatever it was, the one that replaced it is right.
    assert_eq!(read(&storage), Vec::<Vec<u8>>::new());
});
