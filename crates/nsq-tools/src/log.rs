//! The log of the utilities: the lines that Go's `log` package and go-nsq write, on standard error.
//!
//! ```text
//! YYYY/MM/DD HH:MM:SS message                                      the utility's own
//! YYYY/MM/DD HH:MM:SS INF    1 [topic/channel] (addr) message      the client library's
//! ```
//!
//! `nsq_to_file` writes lines of its own as a daemon does: with a prefix, microseconds and a level.

use std::fmt::{self, Debug, Write as _};
use std::io::{self, Write};

use nsq_app::{Exit, LocalTime};
use nsq_flags::LogLevel;
use nsq_runtime::Clock;
use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::shell::fail;

/// Events whose target starts so are the client library's.
const CLIENT_TARGET: &str = "nsq_client";

/// Events whose target starts so are the utility's own.
const OWN_TARGET: &str = "nsq_tools";

/// How lines of the utility itself look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnLines {
    /// The time and the message.
    Plain,
    /// As a daemon writes them.
    Daemon {
        /// What each line begins with.
        prefix: String,
        /// The least serious kind that is written.
        level: LogLevel,
    },
}

/// Makes standard error the log of this process.
///
/// # Errors
/// The process has a log already.
pub(crate) fn install(own: OwnLines, clock: &Clock) -> Result<(), Exit> {
    let lines = Lines::new(own, clock.clone(), LocalTime::system(), Box::new(io::stderr()));
    tracing::subscriber::set_global_default(Registry::default().with(lines)).map_err(fail)
}

/// Turns events into lines.
struct Lines {
    own: OwnLines,
    clock: Clock,
    time: LocalTime,
    sink: Mutex<Box<dyn Write + Send>>,
}

impl Lines {
    fn new(own: OwnLines, clock: Clock, time: LocalTime, sink: Box<dyn Write + Send>) -> Self {
        Self {
            own,
            clock,
            time,
            sink: Mutex::new(sink),
        }
    }

    fn own_filter(&self) -> LevelFilter {
        match &self.own {
            OwnLines::Plain => LevelFilter::INFO,
            OwnLines::Daemon { level, .. } => match level {
                LogLevel::Debug => LevelFilter::DEBUG,
                LogLevel::Info => LevelFilter::INFO,
                LogLevel::Warn => LevelFilter::WARN,
                LogLevel::Error => LevelFilter::ERROR,
                LogLevel::Fatal => LevelFilter::OFF,
            },
        }
    }

    fn shows(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        if target.starts_with(OWN_TARGET) {
            *metadata.level() <= self.own_filter()
        } else if target.starts_with(CLIENT_TARGET) {
            // What the library says does not depend on the level of the utility, as upstream.
            *metadata.level() <= Level::INFO
        } else {
            *metadata.level() <= Level::WARN
        }
    }

    /// What stands before the message.
    fn head(&self, metadata: &Metadata<'_>) -> String {
        let wall_ns = self.clock.wall_ns();
        let time = self.time.to_second(wall_ns);
        if !metadata.target().starts_with(OWN_TARGET) {
            return format!("{time} {} ", client_level(*metadata.level()));
        }
        match &self.own {
            OwnLines::Plain => format!("{time} "),
            OwnLines::Daemon { prefix, .. } => {
                let micros = wall_ns.rem_euclid(1_000_000_000) / 1_000;
                format!("{prefix}{time}.{micros:06} {}: ", daemon_level(*metadata.level()))
            }
        }
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.shows(metadata)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(self.head(event.metadata()));
        event.record(&mut line);
        line.0.push('\n');
        // A log that cannot be written has nobody to tell.
        let _ = self.sink.lock().write_all(line.0.as_bytes());
    }
}

fn client_level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERR",
        Level::WARN => "WRN",
        Level::INFO => "INF",
        _ => "DBG",
    }
}

fn daemon_level(level: Level) -> &'static str {
    match level {
        Level::ERROR => LogLevel::Error.name(),
        Level::WARN => LogLevel::Warn.name(),
        Level::INFO => LogLevel::Info.name(),
        _ => LogLevel::Debug.name(),
    }
}

/// A line being made. What would end it or steer a terminal is escaped: names and messages come from others.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // A part whose own formatting fails is cut short there.
        let _ = if field.name() == "message" {
            write!(self, "{value:?}")
        } else {
            write!(self, " {}={value:?}", field.name())
        };
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                self.0.extend(c.escape_default());
            } else {
                self.0.push(c);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nsq_runtime::ManualClock;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(own: OwnLines) -> String {
        let sink = Sink::default();
        let lines = Lines::new(
            own,
            ManualClock::new().clock(),
            LocalTime::utc(),
            Box::new(sink.clone()),
        );
        tracing::subscriber::with_default(Registry::default().with(lines), || {
            tracing::info!(target: "nsq_client::producer", "{:4} ({}) connecting to nsqd", 1, "h:1");
            tracing::debug!(target: "nsq_client::producer", "hidden");
            tracing::info!(target: "hyper", "hidden");
            tracing::warn!(target: "nsq_tools::nsq_tail", "one\ntwo");
            tracing::info!(target: "nsq_tools::nsq_tail", "three");
        });
        String::from_utf8(sink.0.lock().clone()).unwrap()
    }

    #[test]
    fn lines_are_those_of_go() {
        assert_eq!(
            logged(OwnLines::Plain),
            "2025/01/01 00:00:00 INF    1 (h:1) connecting to nsqd\n\
             2025/01/01 00:00:00 one\\ntwo\n\
             2025/01/01 00:00:00 three\n"
        );
    }

    #[test]
    fn the_level_is_for_lines_of_the_utility() {
        let own = OwnLines::Daemon {
            prefix: "[p] ".to_owned(),
            level: LogLevel::Warn,
        };
        assert_eq!(
            logged(own),
            "2025/01/01 00:00:00 INF    1 (h:1) connecting to nsqd\n\
             [p] 2025/01/01 00:00:00.000000 WARNING: one\\ntwo\n"
        );
    }
}
