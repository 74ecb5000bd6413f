//! What the utilities do for people: ask, show how far they are, keep a table up to date.

use std::fs;

use nsq_tests::process::Process;
use nsq_tests::terminal::Terminal;
use nsq_tests::{Nsqd, Nsqlookupd, Setup};
use rustix::process::Signal;
use serde_json::json;

use super::{Bench, tcp_flag};

/// An nsqd with a message in a topic without a channel, and an nsqlookupd that knows it.
struct Lonely {
    nsqd: Nsqd,
    nsqlookupd: Nsqlookupd,
}

impl Lonely {
    fn start() -> Self {
        let nsqlookupd = Nsqlookupd::start();
        let nsqd = Setup::new()
            .flag(format!("--lookupd-tcp-address={}", nsqlookupd.tcp_address()))
            .start();
        nsqd.publish("t", "precious");
        nsqlookupd.log().await_line("REGISTER category:topic key:t");
        Self { nsqd, nsqlookupd }
    }

    fn tail(&self, bench: &Bench, terminal: &Terminal) -> Process {
        let lookupd = format!("--lookupd-http-address={}", self.nsqlookupd.http_address());
        bench.start_redirected(
            "nsq_tail",
            &["--topic=t", "-n=1", &lookupd],
            &terminal.redirections(),
        )
    }
}

const QUESTION: &str = "topic t has no channel and holds 1 messages: they are deleted when this nsq_tail, whose channel \
                        is ephemeral, ends. Go on? [y/N] ";

#[test]
fn a_tail_that_would_delete_messages_asks_and_takes_no_for_an_answer() {
    let bench = Bench::new();
    let lonely = Lonely::start();
    for no in ["n", "", "what?"] {
        let terminal = Terminal::open();
        let tail = lonely.tail(&bench, &terminal);
        terminal.await_part(QUESTION);
        terminal.type_line(no);
        assert_eq!(tail.wait().status.code(), Some(1));
        terminal.await_part("nothing was read; --channel names a channel that stays\r\n");
    }
    lonely.nsqd.await_topic("t", &json!({"depth": 1, "channels": []}));
}

#[test]
fn a_tail_that_may_delete_messages_shows_them() {
    let bench = Bench::new();
    let lonely = Lonely::start();
    let terminal = Terminal::open();
    let tail = lonely.tail(&bench, &terminal);
    terminal.await_part(QUESTION);
    terminal.type_line("y");
    assert_eq!(tail.wait().status.code(), Some(0));
    terminal.await_part("\r\nprecious\r\n");
}

#[test]
fn a_signal_ends_a_tail_that_waits_for_an_answer() {
    let bench = Bench::new();
    let lonely = Lonely::start();
    let terminal = Terminal::open();
    let tail = lonely.tail(&bench, &terminal);
    terminal.await_part(QUESTION);
    tail.signal(Signal::TERM);
    assert_eq!(tail.wait().status.code(), Some(0));
    lonely.nsqd.await_topic("t", &json!({"depth": 1, "channels": []}));
}

#[test]
fn a_watched_table_is_written_over_the_last_one() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    let terminal = Terminal::open();
    let watch = bench.start_redirected(
        "nsq_stat",
        &[
            "--topic=t",
            "--channel=c",
            "--watch",
            "--interval=20ms",
            &format!("--nsqd-http-address={}", nsqd.http_address()),
        ],
        &terminal.redirections(),
    );
    terminal.await_part("\x1b[2J\x1b[Htopic t, channel c\x1b[K\r\n");
    nsqd.publish("t", "1");
    let row = terminal.await_text(|text| {
        let (_, table) = text.rsplit_once("\x1b[H")?;
        let (table, _) = table.split_once("\x1b[J")?;
        let row = table.lines().find(|line| line.contains(':'))?;
        let columns: Vec<&str> = row.trim_end_matches("\x1b[K").split_whitespace().collect();
        (columns.get(3) == Some(&"1")).then(|| columns.join(" "))
    });
    assert!(row.starts_with(&nsqd.http_address().to_string()), "{row}");
    watch.signal(Signal::INT);
    assert_eq!(watch.wait().status.code(), Some(0));
}

#[test]
fn long_work_shows_how_far_it_is_at_a_terminal_and_nowhere_else() {
    let bench = Bench::new();
    let nsqd = Nsqd::start();
    fs::write(bench.path().join("input"), "1\n2\n3\n4\n5\n6\n7\n8\n").unwrap();
    let flags = ["--topic=t", "--rate=10", &tcp_flag(&nsqd)];
    let terminal = Terminal::open();
    let at_terminal = bench.start_redirected("to_nsq", &flags, &format!("<input {}", terminal.of_errors()));
    assert!(at_terminal.wait().status.success());
    terminal.await_text(|text| {
        let (_, last) = text
            .rsplit_once('\r')
            .map(|(before, _)| before.rsplit_once('\r'))??;
        last.starts_with("8 messages, ").then_some(())
    });
    let elsewhere = bench.start_redirected("to_nsq", &flags, "<input").wait();
    assert!(!elsewhere.stderr.contains("messages, "), "{}", elsewhere.stderr);
}
