//! What each utility says about its command line, beside the original where there is one.

use nsq_tests::process::Process;
use nsq_tests::program;

use super::Bench;

/// Command lines that end at once, with the code and the last line of standard error, or the first one of a usage
/// text.
const ENDS: &[(&str, &str, i32, &str)] = &[
    (
        "nsq_tail",
        "",
        1,
        "--nsqd-tcp-address or --lookupd-http-address required",
    ),
    (
        "nsq_tail",
        "--topic=t --nsqd-tcp-address=h:1 --lookupd-http-address=h:1",
        1,
        "use --nsqd-tcp-address or --lookupd-http-address not both",
    ),
    ("nsq_tail", "--nsqd-tcp-address=h:1", 1, "--topic required"),
    (
        "nsq_tail",
        "--topic=a$ --nsqd-tcp-address=127.0.0.1:1",
        1,
        "invalid topic name",
    ),
    (
        "nsq_tail",
        "--topic=a --channel=a$ --nsqd-tcp-address=127.0.0.1:1",
        1,
        "invalid channel name",
    ),
    (
        "nsq_tail",
        "--topic=a --channel=c --nsqd-tcp-address=127.0.0.1:1",
        1,
        "dial tcp 127.0.0.1:1: connect: connection refused",
    ),
    (
        "nsq_tail",
        "--topic=a --channel=c --lookupd-http-address=127.0.0.1",
        1,
        "missing port",
    ),
    (
        "nsq_tail",
        "--topic=a --nsqd-tcp-address=h:1 --max-in-flight=-1",
        1,
        "invalid MaxInFlight ! -1 < 0",
    ),
    (
        "nsq_tail",
        "--consumer-opt=nope,1",
        2,
        "invalid value \"nope,1\" for flag -consumer-opt: invalid option nope",
    ),
    ("nsq_tail", "--nope", 2, "flag provided but not defined: -nope"),
    ("to_nsq", "", 1, "--topic required"),
    ("to_nsq", "--topic=t", 1, "--nsqd-tcp-address required"),
    (
        "to_nsq",
        "--topic=t --delimiter=ab",
        1,
        "--delimiter must be a single byte",
    ),
    (
        "to_nsq",
        "--topic=t --nsqd-tcp-address=127.0.0.1:1",
        1,
        "dial tcp 127.0.0.1:1: connect: connection refused",
    ),
    (
        "to_nsq",
        "--rate=x",
        2,
        "invalid value \"x\" for flag -rate: parse error",
    ),
    ("nsq_to_file", "x y", 1, "unknown arguments: [x y]"),
    ("nsq_to_file", "--log-level=x", 1, "--log-level is invalid"),
    ("nsq_to_file", "--channel=", 1, "--channel is required"),
    (
        "nsq_to_file",
        "",
        1,
        "--nsqd-tcp-address or --lookupd-http-address required.",
    ),
    (
        "nsq_to_file",
        "--nsqd-tcp-address=h:1 --gzip-level=10",
        1,
        "invalid --gzip-level value (10), should be 1-9",
    ),
    (
        "nsq_to_file",
        "--nsqd-tcp-address=h:1",
        1,
        "--topic or --topic-pattern required",
    ),
    (
        "nsq_to_file",
        "--nsqd-tcp-address=h:1 --topic-pattern=x",
        1,
        "--lookupd-http-address must be specified when no --topic specified",
    ),
    (
        "nsq_to_http",
        "--header=x",
        1,
        "--header value format should be 'key=value'",
    ),
    ("nsq_to_http", "", 1, "--topic and --channel are required"),
    (
        "nsq_to_http",
        "--topic=t --content-type=x",
        1,
        "--content-type only used with --post",
    ),
    (
        "nsq_to_http",
        "--topic=t --nsqd-tcp-address=h:1",
        1,
        "--get or --post required",
    ),
    (
        "nsq_to_http",
        "--topic=t --nsqd-tcp-address=h:1 --get=x",
        1,
        "invalid GET address - must be a printf string",
    ),
    (
        "nsq_to_http",
        "--topic=t --nsqd-tcp-address=h:1 --post=x --sample=-1",
        1,
        "ERROR: --sample must be between 0.0 and 1.0",
    ),
    ("nsq_to_nsq", "", 1, "--topic and --channel are required"),
    ("nsq_to_nsq", "--topic=a$", 1, "--topic is invalid"),
    (
        "nsq_to_nsq",
        "--topic=t --destination-topic=a$",
        1,
        "--destination-topic is invalid",
    ),
    ("nsq_to_nsq", "--topic=t --channel=a$", 1, "--channel is invalid"),
    (
        "nsq_to_nsq",
        "--topic=t --nsqd-tcp-address=h:1",
        1,
        "--destination-nsqd-tcp-address required",
    ),
    ("nsq_stat", "", 1, "--topic and --channel are required"),
    (
        "nsq_stat",
        "--topic=t --channel=c --interval=0",
        1,
        "--interval should be positive",
    ),
    (
        "nsq_stat",
        "--topic=t --channel=c --count=-1",
        1,
        "--count should be positive",
    ),
    (
        "nsq_stat",
        "--topic=t --channel=c --nsqd-http-address=http://h:1",
        1,
        "--nsqd-http-address error - address should not contain scheme",
    ),
    (
        "nsq_stat",
        "--topic=t --channel=c --nsqd-http-address=127.0.0.1:1",
        1,
        "ERROR: failed to get topic producers - failed to query any nsqd: Get \"http://127.0.0.1:1/stats?format=json&topic=t&include_clients=false\": dial tcp 127.0.0.1:1: connect: connection refused",
    ),
];

/// The line that says why the program ended, without its date.
fn reason(stderr: &str, code: i32) -> &str {
    let mut lines = stderr.lines();
    let line = if code == 2 { lines.next() } else { lines.last() };
    let line = line.unwrap_or_default();
    let is_dated = line.as_bytes().get(4) == Some(&b'/');
    if is_dated {
        line.get(20..).unwrap_or_default()
    } else {
        line
    }
}

#[test]
fn what_is_refused_is_refused_as_by_the_original() {
    let bench = Bench::new();
    for (name, flags, code, expected) in ENDS {
        let flags: Vec<&str> = flags.split_whitespace().collect();
        let exit = bench.pipe(name, &flags, b"x\n");
        assert_eq!(
            (exit.status.code(), reason(&exit.stderr, *code)),
            (Some(*code), *expected),
            "{name} {flags:?}"
        );
        assert_eq!(exit.stdout, "", "{name} {flags:?}");
    }
    if program::reference_or_note("nsq_tail").is_none() {
        return;
    }
    for (name, flags, code, expected) in ENDS {
        let Some(original) = program::reference(name) else {
            continue;
        };
        let flags: Vec<&str> = flags.split_whitespace().collect();
        let exit =
            Process::start_redirected(&original, bench.path(), &flags, "<input", super::limit()).wait();
        assert_eq!(
            (exit.status.code(), reason(&exit.stderr, *code)),
            (Some(*code), *expected),
            "the original {name} {flags:?}"
        );
    }
}

#[test]
fn every_flag_of_the_original_is_there_with_its_default() {
    let bench = Bench::new();
    for name in program::UTILITIES {
        let own = bench.run(name, &["-h"]);
        assert_eq!(own.status.code(), Some(0));
        let version = bench.run(name, &["--version"]);
        assert_eq!(version.stdout, format!("{name} v1.3.0\n"));
        let Some(original) = program::reference_or_note(name) else {
            continue;
        };
        let original = Process::run(&original, bench.path(), &["-h"]);
        let own: Vec<&str> = own.stderr.lines().collect();
        for lines in original.stderr.lines().skip(1).collect::<Vec<_>>().chunks(2) {
            // The flag and its kind stand in one line, its meaning and its default in the next.
            assert!(
                own.windows(2).any(|pair| pair == lines) || lines[0].contains("rotate-size"),
                "{name} lacks {lines:?}"
            );
        }
    }
}
