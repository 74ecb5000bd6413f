use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;

/// Metadata of topics written as `name`, `name!` for paused, each with such channels.
fn metadata(topics: &[(&str, &[&str])]) -> Metadata {
    let split = |text: &str| (text.trim_end_matches('!').to_owned(), text.ends_with('!'));
    Metadata {
        topics: topics
            .iter()
            .map(|(topic, channels)| {
                let (name, paused) = split(topic);
                TopicMeta {
                    name: TopicName::new(name).unwrap(),
                    paused,
                    channels: channels
                        .iter()
                        .map(|channel| {
                            let (name, paused) = split(channel);
                            ChannelMeta {
                                name: ChannelName::new(name).unwrap(),
                                paused,
                            }
                        })
                        .collect(),
                }
            })
            .collect(),
    }
}

fn parse(text: &str) -> Loaded {
    Metadata::parse(text.as_bytes()).unwrap()
}

/// Written by upstream.
const UPSTREAM: &str = concat!(
    r#"{"topics":[{"name":"d","paused":false,"channels":[{"name":"c","paused":false}]},"#,
    r#"{"name":"e","paused":false,"channels":null},"#,
    r#"{"name":"f","paused":true,"channels":[{"name":"c","paused":false}]}],"version":"1.3.0"}"#
);

#[test]
fn the_bytes_are_upstreams_in_both_directions() {
    let topics = metadata(&[("d", &["c"]), ("e", &[]), ("f!", &["c"])]);
    assert_eq!(String::from_utf8(topics.to_bytes()).unwrap(), UPSTREAM);
    assert_eq!(
        parse(UPSTREAM),
        Loaded {
            metadata: topics,
            skipped: Vec::new()
        }
    );
}

#[test]
fn no_topics_are_null() {
    assert_eq!(
        Metadata::default().to_bytes(),
        br#"{"topics":null,"version":"1.3.0"}"#
    );
}

#[test]
fn what_is_ephemeral_is_not_written() {
    let topics = metadata(&[
        ("t", &["c#ephemeral", "d!"]),
        ("u#ephemeral", &["c"]),
        ("v", &["c#ephemeral"]),
    ]);
    assert_eq!(
        String::from_utf8(topics.to_bytes()).unwrap(),
        concat!(
            r#"{"topics":[{"name":"t","paused":false,"channels":[{"name":"d","paused":true}]},"#,
            r#"{"name":"v","paused":false,"channels":null}],"version":"1.3.0"}"#
        )
    );
}

#[test]
fn what_go_takes_for_empty_is_empty() {
    for text in [
        "{}",
        r#"{"topics":null}"#,
        r#"{"topics":[]}"#,
        r#" {"version":"9"} "#,
        r#"{"x":[{}]}"#,
    ] {
        assert_eq!(parse(text), Loaded::default(), "{text}");
    }
}

#[test]
fn a_null_file_is_empty_but_not_silently() {
    let loaded = parse("null");
    assert_eq!(
        (loaded.metadata, loaded.skipped),
        (Metadata::default(), vec![Skipped::Null])
    );
}

#[test]
fn missing_fields_are_zero_and_field_names_may_be_in_any_case() {
    assert_eq!(
        parse(r#"{"TOPICS":[{"Name":"t","Channels":[{"name":"c","paused":null}]}]}"#).metadata,
        metadata(&[("t", &["c"])])
    );
}

#[test]
fn ephemeral_names_are_loaded() {
    assert_eq!(
        parse(r#"{"topics":[{"name":"t#ephemeral","channels":[{"name":"c#ephemeral"}]}]}"#).metadata,
        metadata(&[("t#ephemeral", &["c#ephemeral"])])
    );
}

#[test]
fn invalid_names_are_skipped_with_a_warning_and_the_rest_is_kept() {
    let loaded = parse(concat!(
        r#"{"topics":[{"name":"a b","channels":[{"name":"c"}]},null,"#,
        r#"{"name":"t","paused":true,"channels":[{"name":"$"},{"name":"c"},{}]}]}"#
    ));
    assert_eq!(loaded.metadata, metadata(&[("t!", &["c"])]));
    let warnings: Vec<_> = loaded.skipped.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "skipping creation of invalid topic a b",
            "skipping creation of invalid topic ",
            "skipping creation of invalid channel $",
            "skipping creation of invalid channel ",
        ]
    );
}

#[test]
fn a_name_that_is_not_text_is_skipped() {
    let loaded = Metadata::parse(b"{\"topics\":[{\"name\":\"\xff\"},{\"name\":\"t\"}]}").unwrap();
    assert_eq!(loaded.metadata, metadata(&[("t", &[])]));
    assert_eq!(loaded.skipped, [Skipped::Topic("\u{fffd}".to_owned())]);
}

#[test]
fn damage_is_named() {
    for (text, cause) in [
        ("", "unexpected end of JSON input"),
        (r#"{"topics":[{"na"#, "unexpected end of JSON input"),
        ("\0\0\0\0", "expected value at line 1 column 1"),
        ("{}x", "trailing characters at line 1 column 3"),
        ("[]", "metadata is an array, not an object"),
        (r#"{"topics":{}}"#, "topics is an object, not an array"),
        (r#"{"topics":[1]}"#, "a topic is a number, not an object"),
        (r#"{"topics":[{"name":true}]}"#, "name is a boolean, not a string"),
        (
            r#"{"topics":[{"name":"t","paused":"no"}]}"#,
            "paused is a string, not a boolean",
        ),
        (
            r#"{"topics":[{"name":"t","channels":[[]]}]}"#,
            "a channel is an array, not an object",
        ),
    ] {
        assert_eq!(Metadata::parse(text.as_bytes()).unwrap_err(), cause, "{text}");
    }
}

#[test]
fn nesting_without_end_is_damage() {
    Metadata::parse("[".repeat(1 << 20).as_bytes()).unwrap_err();
}

#[test]
fn a_directory_without_metadata_is_a_fresh_start() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(Metadata::load(directory.path()).unwrap(), Loaded::default());
}

#[test]
fn errors_name_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = file_path(directory.path());
    fs::write(&path, "").unwrap();
    assert_eq!(
        Metadata::load(directory.path()).unwrap_err().to_string(),
        format!(
            "failed to parse metadata in {} - unexpected end of JSON input",
            path.display()
        )
    );
    assert_eq!(fs::read(&path).unwrap(), b"", "a damaged file is left alone");

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(
        Metadata::load(directory.path()).unwrap_err().to_string(),
        format!(
            "failed to read metadata from {path} - read {path}: is a directory",
            path = path.display()
        )
    );
}

#[test]
fn storing_replaces_the_file_and_leaves_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        file_path(directory.path()),
        "older and longer than what replaces it".repeat(100),
    )
    .unwrap();
    let topics = metadata(&[("t", &["c"])]);
    topics.store(directory.path()).unwrap();
    assert_eq!(Metadata::load(directory.path()).unwrap().metadata, topics);

    let entries: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_cannot_be_replaced_is_left_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    // A directory in the place of the file cannot be renamed over.
    fs::create_dir(file_path(directory.path())).unwrap();
    let error = Metadata::default().store(directory.path()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("rename ") && text.ends_with(".tmp: is a directory"),
        "{text}"
    );
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        1,
        "no temporary file stays"
    );
}

#[test]
fn a_data_directory_that_has_gone_is_an_error() {
    let error = Metadata::default()
        .store(Path::new("/nonexistent-dir"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("open /nonexistent-dir/nsqd.dat.")
            && error.ends_with(": no such file or directory"),
        "{error}"
    );
}

fn names() -> impl Strategy<Value = String> {
    "[.a-zA-Z0-9_-]{1,54}"
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        topics in prop::collection::vec(
            (names(), any::<bool>(), prop::collection::vec((names(), any::<bool>()), 0..4)),
            0..8,
        )
    ) {
        let metadata = Metadata {
            topics: topics
                .into_iter()
                .map(|(name, paused, channels)| TopicMeta {
                    name: TopicName::new(name).unwrap(),
                    paused,
                    channels: channels
                        .into_iter()
                        .map(|(name, paused)| ChannelMeta { name: ChannelName::new(name).unwrap(), paused })
                        .collect(),
                })
                .collect(),
        };
        let loaded = Metadata::parse(&metadata.to_bytes()).unwrap();
        prop_assert_eq!(loaded, Loaded { metadata, skipped: Vec::new() });
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), cut in 0..200_usize) {
        let _ = Metadata::parse(&bytes);
        let _ = Metadata::parse(&UPSTREAM.as_bytes()[..cut.min(UPSTREAM.len())]);
    }
}
