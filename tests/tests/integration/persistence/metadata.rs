//! `nsqd.dat`.

use std::os::unix::fs::PermissionsExt;

use nsq_tests::{Nsqd, Setup, deviates, program};
use serde_json::{Value, json};

/// The whole file around `topics`.
fn document(topics: &str) -> String {
    format!(r#"{{"topics":{topics},"version":"{}"}}"#, program::version())
}

#[test]
fn a_fresh_start_writes_it_with_no_topics() {
    let nsqd = Nsqd::start();
    assert_eq!(
        String::from_utf8(nsqd.setup().read("nsqd.dat")).unwrap(),
        document("null")
    );
    let metadata = std::fs::metadata(nsqd.setup().data_path().join("nsqd.dat")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(nsqd.setup().files(), ["nsqd.dat"]);
}

#[test]
fn it_follows_every_creation() {
    let nsqd = Nsqd::start();
    nsqd.create_topic("t");
    nsqd.await_metadata(&document(r#"[{"name":"t","paused":false,"channels":null}]"#));
    let _consumer = nsqd.consumer("t", "c", 0);
    nsqd.await_metadata(&document(
        r#"[{"name":"t","paused":false,"channels":[{"name":"c","paused":false}]}]"#,
    ));
    let files = nsqd.setup().files();
    assert!(!files.iter().any(|file| file.contains(".tmp")), "{files:?}");
}

#[test]
fn pause_is_written_before_the_reply() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    for (topic, channel) in [(true, false), (true, true), (false, true), (false, false)] {
        nsqd.topic_action(if topic { "pause" } else { "unpause" }, "t");
        nsqd.channel_action(if channel { "pause" } else { "unpause" }, "t", "c");
        let expected =
            format!(r#"[{{"name":"t","paused":{topic},"channels":[{{"name":"c","paused":{channel}}}]}}]"#);
        assert_eq!(
            String::from_utf8(nsqd.setup().read("nsqd.dat")).unwrap(),
            document(&expected)
        );
    }
}

#[test]
fn it_follows_every_deletion() {
    deviates!(DeletionsLeaveMetadata);
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    nsqd.channel_action("delete", "t", "c");
    nsqd.await_metadata(&document(r#"[{"name":"t","paused":false,"channels":null}]"#));
    nsqd.topic_action("delete", "t");
    nsqd.await_metadata(&document("null"));
    let nsqd = nsqd.kill().restart();
    assert_eq!(nsqd.stats()["topics"], json!([]));
}

#[test]
fn ephemeral_topics_and_channels_are_left_out() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    nsqd.channel_action("create", "t", "c#ephemeral");
    nsqd.topic_action("create", "t#ephemeral");
    nsqd.channel_action("create", "t#ephemeral", "durable");

    let setup = nsqd.stop().setup;
    let expected = document(r#"[{"name":"t","paused":false,"channels":[{"name":"c","paused":false}]}]"#);
    assert_eq!(String::from_utf8(setup.read("nsqd.dat")).unwrap(), expected);
}

#[test]
fn a_clean_stop_lists_every_topic_and_channel() {
    let nsqd = Nsqd::start();
    for topic in ["b", "a", "c"] {
        for channel in ["y", "x"] {
            nsqd.create_channel(topic, channel);
        }
    }
    let setup = nsqd.stop().setup;
    let mut metadata: Value = serde_json::from_slice(&setup.read("nsqd.dat")).unwrap();
    // The order of the arrays is arbitrary.
    let sort = |list: &mut Value| {
        list.as_array_mut()
            .unwrap()
            .sort_by_key(|entry| entry["name"].as_str().unwrap().to_owned());
    };
    sort(&mut metadata["topics"]);
    for topic in metadata["topics"].as_array_mut().unwrap() {
        sort(&mut topic["channels"]);
    }
    let channels = json!([{"name": "x", "paused": false}, {"name": "y", "paused": false}]);
    let topics = ["a", "b", "c"].map(|name| json!({"name": name, "paused": false, "channels": channels}));
    assert_eq!(metadata, json!({"topics": topics, "version": program::version()}));
}

#[test]
fn everything_in_it_is_created_at_the_start() {
    let setup = Setup::new();
    setup.write(
        "nsqd.dat",
        r#" {"version":"0.0.1","unknown":[{}],"topics":[
            {"name":"t","paused":true,"channels":[{"name":"c","paused":true,"x":1},{"name":"d"}],"x":null},
            {"name":"u","channels":[]},{"name":"v","channels":null},{"name":"w"},
            {"name":"e#ephemeral","channels":[{"name":"f#ephemeral"}]}]} "#,
    );
    let nsqd = setup.start();
    nsqd.await_topic("t", &json!({"paused": true}));
    nsqd.await_channel("t", "c", &json!({"paused": true}));
    nsqd.await_channel("t", "d", &json!({"paused": false}));
    for topic in ["u", "v", "w"] {
        nsqd.await_topic(topic, &json!({"paused": false, "channels": []}));
    }
    nsqd.await_channel("e#ephemeral", "f#ephemeral", &json!({"depth": 0}));
    // It is rewritten at once, in the version's own form.
    let written = String::from_utf8(nsqd.setup().read("nsqd.dat")).unwrap();
    assert!(
        !written.contains("ephemeral") && !written.contains("unknown"),
        "{written}"
    );
}

#[test]
fn empty_documents_are_a_fresh_start() {
    for content in [
        "null",
        "{}",
        r#"{"topics":null}"#,
        r#"{"topics":[],"version":"1.3.0"}"#,
    ] {
        let setup = Setup::new();
        setup.write("nsqd.dat", content);
        let nsqd = setup.start();
        assert_eq!(nsqd.stats()["topics"], json!([]), "{content}");
    }
}

#[test]
fn invalid_names_are_skipped_with_a_warning() {
    let setup = Setup::new();
    setup.write(
        "nsqd.dat",
        r#"{"topics":[{"name":"bad/name","channels":[{"name":"c"}]},{"name":"t","channels":[{"name":"bad:name"},{"name":"c"}]},{"name":""}]}"#,
    );
    let nsqd = setup.start();
    nsqd.await_topic("t", &json!({"depth": 0}));
    let stats = nsqd.stats();
    assert_eq!(stats["topics"].as_array().unwrap().len(), 1, "{stats:#}");
    assert_eq!(
        stats["topics"][0]["channels"].as_array().unwrap().len(),
        1,
        "{stats:#}"
    );
    for text in [
        "skipping creation of invalid topic bad/name",
        "skipping creation of invalid channel bad:name",
    ] {
        let line = nsqd.log().await_line(text);
        assert!(line.contains(" WARNING: "), "{line}");
    }
}

#[test]
fn a_damaged_file_refuses_the_start_and_is_left_alone() {
    for content in [
        "",
        " ",
        "x",
        "{",
        "[]",
        r#"{"topics":{}}"#,
        r#"{"topics":[{"name":1}]}"#,
        r#"{"topics":[]}x"#,
        "\0\0\0\0",
    ] {
        let setup = Setup::new();
        setup.write("nsqd.dat", content);
        let exit = setup.run();
        assert_eq!(exit.status.code(), Some(1), "{content:?}: {exit:?}");
        let path = setup.data_path().join("nsqd.dat");
        let text = format!(
            "FATAL: failed to load metadata - failed to parse metadata in {} - ",
            path.display()
        );
        assert!(exit.stderr.contains(&text), "{content:?}: {}", exit.stderr);
        assert_eq!(setup.read("nsqd.dat"), content.as_bytes());
    }
}

#[test]
fn a_file_cut_short_is_named_as_such() {
    let setup = Setup::new();
    setup.write("nsqd.dat", "");
    let exit = setup.run();
    assert!(
        exit.stderr
            .trim_end()
            .ends_with(" - unexpected end of JSON input"),
        "{}",
        exit.stderr
    );
}

#[test]
fn an_unreadable_file_refuses_the_start() {
    let setup = Setup::new();
    let path = setup.data_path().join("nsqd.dat");
    std::fs::create_dir(&path).unwrap();
    let exit = setup.run();
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    let text = format!(
        "FATAL: failed to load metadata - failed to read metadata from {} - ",
        path.display()
    );
    assert!(exit.stderr.contains(&text), "{}", exit.stderr);
}
