//! `nsq_to_file`: files that are valid and complete, whenever it is killed.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use nsq_tests::Nsqd;
use rustix::process::Signal;
use serde_json::json;

use super::{Bench, Cluster, Ledger, tcp_flag};

/// How often it is killed.
const KILLS: u64 = 4;

#[test]
fn plain_files_hold_every_message_after_sigkill() {
    survive(&["--rotate-size=20000"]);
}

#[test]
fn compressed_files_hold_every_message_after_sigkill() {
    survive(&["--gzip", "--rotate-interval=300ms", "--skip-empty-files"]);
}

fn survive(own: &[&str]) {
    let bench = Bench::new();
    let mut cluster = Cluster::start();
    cluster.create_channel("t", "nsq_to_file");
    let mut ledger = Ledger::open();
    let flags = cluster.flags();
    let mut flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    flags.extend([
        "--topic=t",
        "--output-dir=out",
        "--work-dir=work",
        "--max-in-flight=50",
        "--sync-interval=100ms",
    ]);
    flags.extend(own);
    for round in 0..KILLS {
        let archive = bench.start("nsq_to_file", &flags);
        bench.publish(&cluster.nsqds[0], "t", &ledger.lines(round, KILLS + 2));
        let syncs = usize::try_from(1 + ledger.chance(round, 6)).unwrap();
        archive.log().await_lines("records to disk", syncs);
        archive.signal(Signal::KILL);
        archive.wait();
    }
    let archive = bench.start("nsq_to_file", &flags);
    bench.publish(&cluster.nsqds[1], "t", &ledger.lines(KILLS, KILLS + 2));
    cluster.restart_nsqd(0);
    cluster.restart_nsqlookupd();
    bench.publish(&cluster.nsqds[0], "t", &ledger.lines(KILLS + 1, KILLS + 2));
    cluster.await_drained("t", "nsq_to_file");
    archive.signal(Signal::HUP);
    archive.signal(Signal::TERM);
    let exit = archive.wait();
    assert!(exit.status.success(), "{}", exit.stderr);

    for path in files(&bench.path().join("out")) {
        for line in lines(&content(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))) {
            ledger.enter(line);
        }
    }
    // What was being written when it was killed: all that was synced, and maybe the beginning of more.
    for path in files(&bench.path().join("work")) {
        for line in lines(&content_as_far_as_possible(&path)) {
            if ledger.is_one(line) {
                ledger.enter(line);
            }
        }
    }
    ledger.close();
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

fn content(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        MultiGzDecoder::new(File::open(path)?).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn content_as_far_as_possible(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        // What has been decoded before an error stays.
        let _ = MultiGzDecoder::new(File::open(path).unwrap()).read_to_end(&mut bytes);
    } else {
        bytes = fs::read(path).unwrap();
    }
    bytes
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

#[test]
fn a_hangup_finishes_the_file_and_writing_goes_on() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "nsq_to_file");
    let flags = [
        "--topic=t",
        "--output-dir=out",
        "--work-dir=work",
        "--filename-format=<TOPIC><REV>.log",
        "--sync-interval=50ms",
        "--skip-empty-files",
        &tcp_flag(&nsqd),
    ];
    let archive = bench.start("nsq_to_file", &flags);
    for (index, body) in ["one\n", "two\n"].into_iter().enumerate() {
        bench.publish(&nsqd, "t", body.as_bytes());
        archive.log().await_lines("syncing 1 records to disk", index + 1);
        archive.signal(Signal::HUP);
        archive.log().await_line(&format!(
            "moving finished file work/t-00000{index}.log to out/t-00000{index}.log"
        ));
    }
    archive.signal(Signal::TERM);
    assert!(archive.wait().status.success());
    let texts: Vec<_> = files(&bench.path().join("out"))
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(texts, ["one\n", "two\n"]);
}

#[test]
fn a_file_that_cannot_be_written_ends_it_and_loses_nothing() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "nsq_to_file");
    fs::write(bench.path().join("out"), "a file, not a directory").unwrap();
    bench.publish(&nsqd, "t", b"1\n2\n");
    let flags = [
        "--topic=t",
        "--output-dir=out",
        "--filename-format=<TOPIC>.log",
        &tcp_flag(&nsqd),
    ];
    let exit = bench.run("nsq_to_file", &flags);
    assert_eq!(exit.status.code(), Some(1));
    assert!(
        exit.stderr
            .ends_with("FATAL: [t/nsq_to_file] failed to open output file: open out/t.log: file exists\n"),
        "{}",
        exit.stderr
    );
    nsqd.await_channel("t", "nsq_to_file", &json!({"depth": 2, "in_flight_count": 0}));
}

#[test]
fn topics_are_found_by_their_pattern() {
    let bench = Bench::new();
    let cluster = Cluster::start();
    let archive = bench.start(
        "nsq_to_file",
        &[
            "--topic-pattern=^r[12]$",
            "--topic-refresh=50ms",
            "--output-dir=out",
            "--filename-format=<TOPIC>.log",
            "--sync-interval=50ms",
            &cluster.flags()[0],
            &cluster.flags()[1],
            &cluster.flags()[2],
        ],
    );
    for topic in ["r1", "r3", "r2"] {
        bench.publish(&cluster.nsqds[0], topic, b"x\n");
    }
    archive
        .log()
        .await_line("WARNING: skipping topic r3 (doesn't match pattern ^r[12]$)");
    for topic in ["r1", "r2"] {
        archive
            .log()
            .await_line(&format!("[{topic}/nsq_to_file] syncing 1 records to disk"));
    }
    archive.signal(Signal::TERM);
    assert!(archive.wait().status.success());
    assert_eq!(
        files(&bench.path().join("out"))
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect::<Vec<_>>(),
        ["r1.log", "r2.log"]
    );
}
