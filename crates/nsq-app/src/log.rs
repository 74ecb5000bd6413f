//! The log: one line per event on standard error, in NSQ's format.
//!
//! ```text
//! <prefix>YYYY/MM/DD HH:MM:SS.uuuuuu LEVEL: message
//! ```
//!
//! Libraries and daemons write `tracing` events; [`Log`] turns them into lines. Only the message of an
//! event is part of the format, other fields follow it as ` name=value`. Characters that could end a
//! line or steer a terminal are escaped, so a name chosen by a client cannot forge a line.
//!
//! An event below the level costs one comparison with a global: the level is made known to the
//! `tracing` macros, also when it [changes](Log::set_level).

mod line;

pub(crate) use line::Line;

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use nsq_flags::LogLevel;
use nsq_runtime::Clock;
use parking_lot::Mutex;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{Interest, SetGlobalDefaultError};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::LocalTime;
use line::with_line;

/// Events whose target starts so are the program's own; of others only warnings and errors are shown.
const OWN_TARGET: &str = "nsq";

/// A handle to the log of a process. Cloning gives another handle to the same log.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    prefix: String,
    /// The number of a [`LogLevel`].
    level: AtomicU8,
    clock: Clock,
    time: LocalTime,
    sink: Mutex<Box<dyn Write + Send>>,
}

impl Log {
    /// A log that writes to standard error, one system call per line.
    pub fn stderr(prefix: impl Into<String>, level: LogLevel, clock: Clock) -> Self {
        Self::new(prefix, level, clock, LocalTime::system(), Box::new(io::stderr()))
    }

    /// A log that writes to `sink`, for tests. Lines are written whole, one at a time.
    pub fn new(
        prefix: impl Into<String>,
        level: LogLevel,
        clock: Clock,
        time: LocalTime,
        sink: Box<dyn Write + Send>,
    ) -> Self {
        Self(Arc::new(Inner {
            prefix: prefix.into(),
            level: AtomicU8::new(level.number()),
            clock,
            time,
            sink: Mutex::new(sink),
        }))
    }

    /// Makes this the log of the process.
    ///
    /// # Errors
    /// The process has one already.
    pub fn install(&self) -> Result<(), SetGlobalDefaultError> {
        tracing::subscriber::set_global_default(self.subscriber())
    }

    /// What receives the events, for a log that is not that of the whole process.
    pub fn subscriber(&self) -> impl Subscriber + Send + Sync + 'static {
        Registry::default().with(Lines(Arc::clone(&self.0)))
    }

    /// The local time by which lines are stamped.
    pub fn time(&self) -> &LocalTime {
        &self.0.time
    }

    /// The least serious kind of event that is logged.
    pub fn level(&self) -> LogLevel {
        self.0.level()
    }

    /// Logs events from `level` on, at once and in all threads.
    pub fn set_level(&self, level: LogLevel) {
        self.0.level.store(level.number(), Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
    }

    /// Writes a line of level FATAL, which no level hides. `tracing` has no such level.
    pub fn fatal(&self, message: impl fmt::Display) {
        let log = &self.0;
        with_line(|line| {
            log.start(line, LogLevel::Fatal.name());
            line.push(format_args!("{message}"));
            log.write(line.end());
        });
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("prefix", &self.0.prefix)
            .field("level", &self.level())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn level(&self) -> LogLevel {
        match self.level.load(Ordering::Relaxed) {
            1 => LogLevel::Debug,
            2 => LogLevel::Info,
            3 => LogLevel::Warn,
            4 => LogLevel::Error,
            _ => LogLevel::Fatal,
        }
    }

    fn filter(&self) -> LevelFilter {
        match self.level() {
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Fatal => LevelFilter::OFF,
        }
    }

    fn shows(&self, metadata: &Metadata<'_>) -> bool {
        let is_own = metadata.target().starts_with(OWN_TARGET);
        *metadata.level() <= self.filter() && (is_own || *metadata.level() <= Level::WARN)
    }

    fn start(&self, line: &mut Line, level: &str) {
        line.start(&self.prefix, &self.time, self.clock.wall_ns(), level);
    }

    /// A log that cannot be written has nobody to tell, and must not stop what is being logged.
    fn write(&self, line: &str) {
        let _ = self.sink.lock().write_all(line.as_bytes());
    }
}

/// Turns events into lines.
struct Lines(Arc<Inner>);

impl<S: Subscriber> Layer<S> for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Kept by the call site until the level changes and all are asked again.
        if self.0.shows(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.0.shows(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.filter())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let log = &self.0;
        with_line(|line| {
            log.start(line, level_name(*event.metadata().level()));
            event.record(line);
            log.write(line.end());
        });
    }
}

/// NSQ's name of a level. Finer events than debug ones are not known to it.
fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => LogLevel::Error.name(),
        Level::WARN => LogLevel::Warn.name(),
        Level::INFO => LogLevel::Info.name(),
        _ => LogLevel::Debug.name(),
    }
}

#[cfg(test)]
mod tests;
