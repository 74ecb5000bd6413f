//! The records that a queue keeps beside its data files, in whatever row of entries: those that are kept and not done are
//! there, once each, and what stands behind the first entry that is damaged is not.
//!
//! An entry of the input is its kind, its ticket, its origin and the length of its record, a byte each, and the record.
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use nsq_diskqueue::{DiskQueue, Options};
use nsq_testkit::storage::MemStorage;

/// Where reading goes on: what was kept aside lay before it.
const FILE: u8 = 5;
const KEPT: u8 = 1;
const DONE: u8 = 2;
const DEFERRED: u8 = 3;

/// Tickets of deferred records are never those of others.
fn ticket(kind: u8, number: u8) -> u64 {
    let is_deferred = match kind {
        DONE => number >= 128,
        kind => kind == DEFERRED,
    };
    u64::from(number % 128) + if is_deferred { 1 << 46 } else { 0 }
}

fn entry(kind: u8, ticket: u64, origin: u8, record: &[u8]) -> Vec<u8> {
    let fields = [
        &[kind][..],
        &ticket.to_be_bytes(),
        &u64::from(origin).to_be_bytes(),
        &[0; 8],
        record,
    ]
    .concat();
    let len = u32::try_from(fields.len()).expect("it is short");
    [
        &len.to_be_bytes()[..],
        &crc32fast::hash(&fields).to_be_bytes(),
        &fields,
    ]
    .concat()
}

fn read(storage: &MemStorage) -> Vec<Vec<u8>> {
    let mut queue =
        DiskQueue::open(Arc::new(storage.clone()), Options::new("/d", "t")).expect("nothing fails here");
    let depth = queue.depth();
    let mut read = Vec::new();
    loop {
        let records = queue.read(1000).expect("nothing fails here");
        if records.is_empty() {
            break;
        }
        read.extend(records.into_iter().map(|record| record.data.to_vec()));
        assert!(read.len() as u64 <= depth, "gives more than there is");
    }
    let left = queue.take_left_deferred();
    let tickets: Vec<_> = left.into_iter().map(|(ticket, _)| ticket).collect();
    let deferred = queue.read_deferred(&tickets).expect("nothing fails here");
    assert_eq!(deferred.len(), tickets.len(), "they are far from a mebibyte");
    read.extend(
        deferred
            .into_iter()
            .map(|record| record.expect("it is there").to_vec()),
    );
    assert_eq!(read.len() as u64, depth);
    read.sort();
    read
}

fuzz_target!(|input: &[u8]| {
    let mut file = Vec::new();
    let mut live = BTreeMap::new();
    let mut rest = input;
    while let [kind, number, origin, len, behind @ ..] = rest {
        let Some((record, behind)) = behind.split_at_checked(usize::from(*len)) else {
            break;
        };
        let kind = kind % 5;
        let ticket = ticket(kind, *number);
        file.extend(entry(kind, ticket, *origin, record));
        match kind {
            DONE => drop(live.remove(&ticket)),
            KEPT if *origin < FILE => drop(live.insert(ticket, record.to_vec())),
            DEFERRED => drop(live.insert(ticket, record.to_vec())),
            _ => {}
        }
        rest = behind;
    }
    // What is left of the input is an entry that was torn, or noise.
    file.extend_from_slice(rest);

    let storage = MemStorage::new();
    storage.put("/d/t.diskqueue.meta.dat", format!("0\n{FILE},0\n{FILE},0\n"));
    storage.put("/d/t.diskqueue.aside.dat", file);
    let mut kept: Vec<_> = live.into_values().collect();
    kept.sort();
    assert_eq!(read(&storage), kept);
    // Nothing was consumed.
    assert_eq!(read(&storage), kept);
});
