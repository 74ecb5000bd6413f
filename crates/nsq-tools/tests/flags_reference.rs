//! The reference in `docs/` says what the flag tables say.

use nsq_testkit::docs::assert_sections;
use nsq_tools::{nsq_diskqueue, nsq_stat, nsq_tail, nsq_to_file, nsq_to_http, nsq_to_nsq, nsqauthd, to_nsq};

#[test]
fn the_reference_in_docs_is_up_to_date() {
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
    assert_sections("flags.md", references);
}
