//! The reference in `docs/` says what the flag table says.

use std::path::Path;
use std::{env, fs};

use nsq::TABLE;

const BEGIN: &str = "<!-- begin nsq -->\n";
const END: &str = "<!-- end nsq -->";

#[test]
fn the_reference_in_docs_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/flags.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let current = format!("{before}{BEGIN}\n{}\n{END}{after}", TABLE.reference());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, current).unwrap();
    } else {
        assert!(
            document == current,
            "docs/flags.md is out of date, run: UPDATE_DOCS=1 cargo test --test flags_reference"
        );
    }
}
