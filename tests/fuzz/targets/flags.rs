//! A command line of nsqd, an argument per line: the value of each flag, given again as it shows, means the same; and
//! what is validated never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsq_fuzz::assert_one_line;
use nsqd::options::{Options, RawOptions, TABLE};

fuzz_target!(|text: &str| {
    let mut options = RawOptions::default();
    let args = text.split('\n').map(Into::into);
    let given = match TABLE.parse(args, &mut options) {
        Ok(given) => given,
        Err(error) => return drop(error.to_string()),
    };
    for flag in TABLE.flags() {
        let value = flag.value(&options);
        let shown = value.text();
        // A list grows with each occurrence, and shows in a form of its own.
        if value.kind().contains("list") || !given.contains(flag.name()) {
            continue;
        }
        let mut again = RawOptions::default();
        let result = TABLE.parse([format!("--{}={shown}", flag.name()).into()], &mut again);
        if result.is_ok() {
            assert_eq!(flag.value(&again).text(), shown, "--{}", flag.name());
        }
    }
    if let Err(error) = Options::validate(options, |_| Ok(())) {
        assert_one_line(error);
    }
});
