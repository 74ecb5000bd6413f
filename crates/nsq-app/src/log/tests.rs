use nsq_runtime::ManualClock;

use super::*;

/// What has been written so far.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn log_at(level: LogLevel) -> (Log, Written) {
    let written = Written::default();
    let log = Log::new(
        "[nsqd] ",
        level,
        ManualClock::new().clock(),
        LocalTime::utc(),
        Box::new(written.clone()),
    );
    (log, written)
}

/// The lines that `events` leave, without prefix and time, which are the same for all.
fn lines(level: LogLevel, events: impl FnOnce(&Log)) -> Vec<String> {
    let (log, written) = log_at(level);
    tracing::subscriber::with_default(log.subscriber(), || events(&log));
    let head = head();
    written
        .text()
        .lines()
        .map(|line| line.strip_prefix(&head).unwrap().to_owned())
        .collect()
}

fn head() -> String {
    let wall_ns = ManualClock::new().clock().wall_ns();
    format!(
        "[nsqd] {}.{:06} ",
        LocalTime::utc().to_second(wall_ns),
        wall_ns.rem_euclid(1_000_000_000) / 1_000
    )
}

fn one_of_each() {
    tracing::debug!("d");
    tracing::info!("i");
    tracing::warn!("w");
    tracing::error!("e");
}

#[test]
fn a_line_is_prefix_time_level_and_message() {
    let (log, written) = log_at(LogLevel::Info);
    tracing::subscriber::with_default(log.subscriber(), || tracing::info!("TCP: new client({})", 7));
    assert_eq!(written.text(), format!("{}INFO: TCP: new client(7)\n", head()));
}

#[test]
fn a_level_hides_what_is_less_serious() {
    let all = ["DEBUG: d", "INFO: i", "WARNING: w", "ERROR: e"];
    for (level, shown) in [
        (LogLevel::Debug, &all[..]),
        (LogLevel::Info, &all[1..]),
        (LogLevel::Warn, &all[2..]),
        (LogLevel::Error, &all[3..]),
        (LogLevel::Fatal, &[]),
    ] {
        assert_eq!(lines(level, |_| one_of_each()), shown, "{level}");
    }
}

#[test]
fn a_new_level_counts_from_the_next_event_on() {
    let shown = lines(LogLevel::Error, |log| {
        for level in [LogLevel::Error, LogLevel::Info, LogLevel::Fatal, LogLevel::Warn] {
            log.set_level(level);
            assert_eq!(log.level(), level);
            one_of_each();
        }
    });
    assert_eq!(
        shown,
        [
            "ERROR: e",
            "INFO: i",
            "WARNING: w",
            "ERROR: e",
            "WARNING: w",
            "ERROR: e"
        ]
    );
}

#[test]
fn a_hidden_event_is_not_formatted() {
    struct Untouched;
    impl fmt::Display for Untouched {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("formatted")
        }
    }
    assert!(lines(LogLevel::Info, |_| tracing::debug!("{Untouched}")).is_empty());
}

#[test]
fn a_fatal_line_shows_at_every_level() {
    assert_eq!(
        lines(LogLevel::Fatal, |log| log
            .fatal(format_args!("listen failed - {}", 1))),
        ["FATAL: listen failed - 1"]
    );
}

#[test]
fn a_name_cannot_forge_a_line_or_steer_a_terminal() {
    let name = "a\r\n[nsqd] FATAL: bye\u{1b}[2J\u{0}\u{85}\u{2028}é\t\u{7f}";
    assert_eq!(
        lines(LogLevel::Info, |_| tracing::info!("TOPIC({name}): created")),
        ["INFO: TOPIC(a\\r\\n[nsqd] FATAL: bye\\u{1b}[2J\\u{0}\\u{85}\\u{2028}é\\t\\u{7f}): created"]
    );
}

#[test]
fn other_fields_follow_the_message_and_are_escaped_as_well() {
    let peer = "x\ny";
    assert_eq!(
        lines(
            LogLevel::Info,
            |_| tracing::info!(count = 3, peer, shown = %peer, "done")
        ),
        ["INFO: done count=3 peer=\"x\\ny\" shown=x\\ny"]
    );
}

#[test]
fn other_libraries_are_heard_only_when_something_is_wrong() {
    let shown = lines(LogLevel::Debug, |_| {
        tracing::debug!(target: "hyper::proto", "d");
        tracing::info!(target: "hyper::proto", "i");
        tracing::warn!(target: "hyper::proto", "w");
    });
    assert_eq!(shown, ["WARNING: w"]);
}
