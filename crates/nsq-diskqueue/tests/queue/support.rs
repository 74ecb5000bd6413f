//! Messages as nsqd stores them, and queues of them on a file system in memory.

use nsq_diskqueue::{DiskQueue, Event, Options, RecordBatch};
use nsq_testkit::storage::MemStorage;
use std::sync::Arc;

pub(crate) const HEADER_LEN: usize = 26;

/// A message with a timestamp, no attempts, an id that depends on `number`, and `body`.
pub(crate) fn message(number: u64, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER_LEN + body.len());
    message.extend_from_slice(&(0x18e9_ccf7_6833_edc5_u64 + number).to_be_bytes());
    message.extend_from_slice(&[0, 0]);
    message.extend_from_slice(format!("{:016x}", 0x18a2_109d_0ce6_9000_u64 + number).as_bytes());
    message.extend_from_slice(body);
    message
}

/// As `message`, behind its length: what a data file holds.
pub(crate) fn framed(number: u64, body: &[u8]) -> Vec<u8> {
    let message = message(number, body);
    [
        &u32::try_from(message.len()).unwrap().to_be_bytes(),
        message.as_slice(),
    ]
    .concat()
}

/// The data file of records whose bodies are `r00` and so on: 33 bytes each.
pub(crate) fn records(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
    numbers
        .into_iter()
        .flat_map(|number| framed(number, format!("r{number:02}").as_bytes()))
        .collect()
}

pub(crate) fn body(message: &[u8]) -> String {
    String::from_utf8_lossy(&message[HEADER_LEN..]).into_owned()
}

/// A timestamp of the years 2001 to 2106 and an id of lower-case hex digits, as nsqd checks.
pub(crate) fn is_message_head(head: &[u8]) -> bool {
    let id = &head[10..HEADER_LEN];
    (0x0d..0x3c).contains(&head[0]) && id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A queue named `q` in `/data`.
pub(crate) fn options() -> Options {
    Options {
        max_bytes_per_file: 1000,
        record_len_min: 26,
        record_len_max: 1026,
        plausible: is_message_head,
        ..Options::new("/data", "q")
    }
}

pub(crate) fn data(number: u64) -> String {
    format!("/data/q.diskqueue.{number:06}.dat")
}

pub(crate) const META: &str = "/data/q.diskqueue.meta.dat";

pub(crate) fn meta(storage: &MemStorage) -> String {
    storage
        .content(META)
        .map_or_else(|| "none".to_owned(), |text| String::from_utf8(text).unwrap())
}

pub(crate) fn open(storage: &MemStorage) -> DiskQueue {
    open_with(storage, options())
}

pub(crate) fn open_with(storage: &MemStorage, options: Options) -> DiskQueue {
    DiskQueue::open(Arc::new(storage.clone()), options).unwrap()
}

/// A batch of messages with the bodies `r<number>`.
pub(crate) fn batch(numbers: impl IntoIterator<Item = u64>) -> RecordBatch {
    let mut batch = RecordBatch::new();
    for number in numbers {
        batch.push(&[&message(number, format!("r{number:02}").as_bytes())]);
    }
    batch
}

/// Bodies `r<number>` as `read` gives them.
pub(crate) fn bodies(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers
        .into_iter()
        .map(|number| format!("r{number:02}"))
        .collect()
}

/// Reads and consumes all there is, in blocks of a few records.
pub(crate) fn drain(queue: &mut DiskQueue) -> Vec<String> {
    let mut drained = Vec::new();
    loop {
        let records = queue.read(100).unwrap();
        assert_eq!(
            records.is_empty(),
            queue.unread() == 0 && records.is_empty(),
            "unread says when to stop"
        );
        if records.is_empty() {
            assert_eq!(queue.unread(), 0);
            return drained;
        }
        drained.extend(records.iter().map(|record| body(&record.data)));
        queue.advance(records.len() as u64).unwrap();
    }
}

/// The log lines since the last call, without those about opening files.
pub(crate) fn log(queue: &mut DiskQueue) -> Vec<String> {
    let opened = |event: &Event| {
        matches!(
            event,
            Event::OpenedForReading { .. } | Event::OpenedForWriting { .. }
        )
    };
    let events = queue.take_events().into_iter().filter(|event| !opened(event));
    events
        .map(|event| event.log_line("q").replace("/data/q.diskqueue.", ""))
        .collect()
}
