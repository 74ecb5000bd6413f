use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::nsq_to_file::name::{Naming, Places};

const SECOND_NS: i64 = 1_000_000_000;
/// 2026-11-20 15:54:29 UTC.
const START_NS: i64 = 1_795_190_069 * SECOND_NS;

/// Files in memory, on a disk that fails when it is told to.
#[derive(Clone, Debug, Default)]
struct TestDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<PathBuf, Stored>,
    /// Operations that succeed before all fail.
    operations_left: Option<u32>,
    /// Bytes that are left of the disk.
    room: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct Stored {
    bytes: Vec<u8>,
    synced_len: usize,
}

#[derive(Debug)]
struct TestFile {
    disk: TestDisk,
    path: PathBuf,
}

impl TestDisk {
    fn operate<T>(&self, operation: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.lock();
        match &mut state.operations_left {
            Some(0) => return Err(io::Error::from_raw_os_error(5)),
            Some(left) => *left -= 1,
            None => {}
        }
        operation(&mut state)
    }

    fn names(&self) -> Vec<String> {
        let state = self.0.lock();
        state
            .files
            .keys()
            .map(|path| path.display().to_string())
            .collect()
    }

    fn bytes(&self, path: &str) -> Vec<u8> {
        self.0.lock().files[Path::new(path)].bytes.clone()
    }

    fn text(&self, path: &str) -> String {
        let bytes = self.bytes(path);
        let mut text = String::new();
        if path.strip_suffix(".gz").is_some() {
            MultiGzDecoder::new(bytes.as_slice())
                .read_to_string(&mut text)
                .unwrap();
        } else {
            text = String::from_utf8(bytes).unwrap();
        }
        text
    }

    fn put(&self, path: &str, text: &str) {
        let stored = Stored {
            bytes: text.as_bytes().to_vec(),
            synced_len: text.len(),
        };
        self.0.lock().files.insert(path.into(), stored);
    }
}

impl Disk for TestDisk {
    type File = TestFile;

    fn open(&self, path: &Path, opening: Opening) -> io::Result<TestFile> {
        self.operate(|state| {
            if opening == Opening::Exclusive && state.files.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            state.files.entry(path.to_owned()).or_default();
            Ok(())
        })?;
        Ok(TestFile {
            disk: self.clone(),
            path: path.to_owned(),
        })
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.lock().files.contains_key(path)
    }

    fn move_to_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operate(|state| {
            if state.files.contains_key(to) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let stored = state.files.remove(from).unwrap();
            state.files.insert(to.to_owned(), stored);
            Ok(())
        })
    }
}

impl TestFile {
    fn with<T>(&self, operation: impl FnOnce(&mut Stored) -> T) -> io::Result<T> {
        self.disk
            .operate(|state| Ok(operation(state.files.get_mut(&self.path).unwrap())))
    }
}

impl OpenFile for TestFile {
    fn len(&self) -> io::Result<u64> {
        Ok(u64::try_from(self.disk.0.lock().files[&self.path].bytes.len()).unwrap())
    }

    fn ends_within_a_line(&mut self) -> io::Result<bool> {
        self.with(|stored| stored.bytes.last().is_some_and(|byte| *byte != b'\n'))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.clone();
        self.disk.operate(|state| {
            let fits = state.room.map_or(bytes.len(), |room| room.min(bytes.len()));
            state.room = state.room.map(|room| room - fits);
            let stored = state.files.get_mut(&path).unwrap();
            stored.bytes.extend_from_slice(&bytes[..fits]);
            if fits < bytes.len() {
                return Err(io::Error::from_raw_os_error(28));
            }
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.with(|stored| stored.synced_len = stored.bytes.len())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        // Still possible on a full disk, and on one that lost the permission to grow.
        let mut state = self.disk.0.lock();
        let stored = state.files.get_mut(&self.path).unwrap();
        stored.bytes.truncate(usize::try_from(len).unwrap());
        Ok(())
    }
}

fn gzip() -> Settings {
    Settings {
        gzip: Some(Compression::new(6)),
        ..Settings::default()
    }
}

fn writer(disk: &TestDisk, settings: &Settings, work_dir: &str) -> Writer<TestDisk> {
    let places = Places {
        work_dir: work_dir.into(),
        output_dir: "out".into(),
    };
    let naming = Naming::new("<TOPIC><REV>.<DATETIME>", "%S", "", places, settings).unwrap();
    Writer::new(
        disk.clone(),
        settings.clone(),
        naming.of_topic("t"),
        "t/c".to_owned(),
    )
}

/// So many milliseconds after the start.
fn at(ms: u64) -> Now {
    Now {
        moment: Moment::START + Duration::from_millis(ms),
        wall_ns: START_NS + i64::try_from(ms).unwrap() * 1_000_000,
    }
}

#[test]
fn a_plain_file_is_continued_by_the_next_process() {
    let disk = TestDisk::default();
    for body in ["one", "two"] {
        let mut writer = writer(&disk, &Settings::default(), "out");
        assert!(writer.write(body.as_bytes(), at(0)).unwrap());
        writer.close().unwrap();
    }
    assert_eq!(disk.names(), ["out/t.29"]);
    assert_eq!(disk.text("out/t.29"), "one\ntwo\n");
}

#[test]
fn a_line_that_a_killed_process_left_is_not_mixed_with_the_next() {
    let disk = TestDisk::default();
    disk.put("out/t.29", "one\ntw");
    let mut writer = writer(&disk, &Settings::default(), "out");
    writer.write(b"two", at(0)).unwrap();
    writer.close().unwrap();
    assert_eq!(disk.text("out/t.29"), "one\ntw\ntwo\n");
}

#[test]
fn plain_text_can_be_read_before_it_is_synced_and_compressed_text_by_whole_members() {
    let disk = TestDisk::default();
    let mut plain = writer(&disk, &Settings::default(), "out");
    plain.write(b"one", at(0)).unwrap();
    plain.flush().unwrap();
    assert_eq!(disk.text("out/t.29"), "one\n");

    let mut compressed = writer(&disk, &gzip(), "out");
    compressed.write(b"one", at(0)).unwrap();
    compressed.flush().unwrap();
    assert!(disk.bytes("out/t-000000.29.gz").is_empty());
    compressed.sync().unwrap();
    compressed.write(b"two", at(0)).unwrap();
    assert_eq!(disk.text("out/t-000000.29.gz"), "one\n");
    compressed.sync().unwrap();
    assert_eq!(disk.text("out/t-000000.29.gz"), "one\ntwo\n");
}

#[test]
fn a_new_name_begins_a_new_file() {
    let disk = TestDisk::default();
    let mut writer = writer(&disk, &Settings::default(), "out");
    assert!(writer.write(b"one", at(0)).unwrap());
    assert!(!writer.write(b"two", at(999)).unwrap());
    assert!(writer.write(b"three", at(1000)).unwrap());
    writer.close().unwrap();
    assert_eq!(disk.text("out/t.29"), "one\ntwo\n");
    assert_eq!(disk.text("out/t.30"), "three\n");
}

// Captured from the original.
#[test]
fn a_file_ends_with_the_message_that_exceeds_its_size() {
    let disk = TestDisk::default();
    let settings = Settings {
        rotate_size: Some(8),
        ..Settings::default()
    };
    let mut first = writer(&disk, &settings, "work");
    for body in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        first.write(body.as_bytes(), at(0)).unwrap();
    }
    first.close().unwrap();
    assert_eq!(disk.names(), ["out/t-000000.29", "out/t-000001.29"]);
    assert_eq!(disk.text("out/t-000000.29"), "1\n2\n3\n4\n5\n");
    assert_eq!(disk.text("out/t-000001.29"), "6\n7\n8\n");

    // Without another directory what is not full is filled up.
    disk.put("out/t-000002.29", "123456789");
    disk.put("out/t-000003.29", "1234\n");
    let mut second = writer(&disk, &settings, "out");
    second.write(b"x", at(0)).unwrap();
    second.close().unwrap();
    assert_eq!(disk.text("out/t-000001.29"), "6\n7\n8\nx\n");
}

#[test]
fn an_old_file_is_finished_and_files_of_others_stay() {
    let disk = TestDisk::default();
    disk.put("out/t-000000.29", "other");
    let settings = Settings {
        rotate_interval: Some(Duration::from_millis(500)),
        ..Settings::default()
    };
    let mut writer = writer(&disk, &settings, "out");
    writer.write(b"one", at(0)).unwrap();
    writer.write(b"two", at(500)).unwrap();
    writer.write(b"three", at(501)).unwrap();
    writer.close().unwrap();
    assert_eq!(disk.text("out/t-000000.29"), "other");
    assert_eq!(disk.text("out/t-000001.29"), "one\ntwo\n");
    assert_eq!(disk.text("out/t-000002.29"), "three\n");
}

#[test]
fn a_finished_file_overwrites_nothing() {
    let disk = TestDisk::default();
    disk.put("out/t-000000.29", "before");
    let mut writer = writer(&disk, &Settings::default(), "work");
    writer.write(b"one", at(0)).unwrap();
    assert_eq!(disk.names(), ["out/t-000000.29", "work/t-000001.29"]);
    disk.put("out/t-000001.29", "meanwhile");
    writer.close().unwrap();
    assert_eq!(disk.text("out/t-000000.29"), "before");
    assert_eq!(disk.text("out/t-000001.29"), "meanwhile");
    assert_eq!(disk.text("out/t-000002.29"), "one\n");
}

// The original ends at both.
#[test]
fn writing_goes_on_after_a_file_was_moved() {
    for skip_empty_files in [false, true] {
        for gzip in [None, Some(Compression::new(1))] {
            let disk = TestDisk::default();
            let settings = Settings {
                gzip,
                skip_empty_files,
                rotate_interval: Some(Duration::from_millis(10)),
                ..Settings::default()
            };
            let mut writer = writer(&disk, &settings, "work");
            writer.write(b"one", at(0)).unwrap();
            writer.close().unwrap();
            writer.sync().unwrap();
            writer.write(b"two", at(1)).unwrap();
            writer.tick(at(20)).unwrap();
            writer.sync().unwrap();
            writer.tick(at(40)).unwrap();
            writer.sync().unwrap();
            writer.write(b"three", at(60)).unwrap();
            writer.close().unwrap();
            let names = disk.names();
            let texts: Vec<_> = names.iter().map(|name| disk.text(name)).collect();
            let expected: &[&str] = if skip_empty_files {
                &["one\n", "two\n", "three\n"]
            } else {
                &["one\n", "two\n", "", "", "three\n"]
            };
            let texts: Vec<_> = texts.iter().map(String::as_str).collect();
            // The last empty file is finished by the message that comes too late for it.
            assert_eq!(texts, &expected[..texts.len().min(expected.len())], "{names:?}");
            assert_eq!(texts.concat(), "one\ntwo\nthree\n");
        }
    }
}

#[test]
fn a_compressed_file_without_messages_is_valid() {
    let disk = TestDisk::default();
    let mut writer = writer(&disk, &gzip(), "out");
    writer.tick(at(0)).unwrap();
    writer.close().unwrap();
    assert_eq!(disk.text("out/t-000000.29.gz"), "");
    assert!(!disk.bytes("out/t-000000.29.gz").is_empty());
}

#[test]
fn a_failure_names_the_file_and_leaves_what_was_safe() {
    for settings in [Settings::default(), gzip()] {
        let disk = TestDisk::default();
        let mut writer = writer(&disk, &settings, "out");
        writer.write(b"safe", at(0)).unwrap();
        writer.sync().unwrap();
        disk.0.lock().room = Some(7);
        writer.write(b"too much", at(0)).unwrap();
        let failure = writer.sync().unwrap_err();
        let name = disk.names().remove(0);
        assert_eq!(
            failure.to_string(),
            format!("writing message to disk: write {name}: no space left on device")
        );
        writer.abandon();
        assert_eq!(disk.text(&name), "safe\n");
    }
}

proptest! {
    /// Whatever fails, and whenever the process ends: what a sync has promised is there, in valid files.
    #[test]
    fn what_was_synced_is_there(
        actions in prop::collection::vec((0_u8..8, 0_u64..700), 1..60),
        operations in 0_u32..80,
        is_compressed: bool,
        has_work_dir: bool,
        rotate_size in prop::option::of(1_u64..40),
    ) {
        let disk = TestDisk::default();
        disk.0.lock().operations_left = Some(operations);
        let settings = Settings {
            rotate_size,
            ..if is_compressed { gzip() } else { Settings::default() }
        };
        let mut writer = writer(&disk, &settings, if has_work_dir { "work" } else { "out" });
        let mut written = Vec::new();
        let mut safe = 0;
        let mut ms = 0;
        for (action, later) in actions {
            ms += later;
            let now = at(ms);
            let outcome = match action {
                0 => writer.sync().map(|()| safe = written.len()),
                1 => writer.tick(now),
                2 => writer.close().map(|()| safe = written.len()),
                3 => writer.flush(),
                _ => {
                    let body = format!("body {}", written.len());
                    let outcome = writer.write(body.as_bytes(), now);
                    written.push(body);
                    outcome.map(|_| ())
                }
            };
            if outcome.is_err() {
                writer.abandon();
                break;
            }
        }
        // A killed process: nothing more is done with what is on disk.
        drop(writer);
        let mut lines = Vec::new();
        for name in disk.names() {
            // A file that was opened and not written to is no finished file.
            if disk.bytes(&name).is_empty() && !(has_work_dir && name.starts_with("out/")) {
                continue;
            }
            lines.extend(disk.text(&name).lines().map(str::to_owned));
        }
        for body in &written[..safe] {
            prop_assert!(lines.contains(body), "{} is lost, of {:?}", body, disk.names());
        }
        for line in &lines {
            prop_assert!(written.contains(line), "{} was never written", line);
        }
    }
}
