//! What the sources must not contain.

use std::fs;

use super::{files, relative, root};

/// The length beyond which a file must be asked whether it is two things.
const LINES_MAX: usize = 800;

/// Longer files, each with the reason why it is one thing.
const LONG_FILES: &[(&str, &str)] = &[];

/// Text that may not be landed, put together here so that this file does not contain it.
fn forbidden() -> Vec<String> {
    ["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "FIXME", "XXX"]
        .map(str::to_owned)
        .to_vec()
}

#[test]
fn no_file_grows_beyond_one_thing() {
    for path in files(root(), &["rs"]) {
        let name = relative(&path);
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let excused = LONG_FILES.iter().any(|(long, _)| *long == name);
        assert!(
            lines <= LINES_MAX || excused,
            "{name} has {lines} lines: is it two things?"
        );
        assert!(
            lines > LINES_MAX || !excused,
            "{name} has {lines} lines and needs no excuse any more"
        );
    }
}

#[test]
fn nothing_unfinished_is_landed() {
    let forbidden = forbidden();
    for path in files(root(), &["rs"]) {
        if path.ends_with("tidy/sources.rs") {
            continue;
        }
        for (index, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let place = format!("{}:{}", relative(&path), index + 1);
            for text in &forbidden {
                assert!(!line.contains(text), "{place} contains {text}");
            }
            if let Some((_, behind)) = line.split_once("TODO") {
                let digits = behind
                    .strip_prefix("(#")
                    .and_then(|rest| rest.split_once(')'))
                    .map(|(digits, _)| digits);
                let numbered = digits
                    .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
                assert!(
                    numbered,
                    "{place}: a TODO carries the number of its issue, as in TODO(#12)"
                );
            }
        }
    }
}

#[test]
fn lint_exceptions_are_expectations_with_a_reason() {
    for path in files(root(), &["rs"]) {
        if path.ends_with("tidy/sources.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for allowance in ["#[allow(", "#![allow("] {
            assert!(
                !text.contains(allowance),
                "{} contains {allowance}: use expect, with a reason",
                relative(&path)
            );
        }
        for opening in ["#[expect(", "#![expect("] {
            for exception in text.split(opening).skip(1) {
                let exception = exception.split_once(")]").map_or(exception, |(inside, _)| inside);
                assert!(
                    exception.contains("reason ="),
                    "{}: an exception without a reason: {exception}",
                    relative(&path)
                );
            }
        }
    }
}
