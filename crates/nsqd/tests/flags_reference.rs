//! The reference in `docs/` says what the flag table says.

use nsq_testkit::docs::assert_sections;
use nsqd::options::TABLE;

#[test]
fn the_reference_in_docs_is_up_to_date() {
    assert_sections("flags.md", [("nsqd", TABLE.reference())]);
}
