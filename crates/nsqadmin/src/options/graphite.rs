//! Where Graphite is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The URL of Graphite, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphiteUrl {
    /// Scheme, host and port, such as `http://graphite:8080`.
    pub origin: String,
    /// The path without a trailing slash; empty for the root.
    pub path: String,
    /// What to send in `Authorization`, if the URL has a user.
    pub authorization: Option<String>,
}

impl GraphiteUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.split_once("://").ok_or(match url.find(':') {
            Some(0) => "missing protocol scheme",
            _ => "not an absolute URL",
        })?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err("unsupported protocol scheme");
        }
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if host.is_empty() {
            return Err("no host in URL");
        }
        Ok(Self {
            origin: format!("{scheme}://{host}"),
            path: path.trim_end_matches('/').to_owned(),
            authorization: user.map(|user| {
                let user = unescape(user);
                let user = if user.contains(&b':') {
                    user
                } else {
                    [&user[..], b":"].concat()
                };
                format!("Basic {}", STANDARD.encode(user))
            }),
        })
    }

    /// The URL of a path below it, such as `/render`, without secrets.
    pub fn join(&self, path: &str) -> String {
        [&self.origin, &self.path, path].concat()
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = match (byte, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        plain.push(escaped.unwrap_or(byte));
        rest = after
            .get(if escaped.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    plain
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_its_user_is_no_part_of_what_is_shown() {
        let url = GraphiteUrl::parse("http://joe:p%40ss@h:8080/graphite/").unwrap();
        assert_eq!(url.join("/render"), "http://h:8080/graphite/render");
        // joe:p@ss
        assert_eq!(url.authorization.as_deref(), Some("Basic am9lOnBAc3M="));
        let url = GraphiteUrl::parse("HTTPS://h").unwrap();
        assert_eq!(url.join("/render"), "https://h/render");
        assert_eq!(url.authorization, None);
    }

    #[test]
    fn what_is_no_url_is_refused() {
        assert_eq!(GraphiteUrl::parse(":bad"), Err("missing protocol scheme"));
        for url in ["", "graphite", "ftp://h", "http://", "http://user@/x"] {
            assert!(GraphiteUrl::parse(url).is_err(), "{url}");
        }
    }
}
