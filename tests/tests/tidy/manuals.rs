//! Manual pages and shell completions: written from `docs/flags.md`, which the crates write from their flag tables.
//!
//! `UPDATE_DOCS=1 cargo test -p nsq-tests --test tidy` writes them; without it, this fails while one is out of date.

mod completion;
mod page;

use std::path::{Path, PathBuf};
use std::{env, fs};

use super::{directories, relative, root};

/// A flag as `docs/flags.md` has it.
#[derive(Debug, PartialEq)]
struct Flag {
    /// Without dashes.
    name: String,
    kind: String,
    /// What it is without the flag; empty for nothing.
    default: String,
    /// The key in the configuration file; empty if it is not to be set there.
    key: String,
    meaning: String,
}

impl Flag {
    fn is_switch(&self) -> bool {
        self.kind == "switch"
    }

    fn is_list(&self) -> bool {
        self.kind.starts_with("list")
    }

    fn is_path(&self) -> bool {
        self.name == "config"
            || ["-file", "-path", "-dir", "-cert", "-key"]
                .iter()
                .any(|end| self.name.ends_with(end))
                && self.name != "base-path"
    }

    /// The words that the meaning ends with, as in `of these: one, two or three`; none if anything goes.
    fn words(&self) -> Vec<&str> {
        let Some((_, choice)) = self.meaning.rsplit_once(": ") else {
            return Vec::new();
        };
        let Some((others, last)) = choice.rsplit_once(" or ") else {
            return Vec::new();
        };
        let words: Vec<&str> = others.split(", ").chain([last]).collect();
        let is_plain = |word: &&str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
        };
        if words.iter().all(is_plain) {
            words
        } else {
            Vec::new()
        }
    }
}

/// A program as its manual page describes it.
#[derive(Debug)]
struct Program {
    name: String,
    /// The description of its package.
    about: String,
    flags: Vec<Flag>,
}

/// The programs, by the directories of their mains.
fn programs() -> Vec<Program> {
    let document = fs::read_to_string(root().join("docs/flags.md")).unwrap();
    let programs = directories("bins").into_iter().map(|directory| {
        let name = directory.file_name().unwrap().to_str().unwrap().to_owned();
        let manifest: toml::Table = fs::read_to_string(directory.join("Cargo.toml"))
            .unwrap()
            .parse()
            .unwrap();
        let about = manifest["package"]["description"].as_str().unwrap();
        Program {
            about: about.trim_end_matches('.').to_owned(),
            flags: flags(&document, &name),
            name,
        }
    });
    programs.collect()
}

/// The flags in the section of `program`.
fn flags(document: &str, program: &str) -> Vec<Flag> {
    let begin = format!("<!-- begin {program} -->");
    let end = format!("<!-- end {program} -->");
    let section = document
        .split_once(&begin)
        .and_then(|(_, rest)| rest.split_once(&end))
        .map(|(section, _)| section);
    let Some(section) = section else {
        panic!("docs/flags.md has no place for {program}");
    };
    section.lines().filter_map(flag).collect()
}

/// A row of a table; `None` for any other line.
fn flag(line: &str) -> Option<Flag> {
    if !line.starts_with("| `--") {
        return None;
    }
    // A pipe within a cell is escaped.
    let line = line.replace("\\|", "\u{1}");
    let cells: Vec<String> = line
        .split('|')
        .map(|cell| {
            let cell = cell.trim().replace('\u{1}', "|").replace('`', "");
            cell.replace("&lt;", "<").replace("&gt;", ">")
        })
        .collect();
    let [_, name, kind, default, key, meaning, _] = cells.as_slice() else {
        return None;
    };
    Some(Flag {
        name: name.strip_prefix("--")?.to_owned(),
        kind: kind.clone(),
        default: default.clone(),
        key: key.replace('–', ""),
        meaning: meaning.clone(),
    })
}

/// Every file that is made, and what is in it.
fn made() -> Vec<(PathBuf, String)> {
    let programs = programs();
    let mut made = Vec::new();
    for program in &programs {
        let name = &program.name;
        made.extend([
            (format!("docs/man/{name}.1"), page::of(program, &programs)),
            (
                format!("docker/completions/{name}.bash"),
                completion::bash(program),
            ),
            (format!("docker/completions/_{name}"), completion::zsh(program)),
            (
                format!("docker/completions/{name}.fish"),
                completion::fish(program),
            ),
        ]);
    }
    made.into_iter()
        .map(|(path, text)| (root().join(path), text))
        .collect()
}

#[test]
fn manual_pages_and_completions_say_what_the_reference_says() {
    let is_update = env::var_os("UPDATE_DOCS").is_some();
    let made = made();
    for (path, text) in &made {
        if is_update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        assert!(
            fs::read_to_string(path).is_ok_and(|there| there == *text),
            "{} is out of date, run: UPDATE_DOCS=1 cargo test -p nsq-tests --test tidy",
            relative(path)
        );
    }
    for directory in ["docs/man", "docker/completions"] {
        for entry in fs::read_dir(root().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            let is_made = made.iter().any(|(own, _)| Path::new(own) == path);
            assert!(is_made, "{} is of no program", relative(&path));
        }
    }
}

#[test]
fn a_row_of_the_reference_is_a_flag() {
    let row = "| `--a-b` | list of strings | `x\\|y` | `a_bs` | an &lt;addr&gt;, one of: p, q-1 or r.2 |";
    let read = flag(row).unwrap();
    assert_eq!(
        read,
        Flag {
            name: "a-b".to_owned(),
            kind: "list of strings".to_owned(),
            default: "x|y".to_owned(),
            key: "a_bs".to_owned(),
            meaning: "an <addr>, one of: p, q-1 or r.2".to_owned(),
        }
    );
    assert_eq!(read.words(), ["p", "q-1", "r.2"]);
    assert_eq!(flag("|---|---|---|---|---|"), None);
}
