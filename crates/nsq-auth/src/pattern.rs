//! The dialect of patterns.
//!
//! The contract's dialect is that of Go's `regexp` (RE2). The `regex` crate's is nearly the same, and what it
//! would read differently is refused here: a pattern means what its author meant, or it means nothing. Two
//! patterns that only RE2 knows, `\Q…\E` and octal escapes, are refused with the rest.
//!
//! As in RE2, `\w`, `\d`, `\s` and `\b` know ASCII only. That is also what keeps a pattern small: a Unicode
//! `\w` alone takes tens of KiB.

use std::fmt;

use regex_syntax::ParserBuilder;
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassSetBinaryOp, ClassSetItem, Flag, Flags, FlagsItemKind, GroupKind,
    Repetition, RepetitionKind, RepetitionRange, Span,
};

/// The most repetitions that RE2 takes.
const REPEAT_MAX: u32 = 1000;

/// How deep groups may be nested. RE2 takes 1000, which is more stack than there need be.
const NEST_MAX: u32 = 100;

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError(Box<str>);

impl PatternError {
    fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string().into())
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatternError {}

/// The pattern for `regex::bytes` that means what `pattern` means to RE2.
///
/// # Errors
/// It is no pattern, or RE2 reads it differently.
pub(crate) fn to_regex(pattern: &str) -> Result<String, PatternError> {
    let ast = ast::parse::ParserBuilder::new()
        .nest_limit(NEST_MAX)
        .build()
        .parse(pattern)
        .map_err(|error| PatternError::new(error.kind()))?;
    ast::visit(&ast, Dialect { pattern }).map_err(PatternError::new)?;
    // Patterns that name characters beyond ASCII need the Unicode mode. For the names of topics and channels,
    // which are ASCII, it makes no difference.
    let ascii = format!("(?-u:{pattern})");
    // Without an escape nothing in it can name any, and there is nothing left to check.
    let is_plain = pattern.is_ascii() && !pattern.contains('\\');
    if is_plain || check(&ascii).is_ok() {
        return Ok(ascii);
    }
    let unicode = format!("(?:{pattern})");
    check(&unicode).map(|()| unicode)
}

/// Checks what the syntax alone does not tell, such as the names of character classes.
fn check(pattern: &str) -> Result<(), PatternError> {
    let parsed = ParserBuilder::new()
        // One for the group around it.
        .nest_limit(NEST_MAX + 1)
        .utf8(false)
        .build()
        .parse(pattern);
    match parsed {
        Ok(_) => Ok(()),
        Err(regex_syntax::Error::Translate(error)) => Err(PatternError::new(error.kind())),
        Err(error) => Err(PatternError::new(error)),
    }
}

/// Finds what RE2 does not read as the `regex` crate does.
struct Dialect<'p> {
    pattern: &'p str,
}

impl Dialect<'_> {
    fn text(&self, span: Span) -> &str {
        self.pattern
            .get(span.start.offset..span.end.offset)
            .unwrap_or_default()
    }

    fn check_repetition(&self, repetition: &Repetition) -> Result<(), &'static str> {
        if matches!(*repetition.ast, Ast::Repetition(_)) {
            return Err("invalid nested repetition operator");
        }
        let RepetitionKind::Range(range) = &repetition.op.kind else {
            return Ok(());
        };
        let (RepetitionRange::Exactly(most)
        | RepetitionRange::AtLeast(most)
        | RepetitionRange::Bounded(_, most)) = *range;
        if most > REPEAT_MAX {
            return Err("invalid repeat count");
        }
        // `{,5}` and `{ 5 }` are plain text to RE2.
        let text = self.text(repetition.op.span);
        if text.starts_with("{,") || text.contains(char::is_whitespace) {
            return Err("malformed repetition");
        }
        Ok(())
    }
}

fn check_flags(flags: &Flags) -> Result<(), &'static str> {
    let foreign = flags.items.iter().any(|item| {
        matches!(
            item.kind,
            FlagsItemKind::Flag(Flag::Unicode | Flag::CRLF | Flag::IgnoreWhitespace)
        )
    });
    if foreign { Err("unrecognized flag") } else { Ok(()) }
}

impl ast::Visitor for Dialect<'_> {
    type Output = ();
    type Err = &'static str;

    fn finish(self) -> Result<(), Self::Err> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        match ast {
            Ast::Repetition(repetition) => self.check_repetition(repetition),
            Ast::Flags(set) => check_flags(&set.flags),
            Ast::Group(group) => match &group.kind {
                GroupKind::NonCapturing(flags) => check_flags(flags),
                GroupKind::CaptureIndex(_) | GroupKind::CaptureName { .. } => Ok(()),
            },
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::StartLine
                | AssertionKind::EndLine
                | AssertionKind::StartText
                | AssertionKind::EndText
                | AssertionKind::WordBoundary
                | AssertionKind::NotWordBoundary => Ok(()),
                // Escaped brackets to RE2.
                _ => Err("unsupported word boundary"),
            },
            Ast::ClassBracketed(class) => {
                let text = self.text(class.span);
                // The beginning of a range to RE2.
                if text.starts_with("[--") || text.starts_with("[^--") {
                    return Err("character class begins with two dashes");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        match item {
            // Characters like any other to RE2.
            ClassSetItem::Bracketed(_) => Err("unescaped [ in a character class"),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Result<(), Self::Err> {
        Err("unescaped &&, -- or ~~ in a character class")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::bytes::Regex;

    use super::*;

    fn refusal(pattern: &str) -> String {
        to_regex(pattern).unwrap_err().to_string()
    }

    fn matches(pattern: &str, name: &str) -> bool {
        Regex::new(&to_regex(pattern).unwrap())
            .unwrap()
            .is_match(name.as_bytes())
    }

    #[test]
    fn a_pattern_is_searched_for_and_not_anchored() {
        assert!(matches("pub", "xpubx"));
        assert!(matches("", "anything"));
        assert!(matches("^$", ""));
        assert!(!matches("^$", "x"));
        assert!(!matches("^pub$", "xpubx"));
        // The anchors bind less than the bar.
        assert!(matches("^a|b$", "ax") && matches("^a|b$", "xb") && !matches("^a|b$", "xax"));
    }

    #[test]
    fn what_re2_knows_is_known() {
        for (pattern, name) in [
            (r"^[a-z]{2,3}$", "abc"),
            (r"^\w+\.\d\d$", "a_b.42"),
            (r"(?i)^ORDERS(?-i)x$", "ordersx"),
            (r"(?P<name>a+)(?:b|c)", "aac"),
            (r"^[[:alpha:]-]+$", "a-b"),
            (r"^[]a]+$", "a]"),
            (r"^[a-z-9]+$", "a-9"),
            (r"\Aorders\z", "orders"),
            (r"^\x61\x{62}\.\-\#\&$", "ab.-#&"),
            (r"^\pL+$", "abc"),
            (r"^a*?b+?c??$", "ab"),
            (r"(?s)(?m)(?U)^.+#ephemeral$", "a#ephemeral"),
            ("^[^é]+$", "abc"),
        ] {
            assert!(matches(pattern, name), "{pattern}");
        }
    }

    #[test]
    fn letters_and_digits_are_those_of_ascii() {
        assert!(!matches(r"^\w$", "é"));
        assert!(!matches(r"^\d$", "٣"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            "(", ")", "[", "a{2,1}", "*", r"\", "(?P<n", r"\8", "(?=a)", r"(a)\1", "[z-a]", "a{", r"\pu",
        ] {
            assert!(to_regex(pattern).is_err(), "{pattern}");
        }
        assert_eq!(refusal("("), "unclosed group");
    }

    #[test]
    fn what_re2_reads_differently_is_refused() {
        for pattern in [
            "a**",
            "a+*",
            "a{2}{3}",
            "a{1001}",
            "a{1,1001}",
            "a{1001,}",
            "a{,5}",
            "a{ 5 }",
            "a{5 ,6}",
            "[a-z&&[^b]]",
            "[a-z--b]",
            "[a~~b]",
            "[a[b]]",
            "[--a]",
            "[^--a]",
            r"\<",
            r"\>",
            r"\b{start}",
            "(?x)a b",
            "(?u)a",
            "(?R)a",
            "(?x:a)",
            r"\Qa.b\E",
            r"\101",
        ] {
            assert!(to_regex(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn groups_may_be_nested_to_a_depth_and_no_deeper() {
        let nested = |depth| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
        assert!(to_regex(&nested(90)).is_ok());
        assert!(to_regex(&nested(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_compiles_or_is_too_large(pattern in r"[-a\[\]()^$|*+?{},:<>&~\\PpiuxsQEb0-9é ]{0,24}") {
            if let Ok(translated) = to_regex(&pattern) {
                let compiled = Regex::new(&translated);
                prop_assert!(
                    matches!(compiled, Ok(_) | Err(regex::Error::CompiledTooBig(_))),
                    "{pattern:?} {compiled:?}"
                );
            }
        }
    }
}
