//! Servers that send the question elsewhere.

use std::num::NonZero;

use nsq_http::{ClientReply, StatusCode, Uri, header};

use super::failure::Cause;
use super::server::Message;

/// The message to send next if `reply` redirects `asked`; `None` if it is the answer.
///
/// A 403 that tells an `https_port`, as an nsqd does that requires TLS, is a redirect to that port. Upstream:
/// `internal/http_api/api_request.go`, `GETV1`.
///
/// As in Go, only 307 and 308 keep a question that was sent by POST.
///
/// # Errors
/// The place is missing or none, or the secret would leave an encrypted connection for a plain one, which
/// upstream does.
pub(super) fn follow(asked: Message, reply: &ClientReply) -> Result<Option<Message>, Cause> {
    let body = match reply.status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => None,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => asked.body,
        StatusCode::FORBIDDEN => {
            let url = encrypted(&asked.url, &reply.body);
            return Ok(url.map(|url| Message { url, ..asked }));
        }
        _ => return Ok(None),
    };
    let location = reply.headers.get(header::LOCATION).ok_or(Cause::Location)?;
    let location = location.to_str().map_err(|_| Cause::Location)?;
    let url = resolve(&asked.url, location).ok_or(Cause::Location)?;
    if asked.url.starts_with("https:") && !url.starts_with("https:") {
        return Err(Cause::Location);
    }
    Ok(Some(Message { url, body }))
}

/// The same page by `https`, at the port that a refusal tells; `None` if it tells none.
///
/// # Differs from upstream
/// Upstream goes on at port 0 when no port is told.
fn encrypted(url: &str, refusal: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct TlsRequired {
        https_port: NonZero<u16>,
    }
    let url: Uri = url.parse().ok()?;
    if url.scheme_str() != Some("http") {
        return None;
    }
    let TlsRequired { https_port } = serde_json::from_slice(refusal).ok()?;
    let page = url.path_and_query().map_or("/", |page| page.as_str());
    Some(format!("https://{}:{https_port}{page}", url.host()?))
}

/// The URL that `location` means on the page `base`.
fn resolve(base: &str, location: &str) -> Option<String> {
    let location = location.split('#').next()?;
    if location.contains("://") {
        return Some(location.to_owned());
    }
    let base: Uri = base.parse().ok()?;
    let scheme = base.scheme_str()?;
    if location.starts_with("//") {
        return Some(format!("{scheme}:{location}"));
    }
    let authority = base.authority()?;
    let path = base.path();
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    Some(match location.chars().next() {
        Some('/') => format!("{scheme}://{authority}{location}"),
        None | Some('?') => format!("{scheme}://{authority}{path}{location}"),
        Some(_) => format!("{scheme}://{authority}{directory}/{location}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_may_tell_where_it_is_encrypted() {
        let told = br#"{"message": "TLS_REQUIRED", "https_port": 4152}"#;
        assert_eq!(
            encrypted("http://h:4151/a?b", told).as_deref(),
            Some("https://h:4152/a?b")
        );
        assert_eq!(
            encrypted("http://[::1]", told).as_deref(),
            Some("https://[::1]:4152/")
        );
        assert_eq!(encrypted("https://h:1/a", told), None);
        for refusal in [
            &br#"{"message":"NOT_AUTHORIZED"}"#[..],
            br#"{"https_port":0}"#,
            br#"{"https_port":65536}"#,
            b"",
        ] {
            assert_eq!(encrypted("http://h/a", refusal), None);
        }
    }

    #[test]
    fn a_place_may_be_told_in_full_or_from_where_one_is() {
        for (location, url) in [
            ("https://other:1/x?y#z", "https://other:1/x?y"),
            ("//other/x", "http://other/x"),
            ("/x?y", "http://h:1/x?y"),
            ("x", "http://h:1/a/x"),
            ("?y", "http://h:1/a/b?y"),
        ] {
            assert_eq!(
                resolve("http://h:1/a/b?q", location).as_deref(),
                Some(url),
                "{location}"
            );
        }
        assert_eq!(resolve("http://h:1", "x").as_deref(), Some("http://h:1/x"));
        assert_eq!(resolve("nonsense", "/x"), None);
    }
}
