//! How a process ends before its work has begun.

use std::io::{self, Write};
use std::process::ExitCode;

use nsq_flags::{FileError, LogLevel, ParseError};
use nsq_runtime::Clock;

use crate::LocalTime;
use crate::log::Line;

/// A reason not to start, with what is printed for it and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// `--version`: the line goes to standard output; code 0.
    Version(String),
    /// `-h`: the usage text goes to standard error; code 0.
    Help {
        /// The usage text.
        usage: String,
    },
    /// A bad flag: the line and the usage text go to standard error; code 2.
    Usage {
        /// What is wrong.
        line: String,
        /// The usage text.
        usage: String,
    },
    /// A line with date and time to the second but neither prefix nor level; code 1.
    Dated(String),
    /// A log line of level FATAL; code 1.
    Fatal {
        /// What the line starts with: the program's name in brackets and a space, whatever
        /// `--log-prefix` says.
        prefix: String,
        /// The message.
        message: String,
    },
}

impl Exit {
    /// A fatal error of `program`.
    pub fn fatal(program: &str, message: impl Into<String>) -> Self {
        Self::Fatal {
            prefix: format!("[{program}] "),
            message: message.into(),
        }
    }

    /// The end that a command line asks for; `usage` makes the usage text.
    pub fn from_parse(error: ParseError, usage: impl FnOnce() -> String) -> Self {
        match error {
            ParseError::Help => Self::Help { usage: usage() },
            ParseError::Fatal(line) => Self::Dated(line),
            other => Self::Usage {
                line: other.to_string(),
                usage: usage(),
            },
        }
    }

    /// The end that a configuration file asks for.
    pub fn from_file(program: &str, error: &FileError) -> Self {
        if error.is_logged() {
            Self::fatal(program, error.to_string())
        } else {
            Self::Dated(error.to_string())
        }
    }

    /// The code the process ends with.
    pub fn code(&self) -> u8 {
        match self {
            Self::Version(_) | Self::Help { .. } => 0,
            Self::Dated(_) | Self::Fatal { .. } => 1,
            Self::Usage { .. } => 2,
        }
    }

    /// Prints what there is to print and gives the code for `main` to return.
    ///
    /// A standard output or error that cannot be written to changes nothing: nobody is left to tell.
    pub fn report(&self, clock: &Clock) -> ExitCode {
        let text = self.text(&LocalTime::system(), clock.wall_ns());
        let _ = match self {
            Self::Version(_) => io::stdout().lock().write_all(text.as_bytes()),
            _ => io::stderr().lock().write_all(text.as_bytes()),
        };
        ExitCode::from(self.code())
    }

    /// What is printed at `wall_ns`, in nanoseconds since the Unix epoch.
    fn text(&self, time: &LocalTime, wall_ns: i64) -> String {
        match self {
            Self::Version(line) => format!("{line}\n"),
            Self::Help { usage } => usage.clone(),
            Self::Usage { line, usage } => format!("{line}\n{usage}"),
            Self::Dated(line) => format!("{} {line}\n", time.to_second(wall_ns)),
            Self::Fatal { prefix, message } => {
                let mut line = Line::default();
                line.start(prefix, time, wall_ns, LogLevel::Fatal.name());
                line.push(format_args!("{message}"));
                line.end().to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_NS: i64 = 1_795_190_069_123_456_789;

    fn text(exit: &Exit) -> String {
        exit.text(&LocalTime::utc(), NOON_NS)
    }

    #[test]
    fn a_version_is_one_line_and_success() {
        let exit = Exit::Version("nsqd v1.3.0 (built w/rust1.95.0)".to_owned());
        assert_eq!(
            (text(&exit).as_str(), exit.code()),
            ("nsqd v1.3.0 (built w/rust1.95.0)\n", 0)
        );
    }

    #[test]
    fn help_is_the_usage_text_and_success() {
        let exit = Exit::from_parse(ParseError::Help, || "Usage of nsqd:\n".to_owned());
        assert_eq!((text(&exit).as_str(), exit.code()), ("Usage of nsqd:\n", 0));
    }

    #[test]
    fn a_bad_flag_is_its_line_and_the_usage_text_with_code_2() {
        let error = ParseError::Usage("flag provided but not defined: -nope".to_owned());
        let exit = Exit::from_parse(error, || "Usage of nsqd:\n".to_owned());
        assert_eq!(
            (text(&exit).as_str(), exit.code()),
            ("flag provided but not defined: -nope\nUsage of nsqd:\n", 2)
        );
    }

    #[test]
    fn a_bad_percentile_is_a_dated_line_without_usage_and_code_1() {
        let error = ParseError::Fatal("Could not parse: abc".to_owned());
        let exit = Exit::from_parse(error, || unreachable!());
        assert_eq!(
            (text(&exit).as_str(), exit.code()),
            ("2026/11/20 15:54:29 Could not parse: abc\n", 1)
        );
    }

    #[test]
    fn a_fatal_line_carries_the_programs_own_prefix() {
        let exit = Exit::fatal("nsqd", "failed to instantiate nsqd - no\nway");
        assert_eq!(
            (text(&exit).as_str(), exit.code()),
            (
                "[nsqd] 2026/11/20 15:54:29.123456 FATAL: failed to instantiate nsqd - no\\nway\n",
                1
            )
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_fatal() {
        let error = nsq_flags::ConfigFile::read("/nonexistent/x.cfg").unwrap_err();
        assert_eq!(
            text(&Exit::from_file("nsqd", &error)),
            "[nsqd] 2026/11/20 15:54:29.123456 FATAL: failed to load config file /nonexistent/x.cfg - \
             open /nonexistent/x.cfg: no such file or directory\n"
        );
    }
}
