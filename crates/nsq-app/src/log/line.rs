//! One line: its parts in order, and a buffer that is used again.

use std::cell::Cell;
use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};

use crate::LocalTime;
use crate::time::Stamp;

/// A buffer that one large message has grown beyond this is not kept.
const KEPT_BYTES_MAX: usize = 16 << 10;

thread_local! {
    /// Taken while a line is made: a message that logs while it is being formatted gets a fresh one.
    static SPARE: Cell<Line> = Cell::new(Line::default());
}

/// Calls `make` with an empty line of this thread.
pub(super) fn with_line(make: impl FnOnce(&mut Line)) {
    let mut line = SPARE.take();
    line.text.clear();
    make(&mut line);
    if line.text.capacity() <= KEPT_BYTES_MAX {
        SPARE.set(line);
    }
}

/// A log line being made.
#[derive(Debug, Default)]
pub(crate) struct Line {
    text: String,
    stamp: Stamp,
}

impl Line {
    /// Writes what stands before the message.
    pub(crate) fn start(&mut self, prefix: &str, time: &LocalTime, wall_ns: i64, level: &str) {
        self.text.push_str(prefix);
        self.stamp.write(time, wall_ns, &mut self.text);
        self.text.push(' ');
        self.text.push_str(level);
        self.text.push_str(": ");
    }

    /// Appends to the message what `part` shows, escaped.
    pub(crate) fn push(&mut self, part: fmt::Arguments<'_>) {
        // A part whose own formatting fails is cut short there.
        let _ = Escaping(&mut self.text).write_fmt(part);
    }

    /// Ends the line and gives all of it.
    pub(crate) fn end(&mut self) -> &str {
        self.text.push('\n');
        &self.text
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.push(format_args!("{value:?}"));
        } else {
            self.push(format_args!(" {}={value:?}", field.name()));
        }
    }
}

/// Escapes what would end the line or reach a terminal as a command.
struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| is_unsafe(c)) {
            let (before, after) = rest.split_at(at);
            self.0.push_str(before);
            write!(self.0, "{}", c.escape_default())?;
            rest = after.get(c.len_utf8()..).unwrap_or_default();
        }
        self.0.push_str(rest);
        Ok(())
    }
}

/// Control characters, and the two that some readers take for the end of a line.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_message_does_not_keep_its_memory() {
        with_line(|line| line.push(format_args!("{}", "x".repeat(1 << 20))));
        with_line(|line| assert!(line.text.is_empty() && line.text.capacity() <= KEPT_BYTES_MAX));
    }

    #[test]
    fn a_line_made_while_another_is_being_made_starts_empty() {
        with_line(|outer| {
            outer.push(format_args!("outer"));
            with_line(|inner| assert_eq!(inner.end(), "\n"));
            assert_eq!(outer.end(), "outer\n");
        });
    }
}
