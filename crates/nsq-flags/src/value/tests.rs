use super::*;
use crate::GoDuration;

/// What becomes of the TOML value `written` in an option of type `V`.
fn load<V: Value + Default>(written: &str) -> Result<V, String> {
    let table: toml::Table = toml::from_str(&format!("key = {written}")).unwrap();
    let mut value = V::default();
    value.load(&table["key"]).map_err(|error| error.to_string())?;
    Ok(value)
}

fn refused<V>(message: &str) -> Result<V, String> {
    Err(message.to_owned())
}

#[test]
fn a_string_takes_every_scalar_as_its_text() {
    for (written, value) in [
        (r#""as is""#, "as is"),
        (r#""""#, ""),
        ("5", "5"),
        ("1.5", "1.5"),
        ("true", "true"),
    ] {
        assert_eq!(load::<String>(written).as_deref(), Ok(value), "{written}");
    }
    assert_eq!(
        load::<String>("[]"),
        refused("invalid string value type []interface {}")
    );
    assert_eq!(
        load::<String>("{a = 1}"),
        refused("invalid string value type map[string]interface {}")
    );
}

#[test]
fn an_integer_takes_integers_and_decimal_text() {
    for (written, value) in [
        ("5", Ok(5)),
        ("0x10", Ok(16)),
        (r#""42""#, Ok(42)),
        (r#""-7""#, Ok(-7)),
        (
            r#""abc""#,
            refused(r#"strconv.ParseInt: parsing "abc": invalid syntax"#),
        ),
        (
            r#""0x10""#,
            refused(r#"strconv.ParseInt: parsing "0x10": invalid syntax"#),
        ),
        (
            r#""""#,
            refused(r#"strconv.ParseInt: parsing "": invalid syntax"#),
        ),
        (
            r#""9223372036854775808""#,
            refused(r#"strconv.ParseInt: parsing "9223372036854775808": value out of range"#),
        ),
        ("1.0", refused("invalid int64 value type float64")),
        ("true", refused("invalid int64 value type bool")),
        ("[1]", refused("invalid int64 value type []interface {}")),
        ("1979-05-27", refused("invalid int64 value type time.Time")),
    ] {
        assert_eq!(load::<i64>(written), value, "{written}");
    }
}

#[test]
fn a_duration_takes_text_with_units_and_milliseconds() {
    for (written, value) in [
        (r#""60s""#, Ok(GoDuration::from_secs(60))),
        (r#""1h30m""#, Ok(GoDuration::from_secs(5400))),
        ("60000", Ok(GoDuration::from_secs(60))),
        ("-1", Ok(GoDuration::from_millis(-1))),
        (r#""60""#, refused(r#"time: missing unit in duration "60""#)),
        (
            r#""300x""#,
            refused(r#"time: unknown unit "x" in duration "300x""#),
        ),
        (r#""""#, refused(r#"time: invalid duration """#)),
        ("9223372036854775807", refused("value out of range")),
        ("1.5", refused("invalid time.Duration value type float64")),
        ("true", refused("invalid time.Duration value type bool")),
        ("[]", refused("invalid time.Duration value type []interface {}")),
    ] {
        assert_eq!(load::<GoDuration>(written), value, "{written}");
    }
}

#[test]
fn a_boolean_takes_booleans_their_words_and_zero_or_one() {
    for (written, value) in [
        ("true", Ok(true)),
        ("false", Ok(false)),
        (r#""T""#, Ok(true)),
        (r#""0""#, Ok(false)),
        ("1", Ok(true)),
        ("0", Ok(false)),
        ("2", refused("an integer must be 0 or 1")),
        (
            r#""yes""#,
            refused(r#"strconv.ParseBool: parsing "yes": invalid syntax"#),
        ),
        ("1.0", refused("invalid bool value type float64")),
        ("[]", refused("invalid bool value type []interface {}")),
    ] {
        assert_eq!(load::<bool>(written), value, "{written}");
    }
}

#[test]
fn a_number_takes_numbers_and_their_text() {
    for (written, value) in [
        ("0.5", Ok(0.5)),
        ("2", Ok(2.0)),
        (r#""1e3""#, Ok(1000.0)),
        (
            r#""a""#,
            refused(r#"strconv.ParseFloat: parsing "a": invalid syntax"#),
        ),
        ("true", refused("invalid float64 value type bool")),
    ] {
        assert_eq!(load::<f64>(written), value, "{written}");
    }
}

#[test]
fn a_list_of_strings_takes_lists_and_text_with_commas() {
    for (written, value) in [
        (r#"["a", "b,c"]"#, Ok(Some(vec!["a", "b,c"]))),
        (r#""a, b,""#, Ok(Some(vec!["a", " b", ""]))),
        ("[]", Ok(None)),
        ("5", Ok(None)),
        ("1.5", Ok(None)),
        ("true", Ok(None)),
        (r#"["a", 1]"#, refused("invalid []string element type int64")),
        (
            r#"[["a"]]"#,
            refused("invalid []string element type []interface {}"),
        ),
        (
            "{a = 1}",
            refused("invalid []string value type map[string]interface {}"),
        ),
    ] {
        let wanted = value
            .map(|list| ConfigValue::Texts(list.map(|list| list.into_iter().map(str::to_owned).collect())));
        assert_eq!(
            load::<StringList>(written).map(|list| list.config_value()),
            wanted,
            "{written}"
        );
    }
}

#[test]
fn a_list_of_numbers_takes_lists_and_text_with_commas_in_their_order() {
    for (written, value) in [
        ("[0.5, 1.0, 0.99]", Ok(Some(vec![0.5, 1.0, 0.99]))),
        ("[1, 0.5]", Ok(Some(vec![1.0, 0.5]))),
        (r#""0.5, 1.0""#, Ok(Some(vec![0.5, 1.0]))),
        ("[]", Ok(None)),
        ("1.0", Ok(None)),
        ("5", Ok(None)),
        ("true", Ok(None)),
        (
            r#""a""#,
            refused(r#"strconv.ParseFloat: parsing "a": invalid syntax"#),
        ),
        (
            r#""""#,
            refused(r#"strconv.ParseFloat: parsing "": invalid syntax"#),
        ),
        (r#"["0.5"]"#, refused("invalid []float64 element type string")),
        (
            "{a = 1}",
            refused("invalid []float64 value type map[string]interface {}"),
        ),
    ] {
        let wanted = value.map(ConfigValue::Floats);
        assert_eq!(
            load::<FloatList>(written).map(|list| list.config_value()),
            wanted,
            "{written}"
        );
    }
}

#[test]
fn a_level_takes_its_words_only() {
    assert_eq!(load::<LogLevel>(r#""DEBUG""#), Ok(LogLevel::Debug));
    for written in ["2", "true", r#""warning""#, r#""""#, "[]"] {
        load::<LogLevel>(written).unwrap_err();
    }
}

#[test]
fn a_flag_replaces_a_list_that_was_null() {
    let mut list = load::<StringList>("[]").unwrap();
    list.set("a").unwrap();
    assert_eq!(list.as_slice(), ["a"]);
}

#[test]
fn answers_are_json_and_empty_lists_differ_from_null() {
    for (value, json) in [
        (ConfigValue::Bool(true), "true"),
        (GoDuration::from_secs(3600).config_value(), "3600000000000"),
        (2500_i64.config_value(), "2500"),
        (LogLevel::Info.config_value(), "2"),
        (LogLevel::Fatal.config_value(), "5"),
        (StringList::default().config_value(), "[]"),
        (StringList::from_iter(["a", "b"]).config_value(), r#"["a","b"]"#),
        (load::<StringList>("[]").unwrap().config_value(), "null"),
        (FloatList::from_iter([0.99, 0.5]).config_value(), "[0.99,0.5]"),
        (load::<FloatList>("[]").unwrap().config_value(), "null"),
        (0.5_f64.config_value(), "0.5"),
    ] {
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
    }
    assert_eq!("a".to_owned().config_value(), ConfigValue::Text("a".to_owned()));
}

#[test]
fn file_values_show_as_go_prints_them() {
    for (written, text) in [
        (r#""a b""#, "a b"),
        ("5", "5"),
        ("1.5", "1.5"),
        ("true", "true"),
        (r#"[1, "a", [2.5]]"#, "[1 a [2.5]]"),
        ("{a = 1, b = [2]}", "map[a:1 b:[2]]"),
        ("1979-05-27", "1979-05-27"),
    ] {
        let table: toml::Table = toml::from_str(&format!("key = {written}")).unwrap();
        assert_eq!(file_text(&table["key"]), text);
    }
}
