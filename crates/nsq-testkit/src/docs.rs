//! Parts of `docs/` that are written from the code.

use std::path::Path;
use std::{env, fs};

/// Asserts that `docs/<document>` says what the code says: between `<!-- begin NAME -->` and `<!-- end NAME -->`, for
/// each name, the text beside it. With `UPDATE_DOCS` in the environment, writes it there instead.
///
/// # Panics
///
/// If a part is out of date, or the document has no place for it.
#[track_caller]
pub fn assert_sections<'a>(document: &str, sections: impl IntoIterator<Item = (&'a str, String)>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(document);
    let before = fs::read_to_string(&path).expect("the document can be read");
    let mut current = before.clone();
    for (name, text) in sections {
        let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
        let place = current
            .split_once(&begin)
            .and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
        let Some((head, tail)) = place else {
            panic!("docs/{document} has no place for {name}");
        };
        current = format!("{head}{begin}\n{text}\n{end}{tail}");
    }
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, current).expect("the document can be written");
    } else {
        assert!(
            before == current,
            "docs/{document} is out of date, run this test with UPDATE_DOCS=1"
        );
    }
}
