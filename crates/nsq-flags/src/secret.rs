//! Values that may be shown to others.

use std::borrow::Cow;

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// `text` without what a URL in it may hold of secrets: user and password, and the query.
///
/// ```
/// use nsq_flags::hide_secrets;
///
/// assert_eq!(hide_secrets("https://joe:pw@h:1/auth?key=k"), "https://***@h:1/auth?***");
/// assert_eq!(hide_secrets("127.0.0.1:4181"), "127.0.0.1:4181");
/// ```
pub fn hide_secrets(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Cow::Borrowed(text);
    };
    let (rest, fragment) = rest.split_at(rest.find('#').unwrap_or(rest.len()));
    let (rest, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map(|(_, host)| host);
    if host.is_none() && query.len() <= 1 {
        return Cow::Borrowed(text);
    }
    let (hidden_user, at) = host.map_or(("", ""), |_| (HIDDEN, "@"));
    let (mark, hidden_query) = if query.len() > 1 {
        ("?", HIDDEN)
    } else {
        (query, "")
    };
    let host = host.unwrap_or(authority);
    Cow::Owned(
        [
            scheme,
            "://",
            hidden_user,
            at,
            host,
            path,
            mark,
            hidden_query,
            fragment,
        ]
        .concat(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_password_and_query_are_hidden_and_nothing_else() {
        for (text, shown) in [
            ("", ""),
            ("127.0.0.1:4181", "127.0.0.1:4181"),
            ("http://h", "http://h"),
            ("http://h/a@b", "http://h/a@b"),
            ("http://h/?", "http://h/?"),
            ("http://h/#x?y", "http://h/#x?y"),
            ("https://joe:pw@h:1/a/b?key=k#f", "https://***@h:1/a/b?***#f"),
            ("http://token@h", "http://***@h"),
            ("http://j@o@h?key=k", "http://***@h?***"),
            (
                "--auth-http-address=http://j:p@h/x",
                "--auth-http-address=http://***@h/x",
            ),
        ] {
            assert_eq!(hide_secrets(text), shown, "{text}");
        }
    }
}
