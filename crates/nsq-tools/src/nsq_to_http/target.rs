//! Where messages are sent, and what of a URL follows from what.

/// A URL of `--get` with a place for the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GetTarget {
    /// As it was given.
    pub(super) text: String,
    before: String,
    behind: String,
}

impl GetTarget {
    /// Reads a URL in which `%s` stands for the message, once, and `%%` for a percent sign.
    ///
    /// # Differs from upstream
    /// It is not a format of `printf`: any other percent sign is one, so that `%20` needs no doubling.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = vec![String::new()];
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match rest.peek() {
                Some('s') if c == '%' => {
                    rest.next();
                    parts.push(String::new());
                    continue;
                }
                Some('%') if c == '%' => {
                    rest.next();
                }
                _ => {}
            }
            parts.last_mut()?.push(c);
        }
        let [before, behind] = <[String; 2]>::try_from(parts).ok()?;
        Some(Self {
            text: text.to_owned(),
            before,
            behind,
        })
    }

    /// The URL for a message, which is escaped already.
    pub(super) fn url(&self, escaped: &str) -> String {
        [&self.before, escaped, &self.behind].concat()
    }
}

/// What `location` means in an answer to `url`; `None` if it is no place for HTTP.
pub(super) fn redirected(url: &str, location: &str) -> Option<String> {
    let location = location.split('#').next().unwrap_or_default();
    let scheme_end = location.find(':').filter(|end| {
        location
            .get(..*end)
            .is_some_and(|scheme| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    });
    if scheme_end.is_some() {
        let is_http = ["http://", "https://"]
            .iter()
            .any(|scheme| location.starts_with(scheme));
        return is_http.then(|| location.to_owned());
    }
    let (scheme, rest) = url.split_once("://")?;
    if let Some(behind) = location.strip_prefix("//") {
        return Some(format!("{scheme}://{behind}"));
    }
    let (authority, path_and_query) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = path_and_query.split(['?', '#']).next().unwrap_or_default();
    let path = match location.bytes().next() {
        None => path_and_query.to_owned(),
        Some(b'/') => location.to_owned(),
        Some(b'?') => format!("{path}{location}"),
        Some(_) => {
            let directory = path.rfind('/').and_then(|end| path.get(..=end)).unwrap_or("/");
            format!("{directory}{location}")
        }
    };
    Some(format!("{scheme}://{authority}{path}"))
}

/// Scheme, host and port of a URL.
pub(super) fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url
        .get(start..)
        .and_then(|rest| rest.find(['/', '?', '#']))
        .map_or(url.len(), |at| start + at);
    url.get(..end).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_one_place() {
        let target = GetTarget::parse("http://h/a%20b%%c?x=%s&y").unwrap();
        assert_eq!(target.url("m"), "http://h/a%20b%c?x=m&y");
        for text in ["http://h/", "http://h/%s%s", "http://h/%%s"] {
            assert_eq!(GetTarget::parse(text), None, "{text}");
        }
        assert_eq!(GetTarget::parse("%s%").unwrap().url("m"), "m%");
    }

    #[test]
    fn a_redirection_is_relative_to_where_it_comes_from() {
        for (location, expected) in [
            ("http://x/y", Some("http://x/y")),
            ("https://x", Some("https://x")),
            ("//x/y", Some("http://x/y")),
            ("/y?z", Some("http://h:1/y?z")),
            ("y#z", Some("http://h:1/a/y")),
            ("?y", Some("http://h:1/a/b?y")),
            ("", Some("http://h:1/a/b?c")),
            ("ftp://x/", None),
            ("javascript:x", None),
        ] {
            assert_eq!(
                redirected("http://h:1/a/b?c", location).as_deref(),
                expected,
                "{location}"
            );
        }
        assert_eq!(redirected("http://h", "y").as_deref(), Some("http://h/y"));
    }

    #[test]
    fn an_origin_ends_before_the_path() {
        for url in ["http://h:1", "http://h:1/", "http://h:1?x", "http://h:1/a/b"] {
            assert_eq!(origin(url), "http://h:1");
        }
    }
}
