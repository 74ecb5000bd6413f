use std::io;

use proptest::prelude::*;

use super::NumberError::{Range, Syntax};
use super::*;

#[test]
fn integers_are_read_as_go_literals() {
    for (text, value) in [
        ("0", Ok(0)),
        ("00", Ok(0)),
        ("42", Ok(42)),
        ("+5", Ok(5)),
        ("-5", Ok(-5)),
        ("0x10", Ok(16)),
        ("0XfF", Ok(255)),
        ("0o17", Ok(15)),
        ("0O17", Ok(15)),
        ("017", Ok(15)),
        ("0b101", Ok(5)),
        ("-0B1", Ok(-1)),
        ("1_000", Ok(1000)),
        ("0x_1", Ok(1)),
        ("0_7", Ok(7)),
        ("9223372036854775807", Ok(i64::MAX)),
        ("-9223372036854775808", Ok(i64::MIN)),
        ("-0x8000000000000000", Ok(i64::MIN)),
        ("9223372036854775808", Err(Range)),
        ("-9223372036854775809", Err(Range)),
        ("0x8000000000000000", Err(Range)),
        ("18446744073709551616", Err(Range)),
        ("99999999999999999999x", Err(Range)),
        ("", Err(Syntax)),
        ("+", Err(Syntax)),
        ("+-5", Err(Syntax)),
        ("08", Err(Syntax)),
        ("0x", Err(Syntax)),
        ("0b2", Err(Syntax)),
        ("abc", Err(Syntax)),
        ("1e3", Err(Syntax)),
        ("1.0", Err(Syntax)),
        (" 1", Err(Syntax)),
        ("_1", Err(Syntax)),
        ("1_", Err(Syntax)),
        ("1__0", Err(Syntax)),
        ("0x1_", Err(Syntax)),
        ("٣", Err(Syntax)),
    ] {
        assert_eq!(parse_int(text), value, "{text}");
    }
}

#[test]
fn decimal_integers_know_no_other_base_and_no_underscores() {
    for (text, value) in [
        ("010", Ok(10)),
        ("+7", Ok(7)),
        ("-9223372036854775808", Ok(i64::MIN)),
        ("9223372036854775808", Err(Range)),
        ("0x10", Err(Syntax)),
        ("1_000", Err(Syntax)),
        ("", Err(Syntax)),
        ("-", Err(Syntax)),
    ] {
        assert_eq!(parse_decimal(text), value, "{text}");
    }
}

#[test]
fn booleans_are_twelve_words() {
    for word in ["1", "t", "T", "true", "TRUE", "True"] {
        assert_eq!(parse_bool(word), Some(true), "{word}");
    }
    for word in ["0", "f", "F", "false", "FALSE", "False"] {
        assert_eq!(parse_bool(word), Some(false), "{word}");
    }
    for word in ["", "yes", "no", "tRUE", "2", " true", "on"] {
        assert_eq!(parse_bool(word), None, "{word}");
    }
}

#[test]
fn numbers_are_read_as_go_literals() {
    for (text, value) in [
        ("1", Ok(1.0)),
        ("0.99", Ok(0.99)),
        (".5", Ok(0.5)),
        ("5.", Ok(5.0)),
        ("-1e-3", Ok(-0.001)),
        ("1_0.2_5", Ok(10.25)),
        ("inf", Ok(f64::INFINITY)),
        ("-Infinity", Ok(f64::NEG_INFINITY)),
        ("1e-400", Ok(0.0)),
        ("0x1p-2", Ok(0.25)),
        ("-0X1.8P1", Ok(-3.0)),
        ("0x_1p-2", Ok(0.25)),
        ("0x1p-2000", Ok(0.0)),
        ("0x1.fffffffffffff7p1023", Ok(f64::MAX)),
        ("0x1.00000000000008p0", Ok(1.0)),
        ("0x1.000000000000080000000001p0", Ok(1.0 + f64::EPSILON)),
        ("0x100000000000000000000p-80", Ok(1.0)),
        ("1e400", Err(Range)),
        ("-1e400", Err(Range)),
        ("0x1p+2000", Err(Range)),
        ("0x1p99999999999999999999", Err(Range)),
        ("", Err(Syntax)),
        (".", Err(Syntax)),
        ("abc", Err(Syntax)),
        ("1e", Err(Syntax)),
        ("-nan", Err(Syntax)),
        ("1__0", Err(Syntax)),
        ("1_.5", Err(Syntax)),
        ("0x1", Err(Syntax)),
        ("0x1p", Err(Syntax)),
        ("0xp1", Err(Syntax)),
        ("0x.p1", Err(Syntax)),
        ("0x1p+-1", Err(Syntax)),
        ("1 ", Err(Syntax)),
    ] {
        assert_eq!(parse_float(text), value, "{text}");
    }
    assert!(parse_float("NaN").unwrap().is_nan());
}

#[test]
fn numbers_show_as_go_prints_them() {
    for (value, text) in [
        (0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (0.999, "0.999"),
        (0.0001, "0.0001"),
        (0.000_01, "1e-05"),
        (100_000.0, "100000"),
        (1_000_000.0, "1e+06"),
        (1.5e300, "1.5e+300"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
    ] {
        assert_eq!(format_float(value), text);
    }
}

#[test]
fn durations_are_read_as_go_reads_them() {
    for (text, nanos) in [
        ("0", 0),
        ("-0", 0),
        ("+0", 0),
        ("0s", 0),
        ("250ms", 250_000_000),
        ("1h30m", 5_400_000_000_000),
        ("1h15m30.5s", 4_530_500_000_000),
        ("1.5s", 1_500_000_000),
        (".5s", 500_000_000),
        ("5.s", 5_000_000_000),
        ("100us", 100_000),
        ("100\u{b5}s", 100_000),
        ("100\u{3bc}s", 100_000),
        ("-1.5h", -5_400_000_000_000),
        ("+2ns", 2),
        ("1ns1us", 1_001),
        ("0.3333333333333333333h", 1_200_000_000_000),
        ("0.9223372036854775808s", 922_337_203),
        ("9223372036854775807ns", i64::MAX),
        ("-9223372036854775808ns", i64::MIN),
        ("-2562047h47m16.854775808s", i64::MIN),
    ] {
        let duration: GoDuration = text.parse().unwrap();
        assert_eq!(duration.as_nanos(), nanos, "{text}");
    }
}

#[test]
fn what_is_no_duration_is_explained_as_go_does() {
    for (text, message) in [
        ("60", r#"time: missing unit in duration "60""#),
        ("1h5", r#"time: missing unit in duration "1h5""#),
        ("00", r#"time: missing unit in duration "00""#),
        ("300x", r#"time: unknown unit "x" in duration "300x""#),
        ("1d", r#"time: unknown unit "d" in duration "1d""#),
        ("1 s", r#"time: unknown unit " s" in duration "1 s""#),
        ("1é", r#"time: unknown unit "\xc3\xa9" in duration "1\xc3\xa9""#),
        ("", r#"time: invalid duration """#),
        ("-", r#"time: invalid duration "-""#),
        ("s", r#"time: invalid duration "s""#),
        (".s", r#"time: invalid duration ".s""#),
        ("abc", r#"time: invalid duration "abc""#),
        ("--1s", r#"time: invalid duration "--1s""#),
        ("\"1s", r#"time: invalid duration "\"1s""#),
        (
            "9223372036854775808ns",
            r#"time: invalid duration "9223372036854775808ns""#,
        ),
        ("2562048h", r#"time: invalid duration "2562048h""#),
        ("2562047h60m", r#"time: invalid duration "2562047h60m""#),
        (
            "99999999999999999999s",
            r#"time: invalid duration "99999999999999999999s""#,
        ),
    ] {
        let error = text.parse::<GoDuration>().unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
    }
}

#[test]
fn durations_show_as_go_shows_them() {
    for (nanos, text) in [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1µs"),
        (6_750, "6.75µs"),
        (250_000_000, "250ms"),
        (2_200_000, "2.2ms"),
        (1_000_000_000, "1s"),
        (2_500_000_000, "2.5s"),
        (60_000_000_000, "1m0s"),
        (3_600_000_000_000, "1h0m0s"),
        (3_661_001_000_000, "1h1m1.001s"),
        (-90_000_000_000, "-1m30s"),
        (i64::MAX, "2562047h47m16.854775807s"),
        (i64::MIN, "-2562047h47m16.854775808s"),
    ] {
        assert_eq!(GoDuration::from_nanos(nanos).to_string(), text);
    }
}

#[test]
fn durations_convert_where_they_fit() {
    use std::time::Duration;

    assert_eq!(
        GoDuration::from_millis(25).to_std(),
        Some(Duration::from_millis(25))
    );
    assert_eq!(GoDuration::from_nanos(-1).to_std(), None);
    assert_eq!(GoDuration::from(Duration::MAX), GoDuration::from_nanos(i64::MAX));
    assert_eq!(GoDuration::from_secs(i64::MAX), GoDuration::from_nanos(i64::MAX));
}

#[test]
fn quoted_text_shows_what_does_not_print() {
    for (text, quoted) in [
        ("", r#""""#),
        ("abc é 漢 😀", r#""abc é 漢 😀""#),
        ("a\"b\\c", r#""a\"b\\c""#),
        ("\u{7}\u{8}\u{c}\n\r\t\u{b}", r#""\a\b\f\n\r\t\v""#),
        ("\0\u{1b}\u{7f}", r#""\x00\x1b\x7f""#),
        ("\u{80}\u{a0}\u{2028}\u{feff}", r#""\u0080\u00a0\u2028\ufeff""#),
        ("\u{e0001}", r#""\U000e0001""#),
    ] {
        assert_eq!(quote(text), quoted);
    }
}

#[test]
fn system_errors_show_their_cause_in_small_letters() {
    let not_found = std::fs::File::open("/nonexistent").unwrap_err();
    assert_eq!(os_error(&not_found), "no such file or directory");
    assert_eq!(os_error(&io::Error::other("Its own words")), "Its own words");
}

proptest! {
    #[test]
    fn a_duration_reads_back_what_it_shows(nanos in any::<i64>()) {
        let duration = GoDuration::from_nanos(nanos);
        prop_assert_eq!(duration.to_string().parse(), Ok(duration));
    }

    #[test]
    fn a_number_reads_back_what_it_shows(value in any::<f64>()) {
        prop_assert_eq!(parse_float(&format_float(value)), Ok(value));
    }

    #[test]
    fn an_integer_reads_back_what_it_shows(value in any::<i64>()) {
        prop_assert_eq!(parse_int(&value.to_string()), Ok(value));
        prop_assert_eq!(parse_decimal(&value.to_string()), Ok(value));
    }

    #[test]
    fn no_text_makes_them_panic(text in ".{0,24}", numbers in "[-+0-9a-fxop._eE ]{0,24}", times in "[-+0-9.nuµmsh]{0,24}") {
        for text in [text, numbers, times] {
            let _ = parse_int(&text);
            let _ = parse_decimal(&text);
            let _ = parse_float(&text);
            let _ = text.parse::<GoDuration>();
            let _ = quote(&text);
        }
    }
}
