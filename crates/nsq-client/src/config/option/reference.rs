//! The table of options in `docs/client.md`.

use std::fmt::Write as _;

use super::*;

#[test]
fn the_document_has_every_option() {
    nsq_testkit::docs::assert_sections("client.md", [("options", table())]);
}

fn table() -> String {
    let mut table = "| Option | Value | Default | Range | Meaning |\n|---|---|---|---|---|\n".to_owned();
    let mut defaults = Config::default();
    for entry in OPTIONS {
        let [value, default, range] = columns(entry, &mut defaults);
        let Entry { key, help, .. } = entry;
        writeln!(table, "| `{key}` | {value} | {default} | {range} | {help} |").unwrap();
    }
    table
}

/// What kind of value it is, what it is by itself, and what it may be.
fn columns(entry: &Entry, defaults: &mut Config) -> [String; 3] {
    let columns = |value: &str, default: String, range: String| [value.to_owned(), default, range];
    match &entry.kind {
        Kind::Duration { range, at } => columns(
            "duration",
            show_duration(nanos(*at(defaults))),
            show_range(*range, show_duration),
        ),
        Kind::Optional(at) => {
            let default = at(defaults).map_or("off".to_owned(), |duration| show_duration(nanos(duration)));
            columns("duration", default, String::new())
        }
        Kind::Integer { range, read, .. } => columns(
            "number",
            read(defaults).to_string(),
            show_range(*range, |number| number.to_string()),
        ),
        Kind::Fraction(at) => columns("fraction", format_float(*at(defaults)), "0–1".to_owned()),
        Kind::Boolean(at) => columns("switch", at(defaults).to_string(), String::new()),
        Kind::Text(at) => {
            let default = match entry.key {
                "client_id" => "the host's name up to a dot".to_owned(),
                "hostname" => "the host's name".to_owned(),
                "user_agent" => "`nsq-rs/` and the version".to_owned(),
                _ => at(defaults).clone(),
            };
            columns("text", default, String::new())
        }
        Kind::Path(_) => columns("PEM file", String::new(), String::new()),
        Kind::Other(_) => {
            let default = match entry.key {
                "backoff_strategy" => "exponential",
                "tls_min_version" => "tls1.2",
                _ => "",
            };
            columns("", default.to_owned(), String::new())
        }
    }
}

/// Bounds that only stand for those of a type are not worth telling.
fn show_range((min, max): (i64, i64), show: impl Fn(i64) -> String) -> String {
    if min < 0 || max == i64::MAX || max == i64::from(u32::MAX) {
        String::new()
    } else {
        format!("{}–{}", show(min), show(max))
    }
}
