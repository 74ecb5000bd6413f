//! Data directories that the original has written.

use crate::support::{HEADER_LEN, is_message_head};
use nsq_diskqueue::{DiskQueue, FsStorage, Options};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn fixture(name: &str) -> tempfile::TempDir {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/go-data")
        .join(name);
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(source).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn open(directory: &Path, name: &str) -> DiskQueue {
    let options = Options {
        max_bytes_per_file: 600,
        record_len_min: 26,
        record_len_max: 26 + 1024 * 1024,
        plausible: is_message_head,
        ..Options::new(directory, name)
    };
    DiskQueue::open(Arc::new(FsStorage), options).unwrap()
}

/// Attempts and body of each record.
fn drain(queue: &mut DiskQueue) -> Vec<(u8, String)> {
    let mut messages = Vec::new();
    while queue.unread() > 0 {
        let records = queue.read(1000).unwrap();
        for record in &records {
            let body = String::from_utf8(record.data[HEADER_LEN..].to_vec()).unwrap();
            messages.push((record.data[9], body));
        }
        queue.advance(records.len() as u64).unwrap();
    }
    messages
}

fn untouched(bodies: &[&str]) -> Vec<(u8, String)> {
    bodies.iter().map(|body| (0, (*body).to_owned())).collect()
}

#[test]
fn messages_from_memory_are_all_there() {
    let directory = fixture("memory");
    for (name, expected) in [
        ("t:c", &["1", "2", "3"][..]),
        ("t:d", &["1", "2", "3"]),
        ("u", &["a", "b"]),
        ("t", &[]),
        ("empty:e", &[]),
    ] {
        let mut queue = open(directory.path(), name);
        assert_eq!(queue.depth(), expected.len() as u64, "{name}");
        assert_eq!(drain(&mut queue), untouched(expected), "{name}");
    }
}

#[test]
fn rolled_files_are_read_in_order_and_removed() {
    let directory = fixture("disk_rolled");
    let mut queue = open(directory.path(), "t");
    assert_eq!(queue.depth(), 40);
    let bodies: Vec<_> = drain(&mut queue).into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies.len(), 40);
    for (number, body) in bodies.iter().enumerate() {
        assert_eq!((body.len(), &body[..3]), (50, format!("{number:03}").as_str()));
    }
    queue.close().unwrap();
    let names: Vec<_> = files(directory.path())
        .into_iter()
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        names,
        ["nsqd.dat", "t.diskqueue.000005.dat", "t.diskqueue.meta.dat"]
    );
    assert_eq!(
        fs::read(directory.path().join("t.diskqueue.meta.dat")).unwrap(),
        b"0\n5,400\n5,400\n"
    );
}

#[test]
fn attempts_of_messages_that_were_in_flight_are_kept() {
    let directory = fixture("in_flight_and_deferred");
    let mut queue = open(directory.path(), "t:c");
    assert_eq!(queue.depth(), 4);
    let mut messages = drain(&mut queue);
    messages.sort();
    let expected =
        [(0, "4"), (0, "late"), (1, "2"), (1, "3")].map(|(attempts, body)| (attempts, body.to_owned()));
    assert_eq!(messages, expected);
}

#[test]
fn opening_and_closing_changes_no_byte() {
    for (name, queues) in [
        ("memory", &["t", "t:c", "t:d", "u", "empty", "empty:e"][..]),
        ("disk_rolled", &["t"]),
        ("in_flight_and_deferred", &["t", "t:c"]),
    ] {
        let directory = fixture(name);
        let before = files(directory.path());
        for queue in queues {
            let mut queue = open(directory.path(), queue);
            assert!(!queue.is_dirty());
            queue.close().unwrap();
        }
        assert_eq!(files(directory.path()), before, "{name}");
    }
}

#[test]
fn the_same_messages_written_by_us_are_the_same_bytes() {
    let original = fixture("disk_rolled");
    let ours = tempfile::tempdir().unwrap();
    let mut source = open(original.path(), "t");
    let mut copy = open(ours.path(), "t");
    let before = files(original.path());
    let mut batch = nsq_diskqueue::RecordBatch::new();
    while source.unread() > 0 {
        for record in source.read(600).unwrap() {
            batch.push(&[&record.data]);
        }
    }
    copy.append(&batch).unwrap();
    copy.close().unwrap();
    let names = |files: &[(PathBuf, Vec<u8>)]| -> Vec<_> {
        files
            .iter()
            .map(|(path, bytes)| (path.file_name().unwrap().to_owned(), bytes.clone()))
            .collect()
    };
    let before: Vec<_> = names(&before)
        .into_iter()
        .filter(|(name, _)| name != "nsqd.dat")
        .collect();
    assert_eq!(names(&files(ours.path())), before);
}
