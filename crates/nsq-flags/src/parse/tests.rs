use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use proptest::prelude::*;

use super::*;
use crate::{FloatList, GoDuration, LogLevel, StringList, field};

#[derive(Debug, Default, PartialEq)]
struct Options {
    deflate: bool,
    node_id: i64,
    msg_timeout: GoDuration,
    data_path: String,
    sample: f64,
    topic: StringList,
    percentile: FloatList,
    log_level: LogLevel,
}

static TABLE: Table<Options> = Table::new(&[
    Flag::new("deflate", field!(deflate), ""),
    Flag::new("node-id", field!(node_id), ""),
    Flag::new("msg-timeout", field!(msg_timeout), ""),
    Flag::new("data-path", field!(data_path), ""),
    Flag::new("sample", field!(sample), ""),
    Flag::new("topic", field!(topic), ""),
    Flag::new("percentile", field!(percentile), ""),
    Flag::new("log-level", field!(log_level), ""),
]);

fn parse(args: &[&str]) -> Result<(Options, Given), ParseError> {
    let mut options = Options::default();
    let given = TABLE.parse(args.iter().map(Into::into), &mut options)?;
    Ok((options, given))
}

fn options(args: &[&str]) -> Options {
    parse(args).unwrap().0
}

fn refusal(args: &[&str]) -> ParseError {
    parse(args).unwrap_err()
}

#[test]
fn one_dash_or_two_and_equals_or_a_space_are_the_same() {
    for args in [
        &["-node-id=5"][..],
        &["--node-id=5"],
        &["-node-id", "5"],
        &["--node-id", "5"],
    ] {
        assert_eq!(options(args).node_id, 5, "{args:?}");
    }
}

#[test]
fn a_value_may_start_with_a_dash_hold_equals_signs_or_be_empty() {
    assert_eq!(options(&["-node-id", "-5"]).node_id, -5);
    assert_eq!(options(&["-data-path", "--deflate"]).data_path, "--deflate");
    assert_eq!(options(&["-data-path=a=b"]).data_path, "a=b");
    assert_eq!(options(&["-data-path=x", "-data-path="]).data_path, "");
    assert_eq!(options(&["-data-path=x", "-data-path", ""]).data_path, "");
}

#[test]
fn a_switch_stands_alone_or_takes_its_value_after_equals() {
    for (args, value) in [
        (&["-deflate"][..], true),
        (&["--deflate=true"], true),
        (&["-deflate=T"], true),
        (&["-deflate", "-deflate=0"], false),
        (&["-deflate=FALSE"], false),
    ] {
        assert_eq!(options(args).deflate, value, "{args:?}");
    }
}

#[test]
fn a_word_after_a_switch_ends_the_flags() {
    let (options, given) = parse(&["--deflate", "false", "--node-id=5"]).unwrap();
    assert!(options.deflate);
    assert_eq!(options.node_id, 0);
    assert_eq!(given.rest(), ["false", "--node-id=5"]);
}

#[test]
fn flags_end_at_the_first_word_a_lone_dash_or_two_dashes() {
    for (args, rest) in [
        (&["foo", "--nope"][..], &["foo", "--nope"][..]),
        (&["-", "--nope"], &["-", "--nope"]),
        (&["", "--nope"], &["", "--nope"]),
        (&["--", "--nope"], &["--nope"]),
        (&["--"], &[]),
        (&[], &[]),
    ] {
        assert_eq!(parse(args).unwrap().1.rest(), rest, "{args:?}");
    }
}

#[test]
fn the_last_scalar_wins_and_lists_grow() {
    let options = options(&[
        "-node-id=1",
        "-topic=b",
        "-percentile=0.5,1.0",
        "-node-id=2",
        "-topic",
        "a,c",
        "-percentile=.99",
    ]);
    assert_eq!(options.node_id, 2);
    assert_eq!(options.topic.as_slice(), ["b", "a,c"]);
    assert_eq!(options.percentile.as_slice(), [1.0, 0.99, 0.5]);
}

#[test]
fn what_was_given_is_known() {
    let (_, given) = parse(&["-node-id=0", "--deflate"]).unwrap();
    assert!(given.contains("node-id") && given.contains("deflate") && !given.contains("topic"));
}

#[test]
fn names_are_whole_and_case_sensitive() {
    for name in ["node", "Node-id", "node_id", "nope", "v"] {
        assert_eq!(
            refusal(&[&format!("--{name}=1")]),
            ParseError::Usage(format!("flag provided but not defined: -{name}"))
        );
    }
}

#[test]
fn help_is_asked_for_in_four_ways() {
    for args in [
        &["-h"][..],
        &["--h"],
        &["-help"],
        &["--help"],
        &["--help=me"],
        &["-deflate", "-h"],
    ] {
        assert_eq!(refusal(args), ParseError::Help, "{args:?}");
    }
}

#[test]
fn bad_flags_are_refused_in_gos_words() {
    for (args, line) in [
        (&["-nope"][..], "flag provided but not defined: -nope"),
        (&["--nope=1"], "flag provided but not defined: -nope"),
        (&["-node-id"], "flag needs an argument: -node-id"),
        (&["--log-level"], "flag needs an argument: -log-level"),
        (&["---version"], "bad flag syntax: ---version"),
        (&["-=x"], "bad flag syntax: -=x"),
        (&["--=x"], "bad flag syntax: --=x"),
        (&["---"], "bad flag syntax: ---"),
        (
            &["-node-id=abc"],
            r#"invalid value "abc" for flag -node-id: parse error"#,
        ),
        (
            &["--node-id", "abc"],
            r#"invalid value "abc" for flag -node-id: parse error"#,
        ),
        (
            &["-node-id="],
            r#"invalid value "" for flag -node-id: parse error"#,
        ),
        (
            &["-node-id=9223372036854775808"],
            r#"invalid value "9223372036854775808" for flag -node-id: value out of range"#,
        ),
        (
            &["--msg-timeout=60"],
            r#"invalid value "60" for flag -msg-timeout: parse error"#,
        ),
        (
            &["-sample=x"],
            r#"invalid value "x" for flag -sample: parse error"#,
        ),
        (
            &["-sample=1e999"],
            r#"invalid value "1e999" for flag -sample: value out of range"#,
        ),
        (
            &["-deflate=maybe"],
            r#"invalid boolean value "maybe" for -deflate: parse error"#,
        ),
        (
            &["-deflate="],
            r#"invalid boolean value "" for -deflate: parse error"#,
        ),
        (
            &["-log-level=verbose"],
            "invalid value \"verbose\" for flag -log-level: \
             invalid log level 'verbose' (debug, info, warn, error, fatal)",
        ),
        (
            &["-node-id=a\nb"],
            r#"invalid value "a\nb" for flag -node-id: parse error"#,
        ),
    ] {
        assert_eq!(refusal(args), ParseError::Usage(line.to_owned()), "{args:?}");
    }
}

#[test]
fn a_bad_percentile_ends_with_a_line_of_its_own() {
    assert_eq!(
        refusal(&["-percentile=0.5,abc,x"]),
        ParseError::Fatal("Could not parse: abc".to_owned())
    );
}

#[test]
fn the_first_bad_flag_stops() {
    assert_eq!(
        refusal(&["-node-id=1", "-first", "-node-id=x"]),
        ParseError::Usage("flag provided but not defined: -first".to_owned())
    );
}

#[test]
fn levels_are_read_in_any_case() {
    for (word, level) in [
        ("debug", LogLevel::Debug),
        ("INFO", LogLevel::Info),
        ("Warn", LogLevel::Warn),
        ("error", LogLevel::Error),
        ("fatal", LogLevel::Fatal),
    ] {
        assert_eq!(options(&["-log-level", word]).log_level, level);
    }
}

#[test]
fn a_value_that_is_not_text_is_refused_rather_than_changed() {
    for (args, flag) in [
        (vec![b"-data-path=/a\xff".to_vec()], "data-path"),
        (vec![b"-data-path".to_vec(), b"/a\xff".to_vec()], "data-path"),
    ] {
        let args = args.into_iter().map(OsString::from_vec);
        let error = TABLE.parse(args, &mut Options::default()).unwrap_err();
        assert_eq!(
            error,
            ParseError::Usage(format!(
                "invalid value \"/a\u{fffd}\" for flag -{flag}: not valid UTF-8"
            ))
        );
    }
}

#[test]
fn words_after_the_flags_need_not_be_text() {
    let word = OsString::from_vec(b"\xff".to_vec());
    let given = TABLE.parse([word.clone()], &mut Options::default()).unwrap();
    assert_eq!(given.rest(), [word]);
}

proptest! {
    #[test]
    fn no_command_line_makes_it_panic(
        args in prop::collection::vec(
            prop_oneof![
                "-{0,3}(deflate|node-id|topic|percentile|h)?=?.{0,6}",
                prop::collection::vec(any::<u8>(), 0..8)
                    .prop_map(|bytes| OsString::from_vec(bytes).to_string_lossy().into_owned()),
            ],
            0..6,
        )
    ) {
        let _ = TABLE.parse(args.into_iter().map(Into::into), &mut Options::default());
    }

    #[test]
    fn every_text_is_a_string_value(text in ".*") {
        prop_assert_eq!(&options(&[&format!("-data-path={text}")]).data_path, &text);
        prop_assert_eq!(&options(&["-data-path", &text]).data_path, &text);
    }
}
