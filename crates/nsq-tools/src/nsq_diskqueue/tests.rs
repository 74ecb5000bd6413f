//! Directories that the original has written, whole and damaged.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::*;

fn fixture(name: &str) -> PathBuf {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/go-data");
    Path::new(fixtures).join(name)
}

/// A copy of a fixture that may be damaged.
fn copy(name: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixture(name)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), directory.path().join(entry.file_name())).unwrap();
    }
    directory
}

/// Every file of a directory with its content.
fn content(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// What a command prints, and whether everything is whole.
fn run(command: &str, directory: &Path) -> Result<(String, bool), Exit> {
    let args = ["nsq_diskqueue"].into_iter().chain(command.split_whitespace());
    let path = format!("--data-path={}", directory.display());
    let options = Options::load(args.chain([path.as_str()]).map(Into::into))?;
    let mut out = Vec::new();
    let is_whole = work(&options, &mut out)?;
    Ok((String::from_utf8_lossy(&out).into_owned(), is_whole))
}

fn lines(command: &str, directory: &Path) -> Vec<String> {
    let (text, _) = run(command, directory).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn what_the_original_has_left_is_listed_and_whole() {
    let listed = lines("list", &fixture("memory"));
    let words: Vec<Vec<&str>> = listed
        .iter()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(words[0], ["TOPIC", "CHANNEL", "DEPTH", "FILES", "BYTES"]);
    assert_eq!(words[4], ["t", "c", "3", "1", "93"]);
    let (text, is_whole) = run("verify", &fixture("disk_rolled")).unwrap();
    assert_eq!(text, "ok       t: 40 messages, 6 files, 3200 bytes\n");
    assert!(is_whole);
}

#[test]
fn messages_are_exported_as_lines_json_or_raw() {
    let memory = fixture("memory");
    assert_eq!(lines("export --topic=t --channel=c", &memory), ["1", "2", "3"]);
    let (raw, _) = run("export --topic=u --format=raw", &memory).unwrap();
    assert_eq!(raw, "\0\0\0\u{1}a\0\0\0\u{1}b");
    let json = lines(
        "export --topic=t --channel=c --format=json",
        &fixture("in_flight_and_deferred"),
    );
    assert_eq!(
        json[1],
        r#"{"id":"18a21e0856269001","timestamp":1795194978071671707,"attempts":1,"body":"3"}"#
    );
    let error = run("export --topic=nope", &memory).unwrap_err();
    assert_eq!(error, Exit::Dated("there is no queue nope".to_owned()));
}

#[test]
fn damage_is_told_and_nothing_is_touched() {
    let directory = copy("disk_rolled");
    let path = directory.path().join("t.diskqueue.000002.dat");
    let mut bytes = fs::read(&path).unwrap();
    // The length of its second record.
    bytes[80..84].copy_from_slice(&[0, 0, 7, 7]);
    fs::write(&path, bytes).unwrap();
    let before = content(directory.path());

    let (text, is_whole) = run("verify", directory.path()).unwrap();
    assert!(!is_whole);
    assert!(
        text.starts_with("damaged  t: 39 messages, 6 files, 3200 bytes\n"),
        "{text}"
    );
    assert!(text.contains("skipping 80-160 of "), "{text}");
    assert!(!text.contains("saving"), "{text}");
    assert_eq!(lines("export --topic=t", directory.path()).len(), 39);
    assert_eq!(content(directory.path()), before);
}

#[test]
fn what_can_be_read_is_salvaged() {
    let directory = copy("disk_rolled");
    fs::write(directory.path().join("t.diskqueue.meta.dat"), "noise").unwrap();
    fs::write(directory.path().join("nsqd.dat"), r#"{"topics":[{"na"#).unwrap();
    fs::remove_file(directory.path().join("t.diskqueue.000001.dat")).unwrap();
    let before = content(directory.path());

    let to = tempfile::tempdir().unwrap();
    let new = to.path().join("new");
    let command = format!("salvage --output={}", new.display());
    let (text, is_whole) = run(&command, directory.path()).unwrap();
    assert!(!is_whole);
    assert!(text.contains("nsqd.dat cannot be read"), "{text}");
    assert_eq!(content(directory.path()), before);

    let all = lines("export --topic=t", directory.path());
    assert_eq!(lines("export --topic=t", &new), all);
    let (text, is_whole) = run("verify", &new).unwrap();
    assert!(is_whole, "{text}");
    let metadata = fs::read_to_string(new.join("nsqd.dat")).unwrap();
    assert!(
        metadata.contains(r#"{"channels":[],"name":"t","paused":false}"#),
        "{metadata}"
    );

    let error = run(&command, directory.path()).unwrap_err();
    let there = format!("mkdir {}: file exists", new.display());
    assert_eq!(error, Exit::Dated(there));
}

#[test]
fn a_directory_in_use_is_looked_at_only_if_that_is_asked_for() {
    let directory = copy("memory");
    let nsqd = fs::File::open(directory.path()).unwrap();
    flock(&nsqd, FlockOperation::NonBlockingLockExclusive).unwrap();
    let Err(Exit::Dated(line)) = run("list", directory.path()) else {
        panic!("it is in use");
    };
    assert!(line.contains("in use by an nsqd?"), "{line}");
    assert_eq!(lines("list --live", directory.path()).len(), 7);
}

#[test]
fn queues_that_no_nsqd_would_open_are_told() {
    let directory = copy("memory");
    fs::write(directory.path().join("nsqd.dat"), r#"{"topics":[{"name":"t"}]}"#).unwrap();
    let told = lines("verify --topic=t --channel=c", directory.path());
    assert_eq!(
        told,
        [
            "ok       t:c: 3 messages, 1 files, 93 bytes",
            "         not in nsqd.dat: no nsqd opens it",
        ]
    );
}

#[test]
fn what_is_kept_beside_the_data_files_is_listed_exported_and_salvaged() {
    use nsq_diskqueue::{DiskQueue, FsStorage, RecordBatch};
    use std::sync::Arc;

    let message = |id: u8| {
        [
            &[0x18; 8][..],
            &[0, 0],
            format!("{id:016x}").as_bytes(),
            &[b'0' + id],
        ]
        .concat()
    };
    let directory = tempfile::tempdir().unwrap();
    let options = nsq_diskqueue::Options {
        record_len_min: 26,
        ..nsq_diskqueue::Options::new(directory.path(), "t:c")
    };
    let mut queue = DiskQueue::open(Arc::new(FsStorage), options).unwrap();
    let mut batch = RecordBatch::new();
    for id in 0..3 {
        batch.push(&[&message(id)]);
    }
    queue.append(&batch).unwrap();
    // One that holds back the others, and two that are deferred, when a crash comes.
    let records = queue.read(1000).unwrap();
    queue.consume(&[records[1].ticket]).unwrap();
    queue.put_aside(0).unwrap();
    queue.defer(&[(5, message(3)), (7, message(4))]).unwrap();
    queue.sync().unwrap();
    drop(queue);
    let before = content(directory.path());

    assert!(lines("list", directory.path())[1].contains(" 4 "));
    let mut exported = lines("export --topic=t --channel=c", directory.path());
    exported.sort();
    assert_eq!(exported, ["0", "2", "3", "4"]);
    let json = lines("export --topic=t --channel=c --format=json", directory.path());
    assert!(json[3].contains(r#""deferred_until":7"#), "{json:?}");
    assert_eq!(content(directory.path()), before);

    let to = tempfile::tempdir().unwrap();
    let new = to.path().join("new");
    run(&format!("salvage --output={}", new.display()), directory.path()).unwrap();
    let mut salvaged = lines("export --topic=t --channel=c --format=json", &new);
    salvaged.sort();
    assert_eq!(salvaged.len(), 4);
    assert!(salvaged[3].contains(r#""deferred_until":7"#), "{salvaged:?}");
}
