//! Operating system errors in the words that Go uses.

use std::io;

/// The cause alone, in lower case: `no such file or directory`.
///
/// The system's own text, without the capital and the error number that Rust's standard library shows.
/// Errors that do not come from the operating system are shown as they are.
pub fn os_error(error: &io::Error) -> String {
    let shown = error.to_string();
    let Some(code) = error.raw_os_error() else {
        return shown;
    };
    let cause = shown
        .strip_suffix(&format!(" (os error {code})"))
        .unwrap_or(&shown);
    let mut letters = cause.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => shown,
    }
}
