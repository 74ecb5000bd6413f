//! Damage costs the records that it touches and no other.

use crate::support::*;
use nsq_diskqueue::{Options, RecordBatch};
use nsq_testkit::storage::{Loss, MemStorage};
use proptest::collection::vec;
use proptest::prelude::*;
use std::ops::Range;

const BAD: &str = "/data/q.diskqueue.000000.dat.bad";

/// A data file of messages with the given bodies, and where each message is.
fn file_of(bodies: &[Vec<u8>]) -> (Vec<u8>, Vec<Range<usize>>) {
    let mut content = Vec::new();
    let places = (0..).zip(bodies).map(|(number, body)| {
        let start = content.len();
        content.extend_from_slice(&framed(number, body));
        start..content.len()
    });
    let places = places.collect();
    (content, places)
}

/// A queue whose files are `content` and two good records in the next.
fn storage_with(content: &[u8], depth: usize) -> MemStorage {
    let storage = MemStorage::new();
    storage.put(META, format!("{}\n0,0\n1,66\n", depth + 2));
    storage.put(data(0), content);
    storage.put(data(1), records(70..72));
    storage
}

fn read_all(storage: &MemStorage, block_len: usize) -> Vec<Vec<u8>> {
    let mut queue = open(storage);
    let mut messages = Vec::new();
    loop {
        let records = queue.read(block_len).unwrap();
        if records.is_empty() {
            break;
        }
        messages.extend(records.iter().map(|record| record.data.to_vec()));
        queue.advance(records.len() as u64).unwrap();
    }
    assert_eq!(queue.depth(), 0);
    queue.close().unwrap();
    messages
}

/// Checks that all messages outside `touched` are delivered, in order, and not more than one for each other.
#[track_caller]
fn check_delivered(delivered: &[Vec<u8>], bodies: &[Vec<u8>], touched: impl Fn(usize) -> bool) {
    let mut expected: Vec<_> = (0..)
        .zip(bodies)
        .map(|(number, body)| message(number, body))
        .collect();
    expected.extend([message(70, b"r70"), message(71, b"r71")]);
    let mut delivered = delivered.iter().peekable();
    for (number, message) in expected.iter().enumerate() {
        if number < bodies.len() && touched(number) {
            delivered.next_if(|next| !expected[number + 1..].contains(next));
        } else {
            assert_eq!(delivered.next(), Some(message), "message {number}");
        }
    }
    assert_eq!(delivered.next(), None);
}

fn small_bodies() -> Vec<Vec<u8>> {
    (0..6)
        .map(|number| format!("r{number:02}").into_bytes())
        .collect()
}

#[test]
fn any_single_flipped_bit_costs_at_most_its_record() {
    let bodies = small_bodies();
    let (content, places) = file_of(&bodies);
    for bit in 0..content.len() * 8 {
        let mut damaged = content.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let storage = storage_with(&damaged, bodies.len());
        check_delivered(&read_all(&storage, 100), &bodies, |number| {
            places[number].contains(&(bit / 8))
        });
    }
}

#[test]
fn any_zeroed_part_costs_at_most_its_records() {
    let bodies = small_bodies();
    let (content, places) = file_of(&bodies);
    for start in 0..content.len() {
        for end in (start + 1..=content.len()).step_by(3) {
            let mut damaged = content.clone();
            damaged[start..end].fill(0);
            let storage = storage_with(&damaged, bodies.len());
            check_delivered(&read_all(&storage, 1000), &bodies, |number| {
                places[number].start < end && start < places[number].end
            });
        }
    }
}

#[test]
fn any_missing_part_costs_at_most_its_records() {
    let bodies = small_bodies();
    let (content, places) = file_of(&bodies);
    for start in 0..content.len() {
        for end in start + 1..=content.len() {
            let mut damaged = content.clone();
            damaged.drain(start..end);
            let storage = storage_with(&damaged, bodies.len());
            check_delivered(&read_all(&storage, 1000), &bodies, |number| {
                places[number].start < end && start < places[number].end
            });
        }
    }
}

#[test]
fn any_doubled_part_costs_at_most_the_record_around_it() {
    let bodies = small_bodies();
    let (content, places) = file_of(&bodies);
    for start in 0..content.len() {
        // Shorter than a record, so that no whole one is doubled.
        for len in 1..20.min(content.len() - start) {
            let end = start + len;
            let mut damaged = content[..end].to_vec();
            damaged.extend_from_slice(&content[start..]);
            let storage = storage_with(&damaged, bodies.len());
            check_delivered(&read_all(&storage, 1000), &bodies, |number| {
                places[number].start < end && start < places[number].end
            });
        }
    }
}

proptest! {
    #[test]
    fn noise_costs_at_most_its_records(
        bodies in vec(vec(any::<u8>(), 0..200), 1..12),
        noise in vec(any::<u8>(), 1..300),
        at in any::<prop::sample::Index>(),
        block_len in 1_usize..600,
    ) {
        let (content, places) = file_of(&bodies);
        let start = at.index(content.len());
        let mut damaged = content;
        let end = damaged.len().min(start + noise.len());
        damaged[start..end].copy_from_slice(&noise[..end - start]);
        let storage = storage_with(&damaged, bodies.len());
        check_delivered(&read_all(&storage, block_len), &bodies, |number| {
            places[number].start < end && start < places[number].end
        });
    }

    #[test]
    fn the_length_of_a_block_changes_nothing(
        bodies in vec(vec(any::<u8>(), 0..100), 1..12),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        block_len in 1_usize..600,
    ) {
        let (mut content, _) = file_of(&bodies);
        for (at, byte) in damage {
            let at = at.index(content.len());
            content[at] = byte;
        }
        let storage = storage_with(&content, bodies.len());
        let other = storage_with(&content, bodies.len());
        prop_assert_eq!(read_all(&storage, block_len), read_all(&other, 100_000));
        prop_assert_eq!(storage.names(), other.names());
    }

    #[test]
    fn counting_finds_as_many_records_as_reading(
        bodies in vec(vec(any::<u8>(), 0..100), 1..12),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let (mut content, _) = file_of(&bodies);
        for (at, byte) in damage {
            let at = at.index(content.len());
            content[at] = byte;
        }
        let storage = MemStorage::new();
        storage.put(data(0), content);
        let mut queue = open(&storage);
        let depth = queue.depth();
        let delivered = drain(&mut queue).len() as u64;
        prop_assert!(depth == delivered || (depth, delivered) == (1, 0), "counted {depth}, read {delivered}");
    }

    #[test]
    fn arbitrary_files_and_metadata_are_survived(
        files in vec(vec(any::<u8>(), 0..200), 0..3),
        meta in prop_oneof![
            vec(any::<u8>(), 0..40),
            "-?[0-9]{1,3}\n[0-3],[0-9]{1,3}\n[0-3],[0-9]{1,3}\n".prop_map(String::into_bytes),
        ],
    ) {
        let storage = MemStorage::new();
        storage.put(META, meta);
        for (number, content) in (0..).zip(files) {
            storage.put(data(number), content);
        }
        let mut queue = open_with(&storage, Options { record_len_min: 1, plausible: |_| true, ..options() });
        while !queue.read(100).unwrap().is_empty() {}
        queue.advance(queue.handed_out()).unwrap();
        queue.append(&batch(0..2)).unwrap();
        prop_assert_eq!(drain(&mut queue), bodies(0..2));
    }
}

#[test]
fn messages_that_contain_records_are_not_taken_apart() {
    let inner = records(50..55);
    let bodies = vec![
        b"first".to_vec(),
        inner.clone(),
        [&b"x"[..], &inner, b"y"].concat(),
        b"last".to_vec(),
    ];
    let (content, _) = file_of(&bodies);
    let storage = storage_with(&content, bodies.len());
    check_delivered(&read_all(&storage, 100), &bodies, |_| false);
}

#[test]
fn a_message_that_contains_records_is_kept_when_damage_follows_it() {
    let bodies = vec![
        b"first".to_vec(),
        [&records(50..53)[..], b"y"].concat(),
        b"damaged".to_vec(),
        b"last".to_vec(),
    ];
    let (mut content, places) = file_of(&bodies);
    content[places[2].clone()].fill(0);
    let storage = storage_with(&content, bodies.len());
    check_delivered(&read_all(&storage, 1000), &bodies, |number| number == 2);
}

#[test]
fn records_that_are_no_messages_are_delivered_if_their_lengths_fit() {
    let storage = MemStorage::new();
    let options = Options {
        plausible: |_| false,
        ..options()
    };
    let mut queue = open_with(&storage, options.clone());
    let mut batch = RecordBatch::new();
    for number in 0..20_u8 {
        batch.push(&[&vec![number; 26 + usize::from(number)]]);
    }
    queue.append(&batch).unwrap();
    queue.close().unwrap();
    let mut queue = open_with(&storage, options);
    for number in 0..20_u8 {
        assert_eq!(
            queue.read(1).unwrap()[0].data,
            vec![number; 26 + usize::from(number)]
        );
    }
    assert!(log(&mut queue).is_empty());
}

#[test]
fn what_is_set_aside_never_replaces_what_was_set_aside_before() {
    let mut content = records(0..6);
    content[33..66].fill(0);
    content[99..132].fill(b'!');
    let storage = storage_with(&content, 6);
    storage.put(BAD, "from an earlier accident");
    assert_eq!(read_all(&storage, 50).len(), 6);
    assert_eq!(storage.content(BAD).unwrap(), b"from an earlier accident");
    assert_eq!(storage.content(format!("{BAD}.33")).unwrap(), [0; 33]);
    assert_eq!(storage.content(format!("{BAD}.99")).unwrap(), [b'!'; 33]);
}

#[test]
fn damage_met_again_after_a_crash_is_set_aside_once() {
    let mut content = records(0..4);
    content[33..66].fill(0);
    let storage = storage_with(&content, 4);
    for _ in 0..3 {
        let mut queue = open(&storage);
        assert_eq!(queue.read(1000).unwrap().len(), 1);
        assert_eq!(queue.read(1000).unwrap().len(), 2);
        assert_eq!(storage.content(BAD).unwrap(), [0; 33]);
        assert!(storage.content(format!("{BAD}.33")).is_none());
    }
}

#[test]
fn the_committed_position_passes_damage_only_with_the_records_before_it() {
    let mut content = records(0..4);
    content[33..66].fill(0);
    let storage = storage_with(&content, 3);
    let mut queue = open(&storage);
    queue.read(1000).unwrap();
    queue.read(1000).unwrap();
    queue.sync().unwrap();
    assert_eq!(meta(&storage), "5\n0,0\n1,66\n");
    queue.advance(1).unwrap();
    queue.sync().unwrap();
    assert_eq!(meta(&storage), "4\n0,66\n1,66\n");
}

#[test]
fn a_wrong_length_does_not_come_true_by_what_is_appended() {
    // It says that its record ends where one more record behind the next good one will.
    let wrong = [&95_u32.to_be_bytes()[..], &[b'x'; 29]].concat();
    let content = [records(0..1), wrong, records(1..2)].concat();
    let storage = MemStorage::new();
    storage.put(META, format!("3\n0,0\n0,{}\n", content.len()));
    storage.put(data(0), content);
    let mut queue = open(&storage);
    for _ in 0..2 {
        assert_eq!(queue.read(1000).unwrap().len(), 1);
    }
    queue.append(&batch([90])).unwrap();
    let killed = storage.image(Loss::Nothing);
    assert_eq!(drain(&mut open(&killed)), bodies([0, 1, 90]));
}
