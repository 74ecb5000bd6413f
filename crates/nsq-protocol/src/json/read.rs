//! Reading an object with Go's leniency.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Passes the fields of the JSON object in `text` to `set`, in the order they stand there, with their names
/// in lower case.
///
/// The document `null` is an object without fields. What follows the object must be white space.
///
/// # Errors
///
/// The document is not JSON or not an object, or `set` refused a field.
pub(crate) fn read_object(
    text: &[u8],
    set: impl FnMut(&str, Value<'_>) -> Result<(), TypeMismatch>,
) -> serde_json::Result<()> {
    let text = replace_invalid(text);
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    deserializer.deserialize_any(Fields(set))?;
    deserializer.end()
}

/// Replaces every byte that is not part of valid UTF-8 by U+FFFD.
///
/// The standard library's lossy conversion replaces a truncated character by one U+FFFD, Go by one for each of
/// its bytes.
fn replace_invalid(text: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(text) {
        return Cow::Borrowed(text);
    }
    let mut replaced = String::with_capacity(text.len() + 2);
    for chunk in text.utf8_chunks() {
        replaced.push_str(chunk.valid());
        replaced.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(replaced)
}

/// The value of one field, not interpreted yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'t>(&'t str);

impl Value<'_> {
    /// Stores a string; `null` leaves `field` as it is.
    pub(crate) fn string(self, field: &mut String) -> Result<(), TypeMismatch> {
        self.store(field, "a string", |text| {
            serde_json::from_str::<Text>(text).ok().map(|text| text.0)
        })
    }

    /// Stores a boolean; `null` leaves `field` as it is.
    pub(crate) fn boolean(self, field: &mut bool) -> Result<(), TypeMismatch> {
        self.store(field, "a boolean", |text| text.parse().ok())
    }

    /// Stores an integer written without fraction and exponent; `null` leaves `field` as it is.
    pub(crate) fn integer<T: TryFrom<i64>>(self, field: &mut T) -> Result<(), TypeMismatch> {
        self.store(field, "an integer in range", |text| {
            text.parse::<i64>().ok().and_then(|number| number.try_into().ok())
        })
    }

    fn store<T>(
        self,
        field: &mut T,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<(), TypeMismatch> {
        if self.0 != "null" {
            *field = parse(self.0).ok_or(TypeMismatch { expected })?;
        }
        Ok(())
    }
}

/// A field's value is not of the field's type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TypeMismatch {
    expected: &'static str,
}

struct Fields<F>(F);

impl<'de, F: FnMut(&str, Value<'_>) -> Result<(), TypeMismatch>> Visitor<'de> for Fields<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((Text(name), value)) = map.next_entry::<Text, &RawValue>()? {
            let name = fold(&name);
            (self.0)(&name, Value(value.get()))
                .map_err(|mismatch| A::Error::custom(format_args!("{name} is not {}", mismatch.expected)))?;
        }
        Ok(())
    }
}

/// Maps a field's name to lower case, together with the two characters outside ASCII that Go takes for ASCII
/// letters in another case.
fn fold(name: &str) -> String {
    let fold = |character| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => character.to_ascii_lowercase(),
    };
    name.chars().map(fold).collect()
}

/// A string in which a `\u` escape of half a surrogate pair is U+FFFD, which `serde_json` refuses in a `String`.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
        // The document is UTF-8, so what is not must be a lone surrogate in three bytes, of which 0xed is the
        // first.
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            if chunk.invalid().first() == Some(&0xed) {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Ok(Text(text))
    }
}
