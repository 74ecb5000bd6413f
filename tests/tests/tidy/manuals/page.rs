//! Manual pages, in the macros of man(7).

use std::fmt::Write;

use super::{Flag, Program};

/// The page of `program`, which refers to those of all programs.
pub(super) fn of(program: &Program, all: &[Program]) -> String {
    let name = &program.name;
    let has_file = program.flags.iter().any(|flag| !flag.key.is_empty());
    let mut page = format!(
        ".\\\" Generated from docs/flags.md.\n.TH {} 1 \"\" \"nsq-rs\" \"NSQ\"\n",
        name.to_uppercase()
    );
    section(
        &mut page,
        "NAME",
        &format!("{} \\- {}", text(name), text(&lower(&program.about))),
    );
    section(
        &mut page,
        "SYNOPSIS",
        &format!(".B {}\n[\\fB\\-\\-\\fIflag\\fR[=\\fIvalue\\fR]]...", text(name)),
    );
    page.push_str(".SH FLAGS\n");
    page.push_str(
        "One dash does as well as two. A value follows after = or as the next argument; a switch takes one after = only.\n",
    );
    for flag in &program.flags {
        entry(&mut page, flag);
    }
    if has_file {
        section(
            &mut page,
            "CONFIGURATION FILE",
            "\\fB\\-\\-config\\fR names a TOML file with the keys above. A flag wins over the file, and the file over the \
             default.",
        );
    }
    section(
        &mut page,
        "EXIT STATUS",
        ".TP\n0\nIt has done what it was asked for.\n.TP\n1\nIt could not start, or not end cleanly; the last line on \
         standard error says why.\n.TP\n2\nA bad flag.",
    );
    let others: Vec<String> = all
        .iter()
        .filter(|other| other.name != *name)
        .map(|other| format!(".BR {} (1)", text(&other.name)))
        .collect();
    section(
        &mut page,
        "SEE ALSO",
        &format!(
            "{}\n.PP\nDocuments for operators are in /usr/share/doc/nsq\\-rs/docs.",
            others.join(" ,\n").replace("(1) ,", "(1),")
        ),
    );
    page
}

fn section(page: &mut String, title: &str, body: &str) {
    // Writing to a string cannot fail.
    let _ = write!(page, ".SH {title}\n{body}\n");
}

fn entry(page: &mut String, flag: &Flag) {
    let _ = write!(page, ".TP\n\\fB\\-\\-{}\\fR", text(&flag.name));
    if flag.is_switch() {
        page.push('\n');
    } else {
        let _ = writeln!(
            page,
            "=\\fI{}\\fR",
            text(flag.kind.trim_start_matches("list of "))
        );
    }
    let _ = writeln!(page, "{}.", text(&sentence(&flag.meaning)));
    if flag.is_list() && !flag.meaning.contains("multiple") && !flag.meaning.contains("several") {
        page.push_str("May be given several times.\n");
    }
    let is_off = flag.is_switch() && flag.default == "false";
    if !flag.default.is_empty() && !is_off {
        let _ = writeln!(page, "Default: {}.", text(&flag.default));
    }
    if !flag.key.is_empty() {
        let _ = writeln!(page, "Key: {}.", text(&flag.key));
    }
}

/// `words` with a capital at the start.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// `about` as a man page puts it behind the name: without the capital of its first word, unless that is a name.
fn lower(about: &str) -> String {
    let (first, rest) = about.split_once(' ').unwrap_or((about, ""));
    if first.chars().skip(1).any(char::is_uppercase) {
        return about.to_owned();
    }
    format!("{} {rest}", first.to_lowercase())
}

/// Text in which nothing is a request to the formatter.
fn text(plain: &str) -> String {
    let escaped = plain.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) {
        format!("\\&{escaped}")
    } else {
        escaped
    }
}

#[test]
fn text_cannot_be_taken_for_a_request() {
    assert_eq!(text(".a-b\\n"), "\\&.a\\-b\\en");
    assert_eq!(lower("The NSQ queue daemon"), "the NSQ queue daemon");
    assert_eq!(lower("NSQ in one process"), "NSQ in one process");
}
