//! The reference in `docs/` says what the flag tables say.

use std::path::Path;
use std::{env, fs};

use nsq_tools::{nsq_diskqueue, nsq_stat, nsq_tail, nsq_to_file, nsq_to_http, nsq_to_nsq, nsqauthd, to_nsq};

#[test]
fn the_reference_in_docs_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/flags.md");
    let document = fs::read_to_string(&path).unwrap();
    let references = [
        ("nsqauthd", nsqauthd::TABLE.reference()),
        ("nsq_diskqueue", nsq_diskqueue::TABLE.reference()),
        ("nsq_stat", nsq_stat::TABLE.reference()),
        ("nsq_tail", nsq_tail::TABLE.reference()),
        ("nsq_to_file", nsq_to_file::TABLE.reference()),
        ("nsq_to_http", nsq_to_http::TABLE.reference()),
        ("nsq_to_nsq", nsq_to_nsq::TABLE.reference()),
        ("to_nsq", to_nsq::TABLE.reference()),
    ];
    let mut current = document.clone();
    for (program, reference) in references {
        let begin = format!("<!-- begin {program} -->\n");
        let end = format!("<!-- end {program} -->");
        let (before, rest) = current
            .split_once(&begin)
            .unwrap_or_else(|| panic!("docs/flags.md has no place for {program}"));
        let (_, after) = rest.split_once(&end).unwrap();
        current = format!("{before}{begin}\n{reference}\n{end}{after}");
    }
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, current).unwrap();
    } else {
        assert!(
            document == current,
            "docs/flags.md is out of date, run: UPDATE_DOCS=1 cargo test --test flags_reference"
        );
    }
}
