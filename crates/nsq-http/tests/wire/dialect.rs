//! What NSQ's HTTP looks like on the wire.

use crate::support::{read_until, start};
use nsq_http::{ApiError, Params, Path, Request, RequestBody, Response, Router, Service, read_body, reply};
use nsq_net::{Peer, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The routes of a daemon in small, with `/pub` answered in front of them.
struct Daemon(nsq_http::Routes);

impl Daemon {
    fn new() -> Self {
        Self(
            Router::new()
                .get("/ping", || async { reply::plain("OK") })
                .get("/object", || async { reply::json(&[("a<b", 1)]) })
                .get("/text", || async { reply::text("[nsqd] ") })
                .get("/pieces", || async {
                    reply::json_bytes(nsq_http::Body::pieces(
                        ["[1", "", ",2]"].into_iter().map(Into::into),
                    ))
                })
                .get("/panic", panics)
                .post("/topic/create", create)
                .get("/config/{opt}", option)
                .put("/config/{opt}", option)
                .get("/debug/pprof/", || async { reply::empty() })
                .known(nsq_http::Method::POST, "/pub")
                .with_state(()),
        )
    }
}

impl Service for Daemon {
    async fn call(&self, request: Request, peer: Peer) -> Response {
        if request.uri().path() == "/pub" && request.method() == "POST" {
            return publish(request.into_body()).await.unwrap_or_else(Response::from);
        }
        self.0.call(request, peer).await
    }
}

const SIZE_MAX: usize = 16;

async fn publish(body: RequestBody) -> Result<Response, ApiError> {
    let body = read_body(body, SIZE_MAX).await.map_err(|error| match error {
        nsq_http::BodyError::DeclaredTooLarge => ApiError::too_large("MSG_TOO_BIG").closing(),
        nsq_http::BodyError::TooLarge => ApiError::too_large("MSG_TOO_BIG"),
        _ => ApiError::internal(),
    })?;
    Ok(reply::text(body))
}

async fn create(params: Params<'static>) -> Result<Response, ApiError> {
    params.require("topic", "MISSING_ARG_TOPIC")?;
    Ok(reply::empty())
}

async fn option(Path(opt): Path<String>) -> Response {
    reply::text(opt)
}

async fn panics() -> Response {
    panic!("as the test wants it")
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\
    X-Nsq-Content-Type: nsq; version=1.0\r\nContent-Length: 2\r\n\r\nhi";

fn error(status: &str, code: &str) -> String {
    let body = format!("{{\"message\":\"{code}\"}}");
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json; charset=utf-8\r\n\
         X-Nsq-Content-Type: nsq; version=1.0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn replies_come_in_the_v1_form() {
    let server = start(Daemon::new()).await;
    assert_eq!(
        server.ask("GET", "/object").await,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n\
         X-Nsq-Content-Type: nsq; version=1.0\r\nContent-Length: 16\r\n\r\n[[\"a\\u003cb\",1]]"
    );
    assert_eq!(
        server.ask("GET", "/text").await,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\
         X-Nsq-Content-Type: nsq; version=1.0\r\nContent-Length: 7\r\n\r\n[nsqd] "
    );
    assert_eq!(
        server.ask("POST", "/topic/create?topic=z").await,
        "HTTP/1.1 200 OK\r\nX-Nsq-Content-Type: nsq; version=1.0\r\nContent-Length: 0\r\n\r\n"
    );
    assert_eq!(
        server.ask("GET", "/ping").await,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nOK"
    );
}

#[tokio::test]
async fn a_reply_made_in_pieces_is_chunked() {
    let server = start(Daemon::new()).await;
    assert_eq!(
        server.ask("GET", "/pieces").await,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n\
         X-Nsq-Content-Type: nsq; version=1.0\r\nTransfer-Encoding: chunked\r\n\r\n\
         2\r\n[1\r\n3\r\n,2]\r\n0\r\n\r\n"
    );
}

#[tokio::test]
async fn every_reply_has_a_date() {
    let server = start(Daemon::new()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /ping HTTP/1.1\r\nHost: nsq\r\n\r\n")
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let date = reply
        .split("\r\n")
        .find_map(|line| line.strip_prefix("Date: "))
        .unwrap();
    assert!(date.ends_with(" GMT"), "{date}");
}

#[tokio::test]
async fn an_unknown_path_is_not_found_by_any_method() {
    let server = start(Daemon::new()).await;
    let expected = error("404 Not Found", "NOT_FOUND");
    for (method, target) in [
        ("GET", "/nope"),
        ("POST", "/put?topic=a"),
        ("OPTIONS", "/nope"),
        ("GET", "/config"),
        ("GET", "/config/"),
        ("GET", "/pub/"),
    ] {
        assert_eq!(server.ask(method, target).await, expected, "{method} {target}");
    }
}

#[tokio::test]
async fn a_known_path_names_its_methods_when_refusing_others() {
    let server = start(Daemon::new()).await;
    let with_allow = |allow: &str| {
        error("405 Method Not Allowed", "METHOD_NOT_ALLOWED")
            .replace("Content-Length", &format!("Allow: {allow}\r\nContent-Length"))
    };
    assert_eq!(server.ask("POST", "/ping").await, with_allow("GET, OPTIONS"));
    assert_eq!(
        server.ask("GET", "/pub?topic=t").await,
        with_allow("OPTIONS, POST")
    );
    assert_eq!(
        server.ask("DELETE", "/config/x").await,
        with_allow("GET, OPTIONS, PUT")
    );
    assert_eq!(server.ask("BREW", "/ping").await, with_allow("GET, OPTIONS"));
}

#[tokio::test]
async fn head_is_not_an_alias_of_get() {
    let server = start(Daemon::new()).await;
    let reply = server.ask("HEAD", "/ping").await;
    assert!(
        reply.starts_with("HTTP/1.1 405 Method Not Allowed\r\n") && reply.contains("Allow: GET, OPTIONS\r\n"),
        "{reply}"
    );
    assert!(
        reply.ends_with("\r\n\r\n"),
        "a reply to HEAD has no body: {reply}"
    );
}

#[tokio::test]
async fn options_lists_the_methods() {
    let server = start(Daemon::new()).await;
    assert_eq!(
        server.ask("OPTIONS", "/config/x").await,
        "HTTP/1.1 200 OK\r\nAllow: GET, OPTIONS, PUT\r\nContent-Length: 0\r\n\r\n"
    );
    assert_eq!(
        server.ask("OPTIONS", "*").await,
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    );
}

#[tokio::test]
async fn a_misspelled_path_redirects_with_its_query() {
    let server = start(Daemon::new()).await;
    for target in ["/ping/", "/PING", "//ping"] {
        assert_eq!(
            server.ask("GET", target).await,
            "HTTP/1.1 301 Moved Permanently\r\nContent-Type: text/html; charset=utf-8\r\n\
             Location: /ping\r\nContent-Length: 40\r\n\r\n<a href=\"/ping\">Moved Permanently</a>.\n\n"
        );
    }
    assert_eq!(
        server.ask("POST", "/pub/?topic=x").await,
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: /pub?topic=x\r\nContent-Length: 0\r\n\r\n"
    );
    assert!(
        server
            .ask("GET", "/debug/pprof")
            .await
            .contains("Location: /debug/pprof/\r\n")
    );
}

#[tokio::test]
async fn a_malformed_query_is_an_invalid_request() {
    let server = start(Daemon::new()).await;
    let expected = error("400 Bad Request", "INVALID_REQUEST");
    assert_eq!(server.ask("POST", "/topic/create?topic=a%zz").await, expected);
    assert_eq!(server.ask("POST", "/topic/create?topic=a;b").await, expected);
    assert_eq!(
        server.ask("POST", "/topic/create").await,
        error("400 Bad Request", "MISSING_ARG_TOPIC")
    );
}

#[tokio::test]
async fn a_panic_is_answered_and_costs_nothing_else() {
    let server = start(Daemon::new()).await;
    let request = "GET /panic HTTP/1.1\r\nHost: nsq\r\n\r\n";
    let expected = error("500 Internal Server Error", "INTERNAL_ERROR");
    assert_eq!(
        server.exchange(request.repeat(2)).await,
        expected.repeat(2),
        "the connection goes on after a panic"
    );
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start(Daemon::new()).await;
    let post = "POST /pub?topic=t HTTP/1.1\r\nHost: nsq\r\nContent-Length: 2\r\n\r\nhi";
    let get = "GET /nope HTTP/1.1\r\nHost: nsq\r\n\r\n";
    let reply = server.exchange([post, get, post].concat()).await;
    assert_eq!(reply, [OK, &error("404 Not Found", "NOT_FOUND"), OK].concat());
}

#[tokio::test]
async fn http_1_0_closes_unless_asked_to_keep_alive() {
    let server = start(Daemon::new()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /ping HTTP/1.0\r\n\r\n").await.unwrap();
    let reply = crate::support::read_to_end(&mut stream).await;
    assert!(
        reply.starts_with("HTTP/1.0 200 OK\r\n") && reply.ends_with("\r\n\r\nOK"),
        "{reply}"
    );

    let mut stream = server.connect().await;
    for _ in 0..2 {
        stream
            .write_all(b"GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            .await
            .unwrap();
        let reply = read_until(&mut stream, "\r\n\r\nOK").await;
        assert!(
            reply.to_ascii_lowercase().contains("connection: keep-alive\r\n"),
            "{reply}"
        );
    }
}

#[tokio::test]
async fn a_body_is_taken_up_to_its_limit_in_either_form() {
    let server = start(Daemon::new()).await;
    let head = "POST /pub?topic=t HTTP/1.1\r\nHost: nsq\r\n";
    let full = "0123456789abcdef";
    assert_eq!(
        server
            .exchange(format!("{head}Content-Length: 16\r\n\r\n{full}"))
            .await,
        OK.replace("Length: 2", "Length: 16")
            .replace("\r\nhi", &format!("\r\n{full}"))
    );
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    assert_eq!(
        server
            .exchange(format!("{chunked}8\r\n01234567\r\n8\r\n89abcdef\r\n0\r\n\r\n"))
            .await,
        OK.replace("Length: 2", "Length: 16")
            .replace("\r\nhi", &format!("\r\n{full}"))
    );
    let too_big = error("413 Payload Too Large", "MSG_TOO_BIG");
    assert_eq!(
        server
            .exchange(format!("{head}Content-Length: 17\r\n\r\n{full}g"))
            .await,
        too_big.replace("Content-Length", "Connection: close\r\nContent-Length")
    );
    assert_eq!(
        server
            .exchange(format!("{chunked}8\r\n01234567\r\n9\r\n89abcdefg\r\n0\r\n\r\n"))
            .await,
        too_big
    );
}

#[tokio::test]
async fn a_client_that_sends_a_huge_body_first_still_reads_the_refusal() {
    let server = start(Daemon::new()).await;
    let size = 8 * 1024 * 1024;
    let mut request =
        format!("POST /pub?topic=t HTTP/1.1\r\nHost: nsq\r\nContent-Length: {size}\r\n\r\n").into_bytes();
    request.resize(request.len() + size, b'x');
    let reply = server.exchange(request).await;
    assert!(reply.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{reply}");
    assert!(reply.ends_with("{\"message\":\"MSG_TOO_BIG\"}"), "{reply}");
}

#[tokio::test]
async fn a_body_that_no_handler_wants_does_not_cost_the_reply() {
    let server = start(Daemon::new()).await;
    for size in [1, 100_000, 4 * 1024 * 1024] {
        let mut request =
            format!("POST /nope HTTP/1.1\r\nHost: nsq\r\nContent-Length: {size}\r\n\r\n").into_bytes();
        request.resize(request.len() + size, b'x');
        assert_eq!(
            server.exchange(request).await,
            error("404 Not Found", "NOT_FOUND"),
            "{size}"
        );
    }
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_is_told_to_go_on_or_refused_at_once() {
    let server = start(Daemon::new()).await;
    let head = "POST /pub?topic=t HTTP/1.1\r\nHost: nsq\r\nExpect: 100-continue\r\n";
    let mut stream = server.connect().await;
    stream
        .write_all(format!("{head}Content-Length: 2\r\n\r\n").as_bytes())
        .await
        .unwrap();
    assert_eq!(
        read_until(&mut stream, "\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    stream.write_all(b"hi").await.unwrap();
    assert_eq!(read_until(&mut stream, "hi").await, OK);

    let mut stream = server.connect().await;
    stream
        .write_all(format!("{head}Content-Length: 99\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let reply = read_until(&mut stream, "}").await;
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
}

#[tokio::test]
async fn what_is_not_http_is_refused_as_go_refuses_it() {
    let server = start(Daemon::new()).await;
    let refused = |status: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n{status}"
        )
    };
    for garbage in [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET /ping HTTP/9.9\r\n\r\n",
        "GET /ping HTTP/1.1\r\nno colon\r\n\r\n",
        "POST /pub HTTP/1.1\r\nHost: nsq\r\nContent-Length: x\r\n\r\n",
        "POST /pub HTTP/1.1\r\nHost: nsq\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "  V2",
    ] {
        let reply = server.exchange(garbage).await;
        assert_eq!(reply, refused("400 Bad Request"), "{garbage:?}");
    }
    let huge = format!(
        "GET /ping HTTP/1.1\r\nHost: nsq\r\nX: {}\r\n\r\n",
        "x".repeat(100_000)
    );
    assert_eq!(
        server.exchange(huge).await,
        refused("431 Request Header Fields Too Large")
    );
    let many = format!(
        "GET /ping HTTP/1.1\r\nHost: nsq\r\n{}\r\n",
        "X: y\r\n".repeat(1000)
    );
    assert_eq!(
        server.exchange(many).await,
        refused("431 Request Header Fields Too Large")
    );
}

#[tokio::test]
async fn http_1_1_needs_exactly_one_host() {
    let server = start(Daemon::new()).await;
    let refused = |problem: &str| {
        let body = format!("400 Bad Request: {problem}");
        format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    assert_eq!(
        server.exchange("GET /ping HTTP/1.1\r\n\r\n").await,
        refused("missing required Host header")
    );
    assert_eq!(
        server
            .exchange("GET /ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            .await,
        refused("too many Host headers")
    );
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_a_request_leaves_the_server_serving() {
    let server = start(Daemon::new()).await;
    for part in [
        "GET /pi",
        "POST /pub HTTP/1.1\r\nHost: nsq\r\nContent-Length: 9\r\n\r\nhalf",
        "POST /pub HTTP/1.1\r\nHost: nsq\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let mut stream = server.connect().await;
        stream.write_all(part.as_bytes()).await.unwrap();
        drop(stream);
    }
    assert!(server.ask("GET", "/ping").await.ends_with("OK"));
}

#[tokio::test]
async fn a_unix_socket_serves_the_same() {
    let dir = std::env::temp_dir().join(format!("nsq-http-test-{}", std::process::id()));
    let address = nsq_net::Address::Unix(dir.clone());
    let listener = nsq_net::Listener::bind(&address).await.unwrap();
    let stop = nsq_runtime::Shutdown::new();
    let clock = nsq_runtime::Clock::system();
    let server = nsq_http::Server::new(Daemon::new(), clock.clone());
    let client = async {
        let patience = std::time::Duration::from_secs(30);
        let mut socket = Socket::connect(&address, patience, &clock).await.unwrap();
        socket
            .write_all(b"GET /ping HTTP/1.1\r\nHost: nsq\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).await.unwrap();
        assert!(reply.ends_with("OK"), "{reply}");
        stop.trigger();
    };
    let (ended, ()) = tokio::join!(server.run(listener, stop.clone()), client);
    ended.unwrap();
    assert!(!dir.exists());
}
