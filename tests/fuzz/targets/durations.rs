//! Durations and numbers in Go's syntax: what is read shows in a form that reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsq_flags::GoDuration;
use nsq_flags::text::{format_float, parse_bool, parse_decimal, parse_float, parse_int, quote};
use nsq_fuzz::assert_one_line;

fuzz_target!(|text: &str| {
    if let Ok(duration) = text.parse::<GoDuration>() {
        assert_eq!(duration.to_string().parse(), Ok(duration), "{duration}");
    }
    if let Ok(number) = parse_int(text) {
        assert_eq!(parse_int(&number.to_string()), Ok(number));
    }
    if let Ok(number) = parse_decimal(text) {
        // Go's decimal numbers are those of Rust.
        assert_eq!(text.parse(), Ok(number));
    }
    if let Ok(number) = parse_float(text) {
        let shown = format_float(number);
        let again = parse_float(&shown).expect("it shows as a number");
        assert!(
            again.to_bits() == number.to_bits() || again.is_nan() && number.is_nan(),
            "{shown}"
        );
    }
    let _ = parse_bool(text);
    assert_one_line(quote(text));
});
