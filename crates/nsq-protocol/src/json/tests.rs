use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Reads the one field of each type that these tests are about.
fn read(text: &[u8]) -> serde_json::Result<(String, bool, i32)> {
    let mut fields = ("unset".to_owned(), false, -1);
    read_object(text, |name, value| match name {
        "string" => value.string(&mut fields.0),
        "bool" => value.boolean(&mut fields.1),
        "integer" => value.integer(&mut fields.2),
        _ => Ok(()),
    })?;
    Ok(fields)
}

fn string(text: &[u8]) -> String {
    read(text).unwrap().0
}

#[test]
fn fields_are_read_by_name_in_any_case() {
    let fields = read(br#" {"STRING":"s","Bool":true , "iNTEGER" : 7} "#).unwrap();
    assert_eq!(fields, ("s".into(), true, 7));
    assert_eq!(string("{\"\u{17f}tring\":\"s\"}".as_bytes()), "s");
    assert_eq!(string(r#"{"\u0053tring":"s"}"#.as_bytes()), "s");
}

#[test]
fn the_last_of_several_equal_names_wins() {
    assert_eq!(
        read(br#"{"integer":1,"INTEGER":2,"integer":3,"Integer":4}"#)
            .unwrap()
            .2,
        4
    );
}

#[test]
fn null_leaves_a_field_as_it_is() {
    let unset = ("unset".into(), false, -1);
    assert_eq!(read(b"null").unwrap(), unset);
    assert_eq!(read(b"{}").unwrap(), unset);
    assert_eq!(
        read(br#"{"string":null,"bool":null,"integer":null}"#).unwrap(),
        unset
    );
    assert_eq!(read(br#"{"integer":5,"integer":null}"#).unwrap().2, 5);
}

#[test]
fn unknown_fields_may_hold_anything() {
    let text = br#"{"a":{"string":1},"b":[1,[2]],"c":1e999,"d":"\ud800","e":-0.5E-3,"integer":1}"#;
    assert_eq!(read(text).unwrap(), ("unset".into(), false, 1));
}

#[test]
fn bytes_that_are_not_utf8_become_one_replacement_each() {
    assert_eq!(string(b"{\"string\":\"a\xffb\"}"), "a\u{fffd}b");
    assert_eq!(
        string(b"{\"string\":\"\xe2\x82|\xf0\x9f\x98\"}"),
        "\u{fffd}\u{fffd}|\u{fffd}\u{fffd}\u{fffd}"
    );
    assert!(read(b"{\"string\":\"a\"}\xff").is_err());
}

#[test]
fn escapes_are_resolved_and_half_a_surrogate_pair_is_replaced() {
    assert_eq!(
        string(br#"{"string":"\"\\\/\b\f\n\r\t\u00e9"}"#),
        "\"\\/\u{8}\u{c}\n\r\t\u{e9}"
    );
    assert_eq!(string(br#"{"string":"\ud83d\ude00"}"#), "\u{1f600}");
    assert_eq!(string(br#"{"string":"a\ud83d"}"#), "a\u{fffd}");
    assert_eq!(string(br#"{"string":"\ude00\ud83d"}"#), "\u{fffd}\u{fffd}");
    assert_eq!(string(br#"{"string":"\ud83d\u0041"}"#), "\u{fffd}A");
    assert_eq!(string(br#"{"string":"\ud83d\ud83d\ude00"}"#), "\u{fffd}\u{1f600}");
}

#[test]
fn integers_have_neither_fraction_nor_exponent() {
    let integer = |number: &str| {
        read(format!("{{\"integer\":{number}}}").as_bytes())
            .map(|fields| fields.2)
            .ok()
    };
    assert_eq!(integer("2147483647"), Some(i32::MAX));
    assert_eq!(integer("-2147483648"), Some(i32::MIN));
    assert_eq!(integer("-0"), Some(0));
    for number in [
        "2147483648",
        "9223372036854775808",
        "1.0",
        "1e3",
        "1E0",
        "-0.0",
        "\"1\"",
        "true",
        "[]",
        "{}",
    ] {
        assert_eq!(integer(number), None, "{number}");
    }
}

#[test]
fn wrong_types_are_refused_with_the_field_named() {
    let error = |text: &[u8]| read(text).unwrap_err().to_string();
    assert!(error(br#"{"string":1}"#).starts_with("string is not a string"));
    assert!(error(br#"{"BOOL":"true"}"#).starts_with("bool is not a boolean"));
    assert!(error(br#"{"integer":1.5}"#).starts_with("integer is not an integer in range"));
    for text in [
        br#"{"string":true}"#.as_slice(),
        br#"{"string":["s"]}"#,
        br#"{"bool":1}"#,
        br#"{"bool":0}"#,
    ] {
        assert!(read(text).is_err(), "{}", text.escape_ascii());
    }
}

#[test]
fn what_is_not_one_object_is_refused() {
    let texts = [
        "",
        " ",
        "[]",
        "\"s\"",
        "1",
        "true",
        "nul",
        "{",
        "{}}",
        "{} {}",
        "null null",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":1}x",
        "\u{feff}{}",
        "{'a':1}",
        "{\"a\":NaN}",
        "{\"a\":\"",
        "{1:2}",
        "{null:2}",
    ];
    for text in texts {
        assert!(read(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn characters_that_mean_something_to_html_are_escaped() {
    let text = "<b>&\u{2028}\u{2029}\"\\\u{8}\u{c}\n\r\t\u{1}\u{7f}\u{e9}";
    let encoded = r#""\u003cb\u003e\u0026\u2028\u2029\"\\\b\f\n\r\t\u0001"#.to_owned() + "\u{7f}\u{e9}\"";
    assert_eq!(to_vec(text).unwrap(), encoded.as_bytes());
    let map = BTreeMap::from([("a&b", ["<"])]);
    assert_eq!(to_vec(&map).unwrap(), br#"{"a\u0026b":["\u003c"]}"#);
}

#[test]
fn floats_are_printed_as_go_prints_them() {
    let cases = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.99, "0.99"),
        (-2.5, "-2.5"),
        (1e-6, "0.000001"),
        (9.9e-7, "9.9e-7"),
        (1e-12, "1e-12"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
    ];
    for (value, encoded) in cases {
        assert_eq!(str::from_utf8(&to_vec(&value).unwrap()).unwrap(), encoded);
    }
}

proptest! {
    #[test]
    fn any_string_reads_back_as_it_was_written(text: String) {
        let encoded = to_vec(&BTreeMap::from([("string", &text)])).unwrap();
        prop_assert!(!encoded.iter().any(|byte| b"<>&".contains(byte)));
        prop_assert_eq!(read(&encoded).unwrap().0, text);
    }

    #[test]
    fn any_float_reads_back_as_it_was_written(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
        let encoded = to_vec(&value).unwrap();
        let text = str::from_utf8(&encoded).unwrap();
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
    }

    #[test]
    fn arbitrary_bytes_are_judged_without_panicking(text in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = read(&text);
    }

    #[test]
    fn arbitrary_json_is_judged_without_panicking(text in r#"\{("(string|bool|integer)":(null|true|-?[0-9]{1,12}|"[a-z\\u"]{0,6}"|\[\]),?){0,3}\}?"#) {
        let _ = read(text.as_bytes());
    }
}
