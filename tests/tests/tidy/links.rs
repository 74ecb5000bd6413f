//! Links between documents.

use std::fs;
use std::path::Path;

use super::{files, relative, root};

/// The targets of inline links and images in a Markdown document, code left out.
fn targets(document: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut fenced = false;
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second part of a line is inside backquotes.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        for link in prose.split("](").skip(1) {
            if let Some((target, _)) = link.split_once(')') {
                targets.push(target.split(' ').next().unwrap_or_default().to_owned());
            }
        }
    }
    targets
}

/// The anchors of a document's headings, as forges make them.
fn anchors(document: &str) -> Vec<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let kept = line.trim_start_matches('#').trim().to_lowercase();
            kept.chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn every_link_in_a_document_leads_somewhere() {
    for path in files(root(), &["md"]) {
        let document = fs::read_to_string(&path).unwrap();
        for target in targets(&document) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target
                .split_once('#')
                .map_or((target.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            let linked = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            assert!(
                linked.exists(),
                "{} links to {target}, which does not exist",
                relative(&path)
            );
            if let (Some(anchor), true) = (anchor, is_markdown(&linked)) {
                let known = anchors(&fs::read_to_string(&linked).unwrap());
                assert!(
                    known.iter().any(|known| known == anchor),
                    "{} links to {target}; its anchors are {known:?}",
                    relative(&path)
                );
            }
        }
    }
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

#[test]
fn links_are_found_and_code_is_not() {
    let document = "a [b](c.md#d \"title\") `[x](y)` ![i](j.png)\n```\n[k](l)\n```\n";
    assert_eq!(targets(document), ["c.md#d", "j.png"]);
    assert_eq!(
        anchors("# One two\n## `Three`: four, five_six\n"),
        ["one-two", "three-four-five_six"]
    );
}
