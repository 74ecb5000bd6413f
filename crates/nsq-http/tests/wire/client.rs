//! The client against our own server, and against peers that misbehave.

use std::time::Duration;

use nsq_http::{Client, ClientRequest, KeepAlive, Request, Response, Service, StatusCode, read_body, reply};
use nsq_net::Peer;
use nsq_runtime::{Clock, ManualClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{passing_time, start};

const PATIENCE: Duration = Duration::from_secs(30);

/// Says what it was asked.
struct Echo;

impl Service for Echo {
    async fn call(&self, request: Request, _peer: Peer) -> Response {
        let (head, body) = request.into_parts();
        let header = |name: &str| {
            let value = head.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let said = format!(
            "{} {} host={} accept={} type={} auth={} body=",
            head.method,
            head.uri,
            header("host"),
            header("accept"),
            header("content-type"),
            header("authorization"),
        );
        let body = read_body(body, 1 << 20).await.unwrap_or_default();
        reply::text([said.as_bytes(), &body].concat())
    }
}

fn client() -> Client {
    Client::new(Clock::system(), PATIENCE, PATIENCE)
}

#[tokio::test]
async fn a_get_asks_for_the_v1_form() {
    let server = start(Echo).await;
    let url = format!("http://{}/lookup?topic=a%23b", server.addr);
    let reply = client().send(ClientRequest::get(&url)).await.unwrap();
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        reply.body,
        format!(
            "GET /lookup?topic=a%23b host={} accept=application/vnd.nsq; version=1.0 type= auth= body=",
            server.addr
        )
    );
}

#[tokio::test]
async fn a_post_carries_its_body_and_headers() {
    let server = start(Echo).await;
    let url = format!("http://{}", server.addr);
    let request = ClientRequest::post(&url)
        .header("authorization".parse().unwrap(), "Bearer x".parse().unwrap())
        .body("application/json", "{}");
    let reply = client().send(request).await.unwrap();
    assert_eq!(
        reply.body,
        format!(
            "POST / host={} accept=application/vnd.nsq; version=1.0 type=application/json auth=Bearer x body={{}}",
            server.addr
        )
    );
}

#[tokio::test]
async fn an_error_shows_no_user_and_if_asked_no_query() {
    let secret = "http://joe:pw@127.0.0.1:1/a@b?key=k";
    for (request, shown) in [
        (
            ClientRequest::get(secret),
            "Get \"http://127.0.0.1:1/a@b?key=k\": ",
        ),
        (
            ClientRequest::get(secret).hide_query(),
            "Get \"http://127.0.0.1:1/a@b\": ",
        ),
        (
            ClientRequest::get("joe:pw@h"),
            "Get \"joe:pw@h\": unsupported protocol scheme",
        ),
    ] {
        let error = client().send(request).await.unwrap_err().to_string();
        assert!(error.starts_with(shown), "{error}");
    }
}

#[tokio::test]
async fn any_status_is_a_reply() {
    let server = start(
        nsq_http::Router::new()
            .get("/ping", || async { reply::plain("OK") })
            .with_state(()),
    )
    .await;
    let url = format!("http://{}/nope", server.addr);
    let reply = client().send(ClientRequest::get(&url)).await.unwrap();
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.body, r#"{"message":"NOT_FOUND"}"#);
}

#[tokio::test]
async fn an_error_does_not_show_a_query_that_is_to_be_hidden() {
    let request = ClientRequest::get("ftp://host/auth?secret=x").hide_query();
    assert_eq!(
        client().send(request).await.unwrap_err().to_string(),
        "Get \"ftp://host/auth\": unsupported protocol scheme"
    );
}

#[tokio::test]
async fn a_reply_beyond_the_limit_is_refused() {
    let server = start(Echo).await;
    let url = format!("http://{}/", server.addr);
    let error = client()
        .with_reply_size_max(16)
        .send(ClientRequest::get(&url))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Get {url:?}: reply of more than 16 bytes")
    );
}

#[tokio::test]
async fn a_closed_port_is_refused_in_gos_words() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{addr}/ping");
    let error = client().send(ClientRequest::get(&url)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Get \"http://{addr}/ping\": dial tcp {addr}: connect: connection refused")
    );
}

#[tokio::test]
async fn a_server_that_never_replies_runs_into_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ping", listener.local_addr().unwrap());
    let manual = ManualClock::new();
    let limit = Duration::from_secs(5);
    let client = Client::new(manual.clock(), limit, limit);
    let (result, waited) = passing_time(&manual, client.send(ClientRequest::get(&url))).await;
    let error = result.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(waited >= limit, "{waited:?}");
}

#[tokio::test]
async fn a_server_that_breaks_off_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ping", listener.local_addr().unwrap());
    for said in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "nonsense\r\n\r\n",
    ] {
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
        };
        let client = client();
        let (result, ()) = tokio::join!(client.send(ClientRequest::get(&url)), server);
        let error = result.unwrap_err();
        assert!(!error.is_timeout(), "{said:?}: {error}");
    }
}

#[tokio::test]
async fn what_is_not_an_http_url_is_refused() {
    for (url, message) in [
        (
            "https://127.0.0.1/",
            "Get \"https://127.0.0.1/\": unsupported protocol scheme",
        ),
        (
            "127.0.0.1:4161",
            "Get \"127.0.0.1:4161\": unsupported protocol scheme",
        ),
        ("/ping", "Get \"/ping\": unsupported protocol scheme"),
        ("http://a b/", "Get \"http://a b/\": not a URL"),
    ] {
        let error = client().send(ClientRequest::get(url)).await.unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[tokio::test]
async fn a_connection_is_used_again_until_the_server_closes_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = async {
        let mut connections = 0;
        for answers in [2, 1] {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections += 1;
            for _ in 0..answers {
                let mut seen = Vec::new();
                while !seen.ends_with(b"\r\n\r\nbody") {
                    assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
                }
                stream
                    .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                    .await
                    .unwrap();
            }
        }
        connections
    };
    let keep_alive = KeepAlive::new(client());
    let asking = async {
        for _ in 0..3 {
            let request = ClientRequest::post(&url).payload("body");
            let status = keep_alive.send(request).await.unwrap().status;
            assert_eq!(status, StatusCode::NO_CONTENT);
        }
    };
    let (connections, ()) = tokio::join!(server, asking);
    assert_eq!(connections, 2);
}

#[tokio::test]
async fn an_answer_without_end_is_left_once_its_status_is_known() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let part = vec![b'x'; 65536];
        while stream.write_all(&part).await.is_ok() {}
    };
    let keep_alive = KeepAlive::new(client());
    let (reply, ()) = tokio::join!(keep_alive.send(ClientRequest::get(&url)), server);
    assert_eq!(reply.unwrap().status, StatusCode::OK);
}
