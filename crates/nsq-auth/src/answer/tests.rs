use proptest::prelude::*;

use super::*;

const BOTH: Permissions = Permissions {
    subscribe: true,
    publish: true,
};

fn refusal(json: &str) -> String {
    Answer::from_json(json.as_bytes()).unwrap_err().to_string()
}

/// An answer with this in place of its only authorization.
fn with_authorization(json: &str) -> String {
    format!(r#"{{"ttl":1,"authorizations":[{json}]}}"#)
}

#[test]
fn an_answer_is_read_and_written_as_the_contract_has_it() {
    let json = r#"{"ttl":3600,"identity":"joe","identity_url":"http://x/joe","authorizations":[{"topic":"^a.*$","channels":[".*"],"permissions":["subscribe","publish"]}]}"#;
    let expected = Answer {
        ttl_s: 3600,
        identity: "joe".to_owned(),
        identity_url: "http://x/joe".to_owned(),
        authorizations: vec![Authorization {
            topic: "^a.*$".to_owned(),
            channels: vec![".*".to_owned()],
            permissions: BOTH,
        }],
    };
    let answer = Answer::from_json(json.as_bytes()).unwrap();
    assert_eq!(answer, expected);
    assert_eq!(serde_json::to_string(&answer).unwrap(), json);
}

#[test]
fn identities_may_be_absent_or_null_and_more_may_be_told() {
    let bare = Answer::from_json(br#"{"ttl":1}"#).unwrap();
    assert_eq!(
        bare,
        Answer {
            ttl_s: 1,
            ..Answer::default()
        }
    );
    let null = br#" {"x":[{}],"ttl":1,"identity":null,"identity_url":null,"authorizations":null} "#;
    assert_eq!(Answer::from_json(null).unwrap(), bare);
}

#[test]
fn names_of_fields_may_be_in_any_case_and_the_last_one_counts() {
    let json = br#"{"TTL":5,"Ttl":6,"Identity":"X","Authorizations":[{"Topic":"a","CHANNELS":["b"],"Permissions":["publish"]}]}"#;
    let answer = Answer::from_json(json).unwrap();
    assert_eq!((answer.ttl_s, answer.identity.as_str()), (6, "X"));
    assert_eq!(answer.authorizations[0].topic, "a");
    assert!(answer.authorizations[0].permissions.publish);
}

#[test]
fn an_answer_must_hold_for_a_whole_number_of_seconds_above_zero() {
    for ttl in ["0", "-1"] {
        let json = format!(r#"{{"ttl":{ttl}}}"#);
        assert_eq!(refusal(&json), format!("invalid TTL {ttl} (must be >0)"));
    }
    for json in ["null", "{}", r#"{"ttl":null}"#] {
        assert_eq!(refusal(json), "invalid TTL 0 (must be >0)");
    }
    for ttl in ["5.5", "5.0", "\"5\"", "1e3", "9223372036854775808", "true", "[5]"] {
        let json = format!(r#"{{"ttl":{ttl}}}"#);
        assert!(refusal(&json).starts_with("ttl: "), "{ttl}");
    }
}

#[test]
fn one_unknown_permission_spoils_the_answer() {
    let json = with_authorization(r#"{"topic":"a","permissions":["publish","admin"]}"#);
    assert_eq!(refusal(&json), "unknown permission admin");
    let json = with_authorization(r#"{"topic":"a","permissions":["Publish"]}"#);
    assert_eq!(refusal(&json), "unknown permission Publish");
}

#[test]
fn what_upstream_takes_for_a_pattern_of_everything_is_refused() {
    for json in [
        "null",
        "{}",
        r#"{"topic":null,"channels":[""],"permissions":["publish"]}"#,
    ] {
        assert!(
            Answer::from_json(with_authorization(json).as_bytes()).is_err(),
            "{json}"
        );
    }
    let json = with_authorization(r#"{"topic":"a","channels":[null],"permissions":["publish"]}"#);
    assert!(Answer::from_json(json.as_bytes()).is_err());
}

#[test]
fn other_shapes_are_refused() {
    for json in [
        "",
        "not json",
        "[]",
        "\"\"",
        "1",
        "{",
        "{}x",
        r#"{"ttl":1}{"ttl":1}"#,
        r#"{"ttl":1,"identity":5}"#,
        r#"{"ttl":1,"authorizations":{}}"#,
        r#"{"ttl":1,"authorizations":["a"]}"#,
        r#"{"ttl":1,"authorizations":[{"topic":"a","channels":"b"}]}"#,
        r#"{"ttl":1,"authorizations":[{"topic":"a","permissions":"publish"}]}"#,
    ] {
        assert!(Answer::from_json(json.as_bytes()).is_err(), "{json}");
    }
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    assert!(Answer::from_json(&[b"{\"x\":", &deep[..], b"}"].concat()).is_err());
    assert!(Answer::from_json(b"{\"ttl\":1,\"identity\":\"\xff\"}").is_err());
}

proptest! {
    #[test]
    fn what_a_server_writes_is_what_nsqd_reads(
        ttl_s in 1_u64..=i64::MAX as u64,
        identity in ".*",
        identity_url in ".*",
        rows in prop::collection::vec((".*", prop::collection::vec(".*", 0..3), any::<[bool; 2]>()), 0..4),
    ) {
        let authorizations = rows
            .into_iter()
            .map(|(topic, channels, [subscribe, publish])| Authorization {
                topic,
                channels,
                permissions: Permissions { subscribe, publish },
            })
            .collect();
        let answer = Answer { ttl_s, identity, identity_url, authorizations };
        let json = serde_json::to_vec(&answer).unwrap();
        prop_assert_eq!(Answer::from_json(&json).unwrap(), answer);
    }

    #[test]
    fn no_bytes_upset_the_reader(bytes: Vec<u8>) {
        let _ = Answer::from_json(&bytes);
    }
}
