use proptest::prelude::*;
use regex::bytes::Regex;

use super::*;

const NONE: Permissions = Permissions {
    subscribe: false,
    publish: false,
};
const SUBSCRIBE: Permissions = Permissions {
    subscribe: true,
    ..NONE
};
const PUBLISH: Permissions = Permissions {
    publish: true,
    ..NONE
};
const BOTH: Permissions = Permissions {
    subscribe: true,
    publish: true,
};

fn authorization(topic: &str, channels: &[&str], permissions: Permissions) -> Authorization {
    Authorization {
        topic: topic.to_owned(),
        channels: channels.iter().map(|&channel| channel.to_owned()).collect(),
        permissions,
    }
}

fn rules(topic: &str, channels: &[&str], permissions: Permissions) -> Rules {
    Rules::compile(&[authorization(topic, channels, permissions)]).unwrap()
}

#[test]
fn patterns_match_anywhere_in_a_name() {
    let loose = rules("pub", &["c"], BOTH);
    assert!(loose.allow_subscribe("xpubx", "xcx"));
    let strict = rules("^pub$", &["^c$"], BOTH);
    assert!(strict.allow_subscribe("pub", "c"));
    assert!(!strict.allow_subscribe("xpubx", "c"));
    assert!(!strict.allow_subscribe("pub", "xcx"));
}

#[test]
fn to_publish_a_channel_pattern_has_to_match_the_empty_name() {
    for channels in [&[""][..], &[".*"], &["^$"], &["^c$", "x*"]] {
        assert!(rules("t", channels, PUBLISH).allow_publish("t"), "{channels:?}");
    }
    for channels in [&[][..], &["^c$"], &["."]] {
        assert!(!rules("t", channels, PUBLISH).allow_publish("t"), "{channels:?}");
    }
}

#[test]
fn each_permission_is_for_itself() {
    let publisher = rules(".*", &[".*"], PUBLISH);
    assert!(publisher.allow_publish("t") && !publisher.allow_subscribe("t", "c"));
    let consumer = rules(".*", &[".*"], SUBSCRIBE);
    assert!(!consumer.allow_publish("t") && consumer.allow_subscribe("t", "c"));
    let nobody = rules(".*", &[".*"], NONE);
    assert!(!nobody.allow_publish("t") && !nobody.allow_subscribe("t", "c"));
}

#[test]
fn one_authorization_has_to_fit_as_a_whole() {
    let rules = Rules::compile(&[
        authorization("^a$", &["^c1$"], SUBSCRIBE),
        authorization("^b$", &["^c2$", ""], BOTH),
    ])
    .unwrap();
    assert!(rules.allow_subscribe("a", "c1") && rules.allow_subscribe("b", "c2"));
    assert!(!rules.allow_subscribe("a", "c2"));
    assert!(
        rules.allow_subscribe("b", "c1"),
        "the empty pattern matches every channel"
    );
    assert!(rules.allow_publish("b") && !rules.allow_publish("a"));
}

#[test]
fn no_authorizations_allow_nothing() {
    let rules = Rules::compile(&[]).unwrap();
    assert!(!rules.allow_publish("t") && !rules.allow_subscribe("t", "c"));
}

#[test]
fn a_bad_pattern_is_named() {
    let refusal = |topic, channels: &[&str]| {
        Rules::compile(&[authorization(topic, channels, BOTH)])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refusal("(", &[]), "unable to compile topic \"(\" unclosed group");
    assert_eq!(
        refusal("t", &["c", "["]),
        "unable to compile channel \"[\" unclosed character class"
    );
}

#[test]
fn patterns_that_grow_without_end_are_refused() {
    for bomb in [
        "(((((a{10}){10}){10}){10}){10}){10}",
        "((a{1000}){1000}){1000}",
        r"(?i)(\pL{100}){100}",
        r"(((\w{100})|x){100}|y){100}",
    ] {
        let outcome = Rules::compile(&[authorization(bomb, &[], BOTH)]);
        assert!(
            matches!(outcome, Err(RulesError::TooLarge)),
            "{bomb}: {outcome:?}"
        );
    }
    let many = vec![authorization("(x{100}){100}", &[], BOTH); 100];
    assert!(matches!(Rules::compile(&many), Err(RulesError::TooLarge)));
}

#[test]
fn more_patterns_than_there_may_be_are_refused() {
    let many = |count| {
        let channels = vec!["c"; count - 1];
        Rules::compile(&[authorization("t", &channels, BOTH)])
    };
    assert!(many(Rules::PATTERNS_MAX).is_ok());
    assert_eq!(
        many(Rules::PATTERNS_MAX + 1).unwrap_err().to_string(),
        "5001 patterns are more than 5000"
    );
}

#[test]
fn a_thousand_plain_names_fit() {
    let authorizations: Vec<_> = (0..1000)
        .map(|n| authorization(&format!("^a_topic_of_common_length_{n}$"), &["^channel$"], BOTH))
        .collect();
    let rules = Rules::compile(&authorizations).unwrap();
    assert!(rules.allow_subscribe("a_topic_of_common_length_999", "channel"));
    assert!(!rules.allow_subscribe("a_topic_of_common_length_1000", "channel"));
}

proptest! {
    /// What upstream does, pattern by pattern.
    #[test]
    fn rules_decide_as_the_patterns_one_by_one_do(
        rows in prop::collection::vec(
            ("[ab.^$*]{0,3}", prop::collection::vec("[xy.^$]{0,3}", 0..3), any::<[bool; 2]>()),
            0..5,
        ),
        topic in "[ab]{1,3}",
        channel in "[xy]{1,3}",
    ) {
        let authorizations: Vec<_> = rows
            .into_iter()
            .map(|(topic, channels, [subscribe, publish])| Authorization {
                topic,
                channels,
                permissions: Permissions { subscribe, publish },
            })
            .collect();
        let Ok(rules) = Rules::compile(&authorizations) else { return Ok(()) };
        let found = |pattern: &str, name: &str| {
            Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(name.as_bytes()))
        };
        let allowed = |channel: &str, permitted: fn(&Permissions) -> bool| {
            authorizations.iter().any(|it| {
                permitted(&it.permissions)
                    && found(&it.topic, &topic)
                    && it.channels.iter().any(|pattern| found(pattern, channel))
            })
        };
        prop_assert_eq!(rules.allow_publish(&topic), allowed("", |it| it.publish));
        prop_assert_eq!(rules.allow_subscribe(&topic, &channel), allowed(&channel, |it| it.subscribe));
    }
}
