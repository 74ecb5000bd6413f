//! `nsq_to_file` and a disk that lets it down while it runs: what is not safe is not finished.

use std::fs::{self, File};
use std::path::Path;

use nsq_tests::process::Process;
use nsq_tests::{Disk, Nsqd, program};
use rustix::process::Signal;
use serde_json::json;

use super::{Bench, limit, tcp_flag};

fn queue() -> Nsqd {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "nsq_to_file");
    nsqd
}

/// Waits until nothing of the channel is with anybody, and so many messages wait.
#[track_caller]
fn expect_waiting(nsqd: &Nsqd, depth: u64) {
    nsqd.await_channel(
        "t",
        "nsq_to_file",
        &json!({"depth": depth, "in_flight_count": 0, "deferred_count": 0}),
    );
}

#[test]
fn a_directory_that_goes_away_ends_it_and_loses_nothing() {
    let bench = Bench::new();
    let nsqd = queue();
    let flags = [
        "--topic=t",
        "--output-dir=out",
        "--filename-format=<TOPIC><REV>.log",
        "--rotate-size=1",
        "--max-in-flight=1",
        &tcp_flag(&nsqd),
    ];
    let archive = bench.start("nsq_to_file", &flags);
    nsqd.publish("t", "safe");
    archive.log().await_line("syncing 1 records to disk");
    expect_waiting(&nsqd, 0);
    // Whoever runs the test: permissions do not stop root, this does.
    fs::rename(bench.path().join("out"), bench.path().join("moved")).unwrap();
    fs::write(bench.path().join("out"), "a file now").unwrap();
    nsqd.publish("t", "homeless");
    let exit = archive.wait();
    assert_eq!(exit.status.code(), Some(1));
    assert!(
        exit.stderr
            .contains("FATAL: [t/nsq_to_file] failed to open output file: open out/t-000001.log: "),
        "{}",
        exit.stderr
    );
    expect_waiting(&nsqd, 1);
    let safe = fs::read_to_string(bench.path().join("moved/t-000000.log")).unwrap();
    assert_eq!(safe, "safe\n");
}

/// Bytes that a file may have, in the blocks of `ulimit -f`.
const FULL_BLOCKS: usize = 16;
const FULL_BYTES: usize = FULL_BLOCKS * 512;

/// Starts the program where files cannot grow beyond [`FULL_BYTES`], as on a disk that is full.
fn start_on_a_full_disk(bench: &Bench, flags: &[&str]) -> Process {
    let script = format!("trap '' XFSZ; ulimit -f {FULL_BLOCKS}; exec \"$0\" \"$@\"");
    let program = program::utility("nsq_to_file");
    let mut arguments = vec!["-c", &script, program.to_str().unwrap()];
    arguments.extend(flags);
    Process::start_with_limit(Path::new("/bin/sh"), bench.path(), &arguments, limit())
}

#[test]
fn a_full_disk_ends_it_and_leaves_whole_lines_of_what_is_finished() {
    let bench = Bench::new();
    let nsqd = queue();
    let count = 2 * FULL_BYTES / 100;
    let lines: Vec<String> = (0..count).map(|number| format!("{number:099}\n")).collect();
    let lines = lines.concat();
    bench.publish(&nsqd, "t", lines.as_bytes());
    let flags = [
        "--topic=t",
        "--output-dir=out",
        "--filename-format=<TOPIC>.log",
        "--max-in-flight=10",
        &tcp_flag(&nsqd),
    ];
    let exit = start_on_a_full_disk(&bench, &flags).wait();
    assert_eq!(exit.status.code(), Some(1));
    assert!(
        exit.stderr
            .ends_with("FATAL: [t/nsq_to_file] writing message to disk: write out/t.log: file too large\n"),
        "{}",
        exit.stderr
    );
    let written = fs::read_to_string(bench.path().join("out/t.log")).unwrap();
    assert!(!written.is_empty() && lines.starts_with(&written), "{written}");
    let finished = written.lines().count();
    expect_waiting(&nsqd, u64::try_from(count - finished).unwrap());
}

#[test]
fn a_full_disk_leaves_whole_members_of_a_compressed_file() {
    let bench = Bench::new();
    let nsqd = queue();
    // Hardly compressible.
    let lines: Vec<String> = (0..1000_u64)
        .map(|number| format!("{:x}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let lines = lines.concat();
    bench.publish(&nsqd, "t", lines.as_bytes());
    let flags = [
        "--topic=t",
        "--output-dir=out",
        "--filename-format=<TOPIC><REV>.log",
        "--gzip",
        "--max-in-flight=50",
        &tcp_flag(&nsqd),
    ];
    let exit = start_on_a_full_disk(&bench, &flags).wait();
    assert_eq!(exit.status.code(), Some(1));
    let file = File::open(bench.path().join("out/t-000000.log.gz")).unwrap();
    let written = std::io::read_to_string(flate2::read::MultiGzDecoder::new(file)).unwrap();
    assert!(!written.is_empty() && lines.starts_with(&written), "{written}");
    let finished = written.lines().count();
    expect_waiting(&nsqd, u64::try_from(1000 - finished).unwrap());
}

#[test]
fn finished_files_are_moved_to_another_file_system_whole_and_overwrite_nothing() {
    let bench = Bench::new();
    let Some(work) = Disk::in_memory(64) else {
        return;
    };
    let nsqd = queue();
    let out = bench.path().join("out");
    let flags = [
        "--topic=t",
        "--output-dir=out",
        &format!("--work-dir={}", work.path().display()),
        "--filename-format=deep/<TOPIC><REV>.log",
        "--sync-interval=50ms",
        "--skip-empty-files",
        &tcp_flag(&nsqd),
    ];
    let archive = bench.start("nsq_to_file", &flags);
    nsqd.publish("t", "1");
    archive.log().await_line("syncing 1 records to disk");
    // Somebody else has taken the name meanwhile.
    fs::create_dir_all(out.join("deep")).unwrap();
    fs::write(out.join("deep/t-000000.log"), "not ours").unwrap();
    archive.signal(Signal::HUP);
    archive.log().await_line("to avoid overwrite");
    archive.signal(Signal::TERM);
    assert!(archive.wait().status.success());

    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    assert_eq!(read("deep/t-000000.log"), "not ours");
    assert_eq!(read("deep/t-000001.log"), "1\n");
    assert_eq!(names(&out.join("deep")).len(), 2);
    assert_eq!(names(&work.path().join("deep")), [""; 0]);
}

#[test]
fn a_finished_file_for_which_there_is_no_room_stays_where_it_is() {
    let bench = Bench::new();
    let Some(out) = Disk::in_memory(16) else {
        return;
    };
    let nsqd = queue();
    let line = "x".repeat(100_000);
    let flags = [
        "--topic=t",
        "--work-dir=work",
        &format!("--output-dir={}", out.path().display()),
        "--filename-format=<TOPIC><REV>.log",
        "--sync-interval=50ms",
        &tcp_flag(&nsqd),
    ];
    let archive = bench.start("nsq_to_file", &flags);
    nsqd.publish("t", &line);
    archive.log().await_line("syncing 1 records to disk");
    archive.signal(Signal::TERM);
    let exit = archive.wait();
    assert_eq!(exit.status.code(), Some(1));
    let expected =
        "FATAL: [t/nsq_to_file] failed to move finished file work/t-000000.log: no space left on device\n";
    assert!(exit.stderr.ends_with(expected), "{}", exit.stderr);
    assert_eq!(names(&out.path()), [""; 0]);
    let kept = fs::read_to_string(bench.path().join("work/t-000000.log")).unwrap();
    assert_eq!(kept, line + "\n");
}

/// What is in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
