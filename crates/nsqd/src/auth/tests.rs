use std::sync::Arc;

use nsq_auth::Secret;
use nsq_runtime::{ManualClock, TaskGroup};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::options::RawOptions;

const GRANTING: &str = r#"{"ttl":60,"identity":"joe","identity_url":"http://x/joe","authorizations":[
    {"topic":"^t$","channels":["^c$",""],"permissions":["publish","subscribe"]}]}"#;

/// A server that says the same to everyone, and nothing if it has nothing to say.
struct Fake {
    address: String,
    /// First lines of the requests it got.
    asked: Arc<Mutex<Vec<String>>>,
    _task: TaskGroup,
}

impl Fake {
    async fn start(response: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let task = TaskGroup::new("fake");
        let log = Arc::clone(&asked);
        task.spawn(async move {
            let mut silent = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                let request = String::from_utf8(request).unwrap();
                log.lock().push(request.lines().next().unwrap().to_owned());
                match &response {
                    // Who is asked too much goes away.
                    Some(response) => drop(stream.write_all(response.as_bytes()).await),
                    None => silent.push(stream),
                }
            }
        });
        Self {
            address,
            asked,
            _task: task,
        }
    }

    async fn answering(body: &str) -> Self {
        Self::start(Some(response("200 OK", "", body))).await
    }

    fn asked(&self) -> usize {
        self.asked.lock().len()
    }
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn authorizer(servers: &[&str], clock: &Clock) -> Authorizer {
    let raw = RawOptions {
        auth_http_addresses: servers.iter().copied().collect(),
        node_id: 0,
        ..RawOptions::default()
    };
    let (options, tls) = Options::validate(raw, Tls::load).unwrap();
    Authorizer::new(&options, &tls, clock).unwrap()
}

fn question() -> Question {
    Question {
        remote_ip: "10.0.0.1".to_owned(),
        secret: Secret::new(*b"hunter2"),
        ..Question::default()
    }
}

/// Why a server with this response grants nothing, without what all failures begin with.
async fn refusal(response: String) -> String {
    let fake = Fake::start(Some(response)).await;
    let failure = authorizer(&[&fake.address], &Clock::system())
        .ask(&question())
        .await
        .unwrap_err()
        .to_string();
    let begin = format!("failed to auth against {} - ", fake.address);
    failure.strip_prefix(&begin).unwrap().to_owned()
}

#[test]
fn without_servers_nobody_is_asked() {
    let (options, tls) = Options::validate(RawOptions::default(), Tls::load).unwrap();
    assert!(Authorizer::new(&options, &tls, &Clock::system()).is_none());
}

#[tokio::test]
async fn a_valid_answer_grants_what_it_says_until_it_expires() {
    let fake = Fake::answering(GRANTING).await;
    let clock = Clock::system();
    let before = clock.now();
    let grant = authorizer(&[&fake.address], &clock)
        .ask(&question())
        .await
        .unwrap();
    assert_eq!(
        (
            grant.identity.as_str(),
            grant.identity_url.as_str(),
            grant.permission_count
        ),
        ("joe", "http://x/joe", 1)
    );
    assert!(grant.rules.allow_publish("t") && grant.rules.allow_subscribe("t", "c"));
    let minute = Duration::from_secs(60);
    assert!(grant.expires_at >= before + minute && grant.expires_at <= clock.now() + minute);
    assert_eq!(
        *fake.asked.lock(),
        ["GET /auth?common_name=&remote_ip=10.0.0.1&secret=hunter2&tls=false HTTP/1.1"]
    );
}

#[tokio::test]
async fn a_grant_may_be_for_longer_than_time_lasts() {
    let fake = Fake::answering(r#"{"ttl":9223372036854775807}"#).await;
    let grant = authorizer(&[&fake.address], &Clock::system())
        .ask(&question())
        .await;
    assert_eq!(grant.unwrap().expires_at, Moment::FAR);
}

#[tokio::test]
async fn questions_begin_at_one_server_after_the_other() {
    let one = Fake::answering(GRANTING).await;
    let other = Fake::answering(GRANTING).await;
    let authorizer = authorizer(&[&one.address, &other.address], &Clock::system());
    for _ in 0..4 {
        authorizer.ask(&question()).await.unwrap();
    }
    assert_eq!((one.asked(), other.asked()), (2, 2));
}

#[tokio::test]
async fn a_server_that_fails_is_made_up_for_by_another() {
    let bad = Fake::answering("oops").await;
    let good = Fake::answering(GRANTING).await;
    let authorizer = authorizer(&[&bad.address, &good.address], &Clock::system());
    for _ in 0..2 {
        authorizer.ask(&question()).await.unwrap();
    }
    assert_eq!((bad.asked(), good.asked()), (1, 2));
}

#[tokio::test]
async fn every_server_is_asked_once_before_the_question_fails() {
    let one = Fake::start(Some(response("500 X", "", "one"))).await;
    let other = Fake::start(Some(response("201 Created", "", GRANTING))).await;
    let failure = authorizer(&[&one.address, &other.address], &Clock::system())
        .ask(&question())
        .await
        .unwrap_err();
    let text = failure.to_string();
    let (first, second) = text.split_once("; ").unwrap();
    assert_eq!(
        first,
        format!(
            "failed to auth against {} - got response 500 Internal Server Error \"one\"",
            one.address
        )
    );
    assert!(second.starts_with(&format!(
        "failed to auth against {} - got response 201 Created",
        other.address
    )));
    assert_eq!((one.asked(), other.asked()), (1, 1));
}

#[tokio::test]
async fn a_server_that_says_nothing_has_the_request_timeout() {
    let fake = Fake::start(None).await;
    let manual = ManualClock::new();
    let authorizer = authorizer(&[&fake.address], &manual.clock());
    let question = question();
    let passing_time = async {
        while fake.asked() == 0 {
            tokio::task::yield_now().await;
        }
        manual.advance(Duration::from_secs(5));
        std::future::pending::<()>().await;
    };
    let failure = tokio::select! {
        outcome = authorizer.ask(&question) => outcome.unwrap_err().to_string(),
        () = passing_time => unreachable!(),
    };
    assert!(failure.ends_with("context deadline exceeded"), "{failure}");
    assert!(!failure.contains("hunter2"), "{failure}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_and_the_secret_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let failure = authorizer(&[&address], &Clock::system()).ask(&question()).await;
    assert_eq!(
        failure.unwrap_err().to_string(),
        format!(
            "failed to auth against {address} - Get \"http://{address}/auth\": \
             dial tcp {address}: connect: connection refused"
        )
    );
}

#[tokio::test]
async fn an_answer_has_bounds() {
    let huge = "x".repeat(ANSWER_SIZE_MAX + 1);
    assert!(
        refusal(response("200 OK", "", &huge))
            .await
            .ends_with("reply of more than 1048576 bytes")
    );
    let name = "x".repeat(IDENTITY_LEN_MAX + 1);
    let answer = format!(r#"{{"ttl":1,"identity_url":"{name}"}}"#);
    assert_eq!(
        refusal(response("200 OK", "", &answer)).await,
        "identity of 4097 bytes"
    );
    let bomb = r#"{"ttl":1,"authorizations":[{"topic":"((a{1000}){1000}){1000}"}]}"#;
    assert_eq!(
        refusal(response("200 OK", "", bomb)).await,
        "patterns take more than 2097152 bytes"
    );
}

#[tokio::test]
async fn what_breaks_the_protocol_grants_nothing() {
    for broken in [
        "",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"ttl\":1",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        refusal(broken.to_owned()).await;
    }
}

#[tokio::test]
async fn a_secret_that_is_repeated_does_not_reach_the_log() {
    let cause = refusal(response("403 Forbidden", "", "no such secret: hunter2")).await;
    assert_eq!(cause, "got response 403 Forbidden \"no such secret: ***\"");
}

#[tokio::test]
async fn a_redirect_is_followed_and_not_for_ever() {
    let target = Fake::answering(GRANTING).await;
    let location = format!("Location: http://{}/there?x\r\n", target.address);
    let here = Fake::start(Some(response("302 Found", &location, ""))).await;
    authorizer(&[&here.address], &Clock::system())
        .ask(&question())
        .await
        .unwrap();
    assert_eq!(*target.asked.lock(), ["GET /there?x HTTP/1.1"]);

    let circle = response("307 Temporary Redirect", "Location: /auth\r\n", "");
    let fake = Fake::start(Some(circle)).await;
    let failure = authorizer(&[&fake.address], &Clock::system())
        .ask(&question())
        .await;
    assert!(
        failure
            .unwrap_err()
            .to_string()
            .ends_with("stopped after 10 redirects")
    );
    assert_eq!(fake.asked(), 1 + REDIRECTS_MAX);

    assert_eq!(
        refusal(response("301 Moved Permanently", "", "")).await,
        "redirected to no usable place"
    );
}
