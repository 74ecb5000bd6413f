use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// The rule as the specification words it, without the table.
fn is_valid(name: &[u8]) -> bool {
    let stem = name.strip_suffix(b"#ephemeral").unwrap_or(name);
    (1..=64).contains(&name.len())
        && !stem.is_empty()
        && stem
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

#[test]
fn names_of_letters_digits_dots_underscores_and_dashes_are_valid() {
    for name in [
        "a",
        "orders",
        "Orders.v2_test-1",
        ".",
        "-",
        "_",
        "0",
        &"x".repeat(64),
    ] {
        assert_eq!(TopicName::new(name).unwrap().as_str(), name);
        assert_eq!(ChannelRef::parse(name.as_bytes()).unwrap().as_str(), name);
    }
}

#[test]
fn the_ephemeral_suffix_counts_toward_the_length_and_cannot_stand_alone() {
    let longest = format!("{}#ephemeral", "x".repeat(54));
    assert!(TopicName::new(&longest).unwrap().is_ephemeral());
    assert_eq!(TopicName::new(format!("x{longest}")), Err(InvalidName));
    assert_eq!(TopicName::new("#ephemeral"), Err(InvalidName));
    assert_eq!(TopicName::new("a#ephemeral#ephemeral"), Err(InvalidName));
    assert!(!TopicName::new("ephemeral").unwrap().is_ephemeral());
    assert!(
        ChannelName::new("c#ephemeral")
            .unwrap()
            .as_name_ref()
            .is_ephemeral()
    );
}

#[test]
fn everything_else_is_refused() {
    let too_long = "x".repeat(65);
    let names: [&[u8]; 12] = [
        b"",
        b" ",
        b"a b",
        b"a#",
        b"a#Ephemeral",
        b"a#ephemeral ",
        b"a/b",
        b"a\n",
        b"a\0",
        "t\u{f6}pic".as_bytes(),
        b"\xff",
        too_long.as_bytes(),
    ];
    for name in names {
        assert_eq!(TopicRef::parse(name), Err(InvalidName), "{}", name.escape_ascii());
        assert_eq!(
            ChannelRef::parse(name),
            Err(InvalidName),
            "{}",
            name.escape_ascii()
        );
    }
}

#[test]
fn a_map_of_names_is_searched_by_text() {
    let depths = HashMap::from([(TopicName::new("orders").unwrap(), 7)]);
    assert_eq!(depths.get("orders"), Some(&7));
    assert_eq!(depths.get("order"), None);
}

#[test]
fn names_order_and_print_as_their_text() {
    let name = ChannelName::new("b").unwrap();
    assert!(name > ChannelName::new("B").unwrap());
    assert_eq!(format!("{name:>3}|{name:?}"), "  b|\"b\"");
    assert_eq!(
        format!("{:>3}|{:?}", name.as_name_ref(), name.as_name_ref()),
        "  b|\"b\""
    );
}

#[test]
fn quotes_escape_as_go_does() {
    let cases: [(&[u8], &str); 14] = [
        (b"", r#""""#),
        (b"plain name", r#""plain name""#),
        (b"\"x", r#""\"x""#),
        (b"it's", r#""it's""#),
        (b"back\\slash", r#""back\\slash""#),
        (b"\x07\x08\x0c\n\r\t\x0b", r#""\a\b\f\n\r\t\v""#),
        (b"\0\x1b\x7f", r#""\x00\x1b\x7f""#),
        (b"t\xff", r#""t\xff""#),
        (b"cut \xe2\x82", r#""cut \xe2\x82""#),
        (
            "\u{20ac} \u{4e16}\u{1f600}".as_bytes(),
            "\"\u{20ac} \u{4e16}\u{1f600}\"",
        ),
        ("\u{80}\u{a0}\u{ad}".as_bytes(), r#""\u0080\u00a0\u00ad""#),
        (
            "\u{200b}\u{2028}\u{feff}\u{e000}".as_bytes(),
            r#""\u200b\u2028\ufeff\ue000""#,
        ),
        ("\u{e0001}\u{10ffff}".as_bytes(), r#""\U000e0001\U0010ffff""#),
        (
            "\u{301}e\u{301}\u{fffd}".as_bytes(),
            "\"\u{301}e\u{301}\u{fffd}\"",
        ),
    ];
    for (bytes, quoted) in cases {
        assert_eq!(quote(bytes), quoted);
    }
}

proptest! {
    #[test]
    fn the_check_agrees_with_the_rule(name in proptest::collection::vec(any::<u8>(), 0..70)) {
        prop_assert_eq!(TopicRef::parse(&name).is_ok(), is_valid(&name));
    }

    #[test]
    fn the_check_agrees_with_the_rule_near_valid_names(name in "[a-z#._ -]{0,60}(#ephemeral)?.?") {
        prop_assert_eq!(TopicRef::parse(name.as_bytes()).is_ok(), is_valid(name.as_bytes()));
        prop_assert_eq!(ChannelName::new(&name).is_ok(), is_valid(name.as_bytes()));
    }

    #[test]
    fn a_quoted_text_is_printable_and_ends_where_it_should(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let quoted = quote(&bytes);
        prop_assert!(quoted.starts_with('"') && quoted.ends_with('"'));
        prop_assert!(!quoted.chars().any(char::is_control));
    }
}
