//! Programs that cannot start: the last line of each says what is wrong and where, its code is the original's, and it
//! leaves nothing behind.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use nsq_tests::process::{Exit, Process};
use nsq_tests::program;
use tempfile::TempDir;

/// Every program of the workspace.
const PROGRAMS: [&str; 12] = [
    "nsq",
    "nsq_diskqueue",
    "nsq_stat",
    "nsq_tail",
    "nsq_to_file",
    "nsq_to_http",
    "nsq_to_nsq",
    "nsqadmin",
    "nsqauthd",
    "nsqd",
    "nsqlookupd",
    "to_nsq",
];

/// A command line that is refused with code 1, and what the line on standard error ends with.
///
/// `{dir}` is a directory with `bad`, which is neither a configuration nor a certificate, and without `none`; `{used}`
/// an address that another program listens on.
type Refusal = (&'static str, &'static str, &'static str);

const DAEMONS: &[Refusal] = &[
    (
        "nsqd",
        "--data-path={dir}/none",
        "FATAL: failed to instantiate nsqd - failed to lock data-path: open {dir}/none: no such file or directory",
    ),
    (
        "nsqd",
        "--config={dir}/none",
        "FATAL: failed to load config file {dir}/none - open {dir}/none: no such file or directory",
    ),
    (
        "nsqd",
        "--tcp-address={used}",
        "FATAL: failed to instantiate nsqd - listen ({used}) failed - listen tcp {used}: bind: address already in use",
    ),
    (
        "nsqd",
        "--tcp-address=127.0.0.1:0 --http-address={used}",
        "FATAL: failed to instantiate nsqd - listen ({used}) failed - listen tcp {used}: bind: address already in use",
    ),
    (
        "nsqd",
        "--tls-cert={dir}/none --tls-key={dir}/none",
        "{dir}/none: no such file or directory",
    ),
    (
        "nsqd",
        "--tls-cert={dir}/bad --tls-key={dir}/bad",
        "failed to build TLS config - tls: failed to find any PEM data in certificate input",
    ),
    (
        "nsqd",
        "--node-id=1024",
        "FATAL: failed to instantiate nsqd - --node-id must be [0,1024)",
    ),
    (
        "nsqlookupd",
        "--config={dir}/none",
        "FATAL: failed to load config file {dir}/none - open {dir}/none: no such file or directory",
    ),
    (
        "nsqlookupd",
        "--tcp-address={used}",
        "FATAL: failed to instantiate nsqlookupd - listen ({used}) failed - listen tcp {used}: bind: address already \
         in use",
    ),
    (
        "nsqadmin",
        "--http-address=127.0.0.1:0",
        "--nsqd-http-address or --lookupd-http-address required",
    ),
    (
        "nsqadmin",
        "--config={dir}/none",
        "FATAL: failed to load config file {dir}/none - open {dir}/none: no such file or directory",
    ),
    (
        "nsqadmin",
        "--lookupd-http-address=127.0.0.1:1 --http-address={used}",
        "FATAL: failed to instantiate nsqadmin - listen ({used}) failed - listen tcp {used}: bind: address already in \
         use",
    ),
    (
        "nsqauthd",
        "--http-address=127.0.0.1:0",
        "--data-file is required",
    ),
    (
        "nsq",
        "--data-path={dir}/bad/data",
        "FATAL: failed to start - cannot make data directory {dir}/bad/data: not a directory; --data-path names another",
    ),
];

const UTILITIES: &[Refusal] = &[
    (
        "nsq_tail",
        "--topic=t",
        "--nsqd-tcp-address or --lookupd-http-address required",
    ),
    ("nsq_tail", "--nsqd-tcp-address=127.0.0.1:1", "--topic required"),
    (
        "nsq_tail",
        "--topic=t --nsqd-tcp-address=127.0.0.1:1",
        "dial tcp 127.0.0.1:1: connect: connection refused",
    ),
    (
        "nsq_to_file",
        "--topic=t",
        "--nsqd-tcp-address or --lookupd-http-address required.",
    ),
    (
        "nsq_to_file",
        "--nsqd-tcp-address=127.0.0.1:1",
        "--topic or --topic-pattern required",
    ),
    (
        "nsq_to_http",
        "--topic=t --nsqd-tcp-address=127.0.0.1:1",
        "--get or --post required",
    ),
    (
        "nsq_to_nsq",
        "--topic=t --nsqd-tcp-address=127.0.0.1:1",
        "--destination-nsqd-tcp-address required",
    ),
    ("nsq_stat", "--topic=t", "--topic and --channel are required"),
    (
        "nsq_stat",
        "--topic=t --channel=c",
        "--nsqd-http-address or --lookupd-http-address required",
    ),
    ("to_nsq", "--topic=t", "--nsqd-tcp-address required"),
];

fn built(name: &str) -> PathBuf {
    match name {
        "nsq" => program::nsq().to_owned(),
        "nsq_diskqueue" => program::nsq_diskqueue().to_owned(),
        "nsqadmin" => program::nsqadmin().to_owned(),
        "nsqauthd" => program::nsqauthd().to_owned(),
        "nsqd" => program::nsqd().to_owned(),
        "nsqlookupd" => program::nsqlookupd().to_owned(),
        utility => program::utility(utility),
    }
}

/// Runs a program in an empty directory, which has to stay so.
#[track_caller]
fn run(name: &str, arguments: &[String]) -> Exit {
    let directory = TempDir::new().unwrap();
    let exit = Process::run(&built(name), directory.path(), arguments);
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        0,
        "{name} {arguments:?} has left something behind"
    );
    exit
}

#[track_caller]
fn expect_refusals(refusals: &[Refusal]) {
    let used = TcpListener::bind("127.0.0.1:0").unwrap();
    let files = TempDir::new().unwrap();
    fs::write(files.path().join("bad"), "this = is = neither\n").unwrap();
    let filled = |text: &str| {
        text.replace("{dir}", files.path().to_str().unwrap())
            .replace("{used}", &used.local_addr().unwrap().to_string())
    };
    for (name, arguments, line) in refusals {
        let arguments: Vec<String> = arguments.split(' ').map(filled).collect();
        let exit = run(name, &arguments);
        assert_eq!(exit.status.code(), Some(1), "{name} {arguments:?}: {exit:?}");
        assert_eq!(exit.stdout, "", "{name} {arguments:?}");
        assert!(
            exit.stderr.ends_with(&format!("{}\n", filled(line))),
            "{name} {arguments:?}: {exit:?}"
        );
        assert_eq!(
            fs::read_dir(files.path()).unwrap().count(),
            1,
            "{name} {arguments:?}"
        );
    }
}

#[test]
fn a_daemon_that_cannot_start_says_why_at_the_end() {
    expect_refusals(DAEMONS);
}

#[test]
fn a_utility_that_cannot_start_says_why_at_the_end() {
    expect_refusals(UTILITIES);
}

#[test]
fn a_file_that_is_no_configuration_is_named() {
    let files = TempDir::new().unwrap();
    let bad = files.path().join("bad");
    fs::write(&bad, "this = is = neither\n").unwrap();
    let bad = bad.display().to_string();
    for (name, arguments) in [
        ("nsqd", vec![format!("--config={bad}")]),
        ("nsqlookupd", vec![format!("--config={bad}")]),
        ("nsqadmin", vec![format!("--config={bad}")]),
        (
            "nsqauthd",
            vec![format!("--data-file={bad}"), "--check".to_owned()],
        ),
    ] {
        let exit = run(name, &arguments);
        assert_eq!(exit.status.code(), Some(1), "{name} {arguments:?}: {exit:?}");
        assert_eq!(exit.stderr.lines().count(), 1, "{name} {arguments:?}: {exit:?}");
        assert!(exit.stderr.contains(&bad), "{name} {arguments:?}: {exit:?}");
    }
}

#[test]
fn a_bad_flag_is_named_before_the_usage_text_with_code_2() {
    for name in PROGRAMS {
        for (argument, line) in [
            ("--nope", "flag provided but not defined: -nope"),
            ("---nope", "bad flag syntax: ---nope"),
        ] {
            let exit = run(name, &[argument.to_owned()]);
            assert_eq!(exit.status.code(), Some(2), "{name} {argument}: {exit:?}");
            assert!(
                exit.stderr.starts_with(&format!("{line}\nUsage of "))
                    && exit.stderr.contains(&format!("{name}:\n")),
                "{name} {argument}: {exit:?}"
            );
        }
    }
}

#[test]
fn the_list_of_programs_is_complete() {
    let bins = concat!(env!("CARGO_MANIFEST_DIR"), "/../bins");
    let mut there: Vec<String> = fs::read_dir(bins)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(there, PROGRAMS);
}
