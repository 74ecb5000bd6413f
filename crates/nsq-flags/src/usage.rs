//! The flags in words: for a terminal, and for `docs/`.

use std::fmt::Write;

use crate::text::quote;
use crate::{Flag, Table};

impl<O: Default> Table<O> {
    /// What `-h` and every flag error print, ending in a newline: all flags by name, in Go's layout.
    pub fn usage(&self, program: &str) -> String {
        let defaults = O::default();
        let mut text = format!("Usage of {program}:\n");
        for flag in self.sorted() {
            let value = flag.value(&defaults);
            text.push_str("  -");
            text.push_str(flag.name());
            if !value.usage_name().is_empty() {
                text.push(' ');
                text.push_str(value.usage_name());
            }
            // A switch of one letter leaves room for its help on the same line.
            let is_short = flag.name().len() == 1 && value.usage_name().is_empty();
            text.push_str(if is_short { "\t" } else { "\n    \t" });
            text.push_str(&flag.help().replace('\n', "\n    \t"));
            if !value.is_zero() {
                let shown = if value.is_quoted() {
                    quote(&value.text())
                } else {
                    value.text()
                };
                // Writing to a string cannot fail.
                let _ = write!(text, " (default {shown})");
            }
            text.push('\n');
        }
        text
    }

    /// A Markdown table of all flags by name, ending in a newline.
    ///
    /// The same on every machine: defaults that differ between machines are shown in words.
    pub fn reference(&self) -> String {
        let defaults = O::default();
        let mut text = "| Flag | Type | Default | Config key | Meaning |\n|---|---|---|---|---|\n".to_owned();
        for flag in self.sorted() {
            let value = flag.value(&defaults);
            let default = match flag.documented_default_words() {
                Some(words) => words.to_owned(),
                // An empty list shows as brackets, an empty text as nothing at all.
                None if matches!(value.text().as_str(), "" | "[]") => String::new(),
                None => code(&value.text()),
            };
            let key = flag.file_key().map_or_else(|| "–".to_owned(), |key| code(&key));
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {default} | {key} | {} |",
                code(&format!("--{}", flag.name())),
                value.kind(),
                cell(flag.help()),
            );
        }
        text
    }

    fn sorted(&self) -> Vec<&'static Flag<O>> {
        let mut flags: Vec<_> = self.flags().iter().collect();
        flags.sort_by_key(|flag| flag.name());
        flags
    }
}

/// `text` as code in a table cell.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// `text` as prose in a table cell: placeholders in angle brackets are no HTML.
fn cell(text: &str) -> String {
    text.replace('\n', " ")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
