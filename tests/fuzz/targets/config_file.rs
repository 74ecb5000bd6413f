//! A configuration file of nsqd: what the command line has given wins, what is refused is refused on one line, and what
//! is validated never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsq_flags::ConfigFile;
use nsq_fuzz::assert_one_line;
use nsqd::options::{Options, RawOptions, TABLE};

fuzz_target!(|text: &str| {
    let file = match ConfigFile::parse(text) {
        Ok(file) => file,
        Err(cause) => return assert_one_line(cause),
    };
    let mut options = RawOptions::default();
    let args = ["--mem-queue-size=77", "--tcp-address=here:1"];
    let given = TABLE
        .parse(args.map(Into::into), &mut options)
        .expect("the arguments are good");
    if TABLE.resolve(&mut options, &given, &file).is_err() {
        return;
    }
    assert_eq!(TABLE.flag("mem-queue-size").unwrap().value(&options).text(), "77");
    assert_eq!(
        TABLE.flag("tcp-address").unwrap().value(&options).text(),
        "here:1"
    );
    let _ = Options::validate(options, |_| Ok(()));
});
