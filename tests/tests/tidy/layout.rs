//! Where things are.

use std::fs;

use super::{directories, files, relative, root};

/// Everything visible at the top level.
const TOP_LEVEL: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "bins",
    "crates",
    "docker",
    "docs",
    "nsqadmin-ui",
    "tests",
];

#[test]
fn the_top_level_holds_its_fixed_entries_and_nothing_else() {
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // Dot-files are settings of tools; `target` is what building leaves.
        let expected = TOP_LEVEL.contains(&name.as_str()) || name.starts_with('.') || name == "target";
        assert!(expected, "{name} does not belong at the top level");
    }
}

#[test]
fn modules_are_files_beside_their_directories() {
    for path in files(root(), &["rs"]) {
        assert!(
            !path.ends_with("mod.rs"),
            "{} should be named after its directory",
            relative(&path)
        );
    }
}

#[test]
fn every_crate_opens_with_a_page_about_itself() {
    for parent in ["crates", "bins"] {
        for package in directories(parent) {
            let source = ["src/lib.rs", "src/main.rs"]
                .map(|path| package.join(path))
                .into_iter()
                .find(|path| path.exists());
            let source = source.unwrap_or_else(|| panic!("{} has no source", relative(&package)));
            let text = fs::read_to_string(&source).unwrap();
            assert!(
                text.starts_with("//! "),
                "{} does not say what it is for",
                relative(&source)
            );
        }
    }
}
