//! Completions for shells.

use std::fmt::Write;

use super::{Flag, Program};

/// For bash. The value of a flag is completed behind `=` and as the next argument.
pub(super) fn bash(program: &Program) -> String {
    let name = &program.name;
    let offered: Vec<String> = program
        .flags
        .iter()
        .map(|flag| format!("--{}{}", flag.name, if flag.is_switch() { "" } else { "=" }))
        .collect();
    let mut cases = String::new();
    // Writing to a string cannot fail.
    for flag in program.flags.iter().filter(|flag| !flag.words().is_empty()) {
        let _ = writeln!(
            cases,
            "        {}) COMPREPLY=($(compgen -W '{}' -- \"$word\")); return ;;",
            flag.name,
            flag.words().join(" ")
        );
    }
    let paths: Vec<&str> = named(&program.flags, Flag::is_path);
    if !paths.is_empty() {
        let _ = writeln!(
            cases,
            "        {}) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\")); return ;;",
            paths.join(" | ")
        );
    }
    let others = named(&program.flags, |flag| {
        !flag.is_switch() && !flag.is_path() && flag.words().is_empty()
    });
    if !others.is_empty() {
        let _ = writeln!(cases, "        {}) return ;;", others.join(" | "));
    }
    format!(
        "# Completions of {name} for bash. Generated from docs/flags.md.

_{name}() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} flag=${{COMP_WORDS[COMP_CWORD - 1]}}
    # What stands before and behind `=` are words of their own, and so is it.
    if [[ $word == = ]]; then
        word=
    elif [[ $flag == = ]]; then
        flag=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    COMPREPLY=()
    flag=${{flag#-}}
    case ${{flag#-}} in
{cases}    esac
    COMPREPLY=($(compgen -W '{}' -- \"$word\"))
    [[ ${{COMPREPLY[0]-}} != *= ]] || compopt -o nospace
}}
complete -F _{name} {name}
",
        offered.join(" ")
    )
}

/// For zsh.
pub(super) fn zsh(program: &Program) -> String {
    let arguments: Vec<String> = program.flags.iter().map(zsh_argument).collect();
    format!(
        "#compdef {}\n# Generated from docs/flags.md.\n\n_arguments \\\n{}\n",
        program.name,
        arguments.join(" \\\n")
    )
}

fn zsh_argument(flag: &Flag) -> String {
    let mut about = flag.meaning.replace('\\', "\\\\").replace('\'', "'\\''");
    for special in ['[', ']', ':'] {
        about = about.replace(special, &format!("\\{special}"));
    }
    let repeated = if flag.is_list() { "*" } else { "" };
    let name = &flag.name;
    if flag.is_switch() {
        return format!("  '{repeated}--{name}[{about}]'");
    }
    let action = if flag.is_path() {
        "_files".to_owned()
    } else if flag.words().is_empty() {
        " ".to_owned()
    } else {
        format!("({})", flag.words().join(" "))
    };
    format!("  '{repeated}--{name}=[{about}]:{}:{action}'", flag.kind)
}

/// For fish.
pub(super) fn fish(program: &Program) -> String {
    let name = &program.name;
    let mut text =
        format!("# Completions of {name} for fish. Generated from docs/flags.md.\n\ncomplete -c {name} -f\n");
    for flag in &program.flags {
        let values = if flag.is_switch() {
            String::new()
        } else if flag.is_path() {
            " -r -F".to_owned()
        } else if flag.words().is_empty() {
            " -x".to_owned()
        } else {
            format!(" -x -a '{}'", flag.words().join(" "))
        };
        let about = flag.meaning.replace('\\', "\\\\").replace('\'', "\\'");
        let _ = writeln!(text, "complete -c {name} -l {}{values} -d '{about}'", flag.name);
    }
    text
}

fn named(flags: &[Flag], wanted: impl Fn(&Flag) -> bool) -> Vec<&str> {
    flags
        .iter()
        .filter(|flag| wanted(flag))
        .map(|flag| flag.name.as_str())
        .collect()
}
