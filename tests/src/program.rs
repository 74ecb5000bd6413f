//! The programs under test.
//!
//! The daemon is built on demand, with the profile and into the target directory of the running test, so that
//! `cargo test` alone is enough. `NSQD_BIN` names another nsqd to test instead. `NSQ_REFERENCE_BIN_DIR` names a
//! directory with the original programs, for tests that need both.

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The nsqd under test.
pub fn nsqd() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match env::var_os("NSQD_BIN") {
        Some(path) => PathBuf::from(path),
        None => build("nsqd-bin", "nsqd"),
    })
}

/// The nsqlookupd under test.
pub fn nsqlookupd() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build("nsqlookupd-bin", "nsqlookupd"))
}

/// The nsqadmin under test.
pub fn nsqadmin() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build("nsqadmin-bin", "nsqadmin"))
}

/// The nsqauthd under test.
pub fn nsqauthd() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build("nsqauthd-bin", "nsqauthd"))
}

/// The program under test that runs a whole NSQ in one process.
pub fn nsq() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build("nsq-bin", "nsq"))
}

/// The utilities under test.
pub const UTILITIES: [&str; 6] = [
    "nsq_stat",
    "nsq_tail",
    "nsq_to_file",
    "nsq_to_http",
    "nsq_to_nsq",
    "to_nsq",
];

/// The program under test that looks into data directories.
pub fn nsq_diskqueue() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build("nsq_diskqueue-bin", "nsq_diskqueue"))
}

/// One of the [`UTILITIES`]. The first call builds all of them.
pub fn utility(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let built = UTILITIES.map(|name| build(&format!("{name}-bin"), name));
        let directory = built.first().and_then(|path| path.parent());
        directory.expect("a program is in a directory").to_owned()
    });
    directory.join(name)
}

/// What `--version` of the nsqd under test prints, without the line end: `nsqd v1.3.0 (built w/...)`.
pub fn banner() -> &'static str {
    static BANNER: OnceLock<String> = OnceLock::new();
    BANNER.get_or_init(|| {
        let output = Command::new(nsqd())
            .arg("--version")
            .output()
            .expect("run nsqd --version");
        let text = String::from_utf8(output.stdout).expect("the version in UTF-8");
        text.trim_end().to_owned()
    })
}

/// The version number in [`banner`], which nsqd also reports over TCP and HTTP.
pub fn version() -> &'static str {
    banner()
        .strip_prefix("nsqd v")
        .and_then(|rest| rest.split_once(' '))
        .map(|(version, _)| version)
        .expect("a version line of the form `nsqd v<version> (built w/<toolchain>)`")
}

/// Whether the nsqd under test is the original, which keeps the faults listed in [`crate::deviation`].
pub fn is_reference() -> bool {
    banner().contains("(built w/go")
}

/// A program of the original NSQ, if `NSQ_REFERENCE_BIN_DIR` names a directory that has it.
pub fn reference(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("NSQ_REFERENCE_BIN_DIR")?).join(name);
    path.is_file().then_some(path)
}

/// The same, with a note that the running test leaves out its part with the original if there is none.
pub fn reference_or_note(name: &str) -> Option<PathBuf> {
    let found = reference(name);
    if found.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Written past the capture of the test harness: a test that was left out must be seen.
        let _ = writeln!(
            std::io::stderr(),
            "LEFT OUT: {test}: no original {name}; set NSQ_REFERENCE_BIN_DIR to a directory that has one"
        );
    }
    found
}

/// Builds one program as the running test was built and returns its path.
fn build(package: &str, name: &str) -> PathBuf {
    let test = env::current_exe().expect("path of the running test");
    let (target, profile) = layout(&test);
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", package, "--bin", name]);
    command
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    command.arg("--target-dir").arg(target);
    // The directory of the dev profile has another name than the profile.
    if profile != "debug" {
        command.args(["--profile", profile]);
    }
    let status = command.status().expect("run cargo");
    assert!(status.success(), "cargo build of {name} failed: {status}");
    target.join(profile).join(name)
}

/// Splits `<target>/<profile>/deps/<test>` into target directory and profile directory name.
fn layout(test: &Path) -> (&Path, &str) {
    test.parent()
        .filter(|deps| deps.ends_with("deps"))
        .and_then(Path::parent)
        .and_then(|profile| Some((profile.parent()?, profile.file_name()?.to_str()?)))
        .unwrap_or_else(|| panic!("{} is not where cargo puts tests; set NSQD_BIN", test.display()))
}
