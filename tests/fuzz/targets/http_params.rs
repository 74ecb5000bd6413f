//! The query of a request, beside a model that undoes the escapes first and compares then.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsq_http::Params;

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&plain).into_owned())
}

/// All parameters in order; `None` if the query is to be refused.
fn model(query: &str) -> Option<Vec<(String, String)>> {
    query
        .split('&')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let (name, value) = segment.split_once('=').unwrap_or((segment, ""));
            (!segment.contains(';')).then_some(())?;
            Some((unescaped(name)?, unescaped(value)?))
        })
        .collect()
}

fuzz_target!(|query: &str| {
    let parsed = Params::parse(Some(query));
    let model = model(query);
    assert_eq!(parsed.is_ok(), model.is_some());
    let (Ok(params), Some(model)) = (parsed, model) else {
        return;
    };
    for name in model.iter().map(|(name, _)| name.as_str()).chain(["topic"]) {
        let first = model.iter().find(|(known, _)| known == name);
        assert_eq!(
            params.get(name).as_deref(),
            first.map(|(_, value)| value.as_str())
        );
    }
});
