//! Requests that a browser sends because a page of another site made it.

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::{Method, Request};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a browser sends this for a page of another site, and it may change something.
///
/// A page may make its visitor's browser POST to any address that the browser reaches, and that needs no consent of the
/// server; it only cannot read the answer. Browsers say where such a request comes from: in `Sec-Fetch-Site` where they
/// trust the connection, and else in `Origin`. No other client sends either, so none is refused.
pub(crate) fn is_forged<B>(request: &Request<B>) -> bool {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    changes && is_from_elsewhere(request.headers())
}

fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    match headers.get(SEC_FETCH_SITE) {
        // `none` is a person who typed it, not a page. `same-site` is another port or a neighbour of this host.
        Some(site) => site != "same-origin" && site != "none",
        None => headers.get(ORIGIN).is_some_and(|origin| {
            let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            // An origin that a browser keeps to itself is `null`.
            match (authority, host) {
                (Some((_, authority)), Some(host)) => !authority.eq_ignore_ascii_case(host),
                _ => true,
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forged(method: Method, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri("/pub?topic=t");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        is_forged(&request.body(()).unwrap())
    }

    #[test]
    fn what_is_no_browser_is_never_refused() {
        assert!(!forged(Method::POST, &[]));
        assert!(!forged(
            Method::POST,
            &[("Host", "nsqd:4151"), ("User-Agent", "curl/8")]
        ));
    }

    #[test]
    fn a_browser_that_says_where_a_request_comes_from_is_believed() {
        for (site, refused) in [
            ("cross-site", true),
            ("same-site", true),
            ("something-new", true),
            ("same-origin", false),
            ("none", false),
        ] {
            assert_eq!(
                forged(Method::POST, &[("Sec-Fetch-Site", site)]),
                refused,
                "{site}"
            );
            assert_eq!(
                forged(Method::PUT, &[("Sec-Fetch-Site", site)]),
                refused,
                "{site}"
            );
            assert!(!forged(Method::GET, &[("Sec-Fetch-Site", site)]), "{site}");
        }
    }

    #[test]
    fn the_origin_counts_where_a_browser_says_nothing_more() {
        for (origin, refused) in [
            ("http://nsqd:4151", false),
            ("HTTP://NSQD:4151", false),
            ("http://nsqd:4171", true),
            ("http://nsqd", true),
            ("http://evil.example", true),
            ("http://nsqd:4151.evil.example", true),
            ("nsqd:4151", true),
            ("null", true),
            ("", true),
        ] {
            let headers = [("Host", "nsqd:4151"), ("Origin", origin)];
            assert_eq!(forged(Method::POST, &headers), refused, "{origin}");
        }
        assert!(
            forged(Method::POST, &[("Origin", "http://nsqd:4151")]),
            "without a host"
        );
    }

    #[test]
    fn a_proxy_may_change_the_host_where_the_browser_vouches_for_the_site() {
        let headers = [
            ("Host", "10.0.0.1:4151"),
            ("Origin", "https://nsq.example"),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        assert!(!forged(Method::POST, &headers));
    }
}
