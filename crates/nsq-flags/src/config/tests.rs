use proptest::prelude::*;

use super::*;
use crate::{Flag, GoDuration, LogLevel, ParseError, StringList, field};

#[derive(Debug, PartialEq)]
struct Options {
    id: i64,
    mem_queue_size: i64,
    msg_timeout: GoDuration,
    deflate: bool,
    verbose: bool,
    topics: StringList,
    log_level: LogLevel,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            id: 7,
            mem_queue_size: 10_000,
            msg_timeout: GoDuration::from_secs(60),
            deflate: true,
            verbose: false,
            topics: StringList::default(),
            log_level: LogLevel::Info,
        }
    }
}

type Row = Flag<Options>;

static TABLE: Table<Options> = Table::new(&[
    Row::new("verbose", field!(verbose), ""),
    Row::option("node-id", field!(id), "ID", "").key("id"),
    Row::option("mem-queue-size", field!(mem_queue_size), "MemQueueSize", ""),
    Row::option("msg-timeout", field!(msg_timeout), "MsgTimeout", ""),
    Row::option("deflate", field!(deflate), "DeflateEnabled", ""),
    Row::option("topic", field!(topics), "Topics", "").key("topics"),
    Row::option("log-level", field!(log_level), "LogLevel", ""),
]);

/// What `args` and a file of `text` make together.
fn resolve(args: &[&str], text: &str) -> Result<Options, String> {
    let mut options = Options::default();
    let given = TABLE
        .parse(args.iter().map(Into::into), &mut options)
        .map_err(|error: ParseError| error.to_string())?;
    let file = ConfigFile::parse(text)?;
    TABLE
        .resolve(&mut options, &given, &file)
        .map_err(|error| error.to_string())?;
    Ok(options)
}

#[test]
fn a_flag_wins_over_the_file_which_wins_over_the_default() {
    let options = resolve(&["-node-id=1"], "id = 2\nmem_queue_size = 3").unwrap();
    assert_eq!(
        options,
        Options {
            id: 1,
            mem_queue_size: 3,
            ..Options::default()
        }
    );
}

#[test]
fn a_flag_wins_even_with_the_defaults_value() {
    assert_eq!(
        resolve(&["-node-id=7", "-deflate"], "id = 2\ndeflate = false"),
        Ok(Options::default())
    );
}

#[test]
fn a_list_of_flags_replaces_the_files() {
    let options = resolve(&["-topic=a", "-topic=b"], r#"topics = ["c"]"#).unwrap();
    assert_eq!(options.topics.as_slice(), ["a", "b"]);
    let options = resolve(&[], r#"topics = ["c"]"#).unwrap();
    assert_eq!(options.topics.as_slice(), ["c"]);
}

#[test]
fn keys_that_are_not_options_are_ignored() {
    let text = r#"
        unknown = 1
        verbose = true
        node_id = 2
        node-id = 3
        mem-queue-size = 4
        Deflate = false
        topic = ["x"]
        [section]
        id = 5
        [[more]]
        deflate = false
    "#;
    assert_eq!(resolve(&[], text), Ok(Options::default()));
}

#[test]
fn a_value_that_does_not_convert_is_named_with_its_default() {
    for (text, line) in [
        (
            r#"mem_queue_size = "abc""#,
            "ERROR: Resolve failed to coerce value abc (10000) for field MemQueueSize - \
             strconv.ParseInt: parsing \"abc\": invalid syntax",
        ),
        (
            r#"msg_timeout = "60""#,
            "ERROR: Resolve failed to coerce value 60 (1m0s) for field MsgTimeout - \
             time: missing unit in duration \"60\"",
        ),
        (
            r#"deflate = "yes""#,
            "ERROR: Resolve failed to coerce value yes (true) for field DeflateEnabled - \
             strconv.ParseBool: parsing \"yes\": invalid syntax",
        ),
        (
            "id = 1.5",
            "ERROR: Resolve failed to coerce value 1.5 (7) for field ID - invalid int64 value type float64",
        ),
        (
            r#"topics = ["a", 1]"#,
            "ERROR: Resolve failed to coerce value [a 1] ([]) for field Topics - \
             invalid []string element type int64",
        ),
    ] {
        assert_eq!(resolve(&[], text), Err(line.to_owned()), "{text}");
    }
}

#[test]
fn a_bad_value_behind_a_flag_is_not_looked_at() {
    assert_eq!(
        resolve(&["-node-id=1"], "id = \"abc\"").map(|options| options.id),
        Ok(1)
    );
}

#[test]
fn the_first_bad_value_of_the_table_is_named() {
    let error = resolve(&[], "deflate = \"x\"\nmem_queue_size = \"x\"").unwrap_err();
    assert!(error.contains("MemQueueSize"), "{error}");
}

#[test]
fn an_enumeration_is_checked_before_all_else_and_behind_a_flag() {
    for (value, shown) in [(r#""verbose""#, "verbose"), ("2", "2"), ("[1, 2]", "[1 2]")] {
        let text = format!("id = \"abc\"\nlog_level = {value}");
        assert_eq!(
            resolve(&["-log-level=debug"], &text),
            Err(format!("failed parsing log_level {shown}"))
        );
    }
    let options = resolve(&["-log-level=debug"], "log_level = \"warn\"").unwrap();
    assert_eq!(options.log_level, LogLevel::Debug);
}

#[test]
fn only_conversion_errors_are_not_logged() {
    let coerce = FileError::Coerce {
        value: String::new(),
        default: String::new(),
        field: "ID",
        cause: CoerceError(String::new()),
    };
    assert!(!coerce.is_logged());
    let parsing = FileError::Parsing {
        key: "log_level".to_owned(),
        value: "x".to_owned(),
    };
    assert!(parsing.is_logged());
}

#[test]
fn a_syntax_error_names_its_line() {
    for (text, line) in [
        ("tcp_address", "toml: line 1: "),
        ("a = 1\nb = \n", "toml: line 2: "),
        ("a = 1\nb = 2\na = 3\n", "toml: line 3: "),
        ("a = 99999999999999999999", "toml: line 1: "),
    ] {
        let error = ConfigFile::parse(text).unwrap_err();
        assert!(error.starts_with(line) && error.len() > line.len(), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    assert_eq!(
        ConfigFile::read("/x.cfg").unwrap_err().to_string(),
        "failed to load config file /x.cfg - open /x.cfg: no such file or directory"
    );
    assert_eq!(
        ConfigFile::read("/").unwrap_err().to_string(),
        "failed to load config file / - read /: is a directory"
    );
}

#[test]
fn a_file_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nsqd.cfg");
    std::fs::write(&path, "id = 3\n").unwrap();
    let file = ConfigFile::read(path.to_str().unwrap()).unwrap();
    assert_eq!(file.get("id"), Some(&FileValue::Integer(3)));
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let error = ConfigFile::read("/dev/zero").unwrap_err().to_string();
    assert_eq!(
        error,
        "failed to load config file /dev/zero - read /dev/zero: larger than 16777216 bytes"
    );
}

#[test]
fn a_file_that_is_not_text_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nsqd.cfg");
    std::fs::write(&path, b"log_prefix = \"\xff\"").unwrap();
    let error = ConfigFile::read(path.to_str().unwrap()).unwrap_err().to_string();
    assert!(error.contains("UTF-8"), "{error}");
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in ".{0,40}", key in "(id|deflate|topics|msg_timeout|log_level)", value in ".{0,12}") {
        let _ = resolve(&[], &text);
        let _ = resolve(&[], &format!("{key} = {value}"));
        let _ = resolve(&[], &format!("{key} = '{value}'"));
    }
}
