//! The flags of `nsq_diskqueue`.

use std::ffi::OsString;
use std::path::PathBuf;

use nsq_app::Exit;
use nsq_flags::{Flag, Table, field};

use super::PROGRAM;
use crate::shell::{self, fail};

type Row = Flag<RawOptions>;

/// The flags of `nsq_diskqueue`, once each.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print version"),
    Row::new("data-path", field!(data_path), "path of the directory of an nsqd"),
    Row::new("topic", field!(topic), "look at this topic only"),
    Row::new(
        "channel",
        field!(channel),
        "look at this channel of the topic only",
    ),
    Row::new(
        "format",
        field!(format),
        "what export prints: lines (bodies), json (a line per message), raw (bodies, each behind its size in 4 bytes)",
    ),
    Row::new("output", field!(output), "new directory for salvage"),
    Row::new(
        "max-msg-size",
        field!(max_msg_size),
        "--max-msg-size of the nsqd, which helps telling messages from damage",
    ),
    Row::new(
        "live",
        field!(live),
        "look even while an nsqd uses the directory; what is found may be moving",
    ),
]);

/// The value of every flag, before any is checked.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each field is a flag, and TABLE holds its help text")]
pub struct RawOptions {
    pub version: bool,
    pub data_path: String,
    pub topic: String,
    pub channel: String,
    pub format: String,
    pub output: String,
    pub max_msg_size: i64,
    pub live: bool,
}

impl Default for RawOptions {
    fn default() -> Self {
        Self {
            version: false,
            data_path: String::new(),
            topic: String::new(),
            channel: String::new(),
            format: "lines".to_owned(),
            output: String::new(),
            // Upstream: nsqd/options.go, NewOptions.
            max_msg_size: 1024 * 1024,
            live: false,
        }
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    List,
    Verify,
    Export,
    Salvage,
}

/// What a message is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Lines,
    Json,
    Raw,
}

/// The options of one `nsq_diskqueue`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    pub(super) command: Command,
    pub(super) data_path: PathBuf,
    pub(super) topic: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) format: Format,
    /// Where salvage writes; empty for the other commands.
    pub(super) output: PathBuf,
    pub(super) max_msg_size: u32,
    pub(super) is_live: bool,
}

impl Options {
    /// Reads the command line: the command stands in front of the flags, or behind them.
    pub(super) fn load(args: impl IntoIterator<Item = OsString>) -> Result<Self, Exit> {
        let mut args: Vec<OsString> = args.into_iter().collect();
        let leads = args
            .get(1)
            .is_some_and(|first| !first.to_string_lossy().starts_with('-'));
        let mut command = leads.then(|| args.remove(1));
        let (raw, given) = shell::load(PROGRAM, &TABLE, args, |raw| raw.version)?;
        let mut rest = given.rest().iter();
        if command.is_none() {
            command = rest.next().cloned();
        }
        if let Some(unknown) = rest.next() {
            return Err(fail(format_args!("what is {} for?", unknown.to_string_lossy())));
        }
        let command = match command.as_ref().and_then(|command| command.to_str()) {
            Some("list") => Command::List,
            Some("verify") => Command::Verify,
            Some("export") => Command::Export,
            Some("salvage") => Command::Salvage,
            _ => return Err(fail("use one of the commands list, verify, export and salvage")),
        };
        Self::validate(raw, command)
    }

    fn validate(raw: RawOptions, command: Command) -> Result<Self, Exit> {
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        let (topic, channel) = (given(raw.topic), given(raw.channel));
        if raw.data_path.is_empty() {
            return Err(fail("--data-path is required"));
        }
        if topic.is_none() && (channel.is_some() || command == Command::Export) {
            return Err(fail("--topic is required"));
        }
        let format = match raw.format.as_str() {
            "lines" => Format::Lines,
            "json" => Format::Json,
            "raw" => Format::Raw,
            _ => return Err(fail("--format should be lines, json or raw")),
        };
        if raw.output.is_empty() == (command == Command::Salvage) {
            return Err(fail("--output is required for salvage, and for nothing else"));
        }
        if raw.live && command == Command::Salvage {
            return Err(fail(
                "--live is not for salvage: a copy of what moves is worth nothing",
            ));
        }
        // A message and its header have a length of 31 bits.
        let max_msg_size = u32::try_from(raw.max_msg_size)
            .ok()
            .filter(|size| (1..=1 << 30).contains(size))
            .ok_or_else(|| fail("--max-msg-size should be within 1 and 1073741824"))?;
        Ok(Self {
            command,
            data_path: raw.data_path.into(),
            topic,
            channel,
            format,
            output: raw.output.into(),
            max_msg_size,
            is_live: raw.live,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: &str) -> Result<Options, Exit> {
        let args = ["nsq_diskqueue"].into_iter().chain(flags.split_whitespace());
        Options::load(args.map(Into::into))
    }

    #[test]
    fn the_command_stands_before_or_behind_the_flags() {
        let before = load("verify --data-path=d --topic t").unwrap();
        assert_eq!(before.command, Command::Verify);
        assert_eq!(load("-data-path d -topic=t verify"), Ok(before));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (flags, line) in [
            ("", "use one of the commands list, verify, export and salvage"),
            (
                "repair",
                "use one of the commands list, verify, export and salvage",
            ),
            ("list", "--data-path is required"),
            ("list --data-path=d more", "what is more for?"),
            ("export --data-path=d", "--topic is required"),
            ("list --data-path=d --channel=c", "--topic is required"),
            (
                "list --data-path=d --format=xml",
                "--format should be lines, json or raw",
            ),
            (
                "salvage --data-path=d",
                "--output is required for salvage, and for nothing else",
            ),
            (
                "verify --data-path=d --output=o",
                "--output is required for salvage, and for nothing else",
            ),
            (
                "salvage --data-path=d --output=o --live",
                "--live is not for salvage: a copy of what moves is worth nothing",
            ),
            (
                "list --data-path=d --max-msg-size=-1",
                "--max-msg-size should be within 1 and 1073741824",
            ),
        ] {
            assert_eq!(load(flags), Err(Exit::Dated(line.to_owned())), "{flags}");
        }
    }
}
