//! One authorization server, and how it is asked.

use bytes::Bytes;
use nsq_auth::Question;
use nsq_http::{ClientRequest, to_json};

use crate::options::AuthMethod;

/// A server as it was configured.
#[derive(Debug)]
pub(super) struct Server {
    url: String,
    /// As it was given, without what may be secret in it.
    shown: String,
}

/// A question to be sent.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) url: String,
    /// JSON; a message without it is sent by GET.
    pub(super) body: Option<Bytes>,
}

impl Server {
    /// `host:port`, or anything with `://` in it as a complete URL.
    pub(super) fn new(address: &str) -> Self {
        let Some((scheme, rest)) = address.split_once("://") else {
            return Self {
                url: format!("http://{address}/auth"),
                shown: address.to_owned(),
            };
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        Self {
            url: address.to_owned(),
            shown: format!("{scheme}://{host}{path}"),
        }
    }

    /// What to call it in the log.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// The question for this server.
    ///
    /// # Differs from upstream
    /// A URL that has a query string already gets the question behind an `&`, not behind a second `?`.
    pub(super) fn message(&self, method: AuthMethod, question: &Question) -> serde_json::Result<Message> {
        Ok(match method {
            AuthMethod::Get => Message {
                url: with_query(&self.url, &question.to_query()),
                body: None,
            },
            AuthMethod::Post => Message {
                url: self.url.clone(),
                body: Some(to_json(question)?.into()),
            },
        })
    }
}

impl Message {
    /// The request that carries it.
    pub(super) fn request(&self) -> ClientRequest<'_> {
        match &self.body {
            None => ClientRequest::get(&self.url),
            Some(json) => ClientRequest::post(&self.url).body("application/json", json.clone()),
        }
        .hide_query()
    }
}

fn with_query(url: &str, query: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let separator = match url.split_once('?') {
        None => "?",
        Some((_, before)) if before.is_empty() || before.ends_with('&') => "",
        Some(_) => "&",
    };
    [url, separator, query].concat()
}

#[cfg(test)]
mod tests {
    use nsq_auth::Secret;

    use super::*;

    fn question() -> Question {
        Question {
            remote_ip: "127.0.0.1".to_owned(),
            secret: Secret::new(*b"se cret&1"),
            ..Question::default()
        }
    }

    fn asked_by_get(address: &str) -> String {
        let message = Server::new(address)
            .message(AuthMethod::Get, &question())
            .unwrap();
        assert_eq!(message.body, None);
        message.url
    }

    #[test]
    fn an_address_alone_means_its_path_auth() {
        assert_eq!(
            asked_by_get("127.0.0.1:4181"),
            "http://127.0.0.1:4181/auth?common_name=&remote_ip=127.0.0.1&secret=se+cret%261&tls=false"
        );
    }

    #[test]
    fn a_url_is_used_as_it_is_and_its_own_query_stays_in_front() {
        let query = question().to_query();
        for (address, url) in [
            ("http://h:1", "http://h:1?"),
            ("http://h:1/custom", "http://h:1/custom?"),
            ("https://h/custom?", "https://h/custom?"),
            ("http://h/custom?x=1", "http://h/custom?x=1&"),
            ("http://h/custom?x=1&", "http://h/custom?x=1&"),
            ("http://h/custom?x=1#top", "http://h/custom?x=1&"),
        ] {
            assert_eq!(asked_by_get(address), format!("{url}{query}"));
        }
    }

    #[test]
    fn a_question_by_post_is_upstreams_to_the_byte() {
        let message = Server::new("http://h/custom?x=1")
            .message(AuthMethod::Post, &question())
            .unwrap();
        assert_eq!(message.url, "http://h/custom?x=1");
        assert_eq!(
            message.body.unwrap(),
            r#"{"common_name":[""],"remote_ip":["127.0.0.1"],"secret":["se cret\u00261"],"tls":["false"]}"#
        );
    }

    #[test]
    fn what_a_url_may_hold_of_secrets_is_not_shown() {
        for (address, shown) in [
            ("127.0.0.1:4181", "127.0.0.1:4181"),
            ("https://joe:pw@h:1/a/b?key=k#f", "https://h:1/a/b"),
            ("http://h?key=k", "http://h"),
            ("http://j@o@h", "http://h"),
        ] {
            assert_eq!(Server::new(address).shown(), shown);
        }
    }
}
