//! The lines that requests leave in the log.

use std::fmt;
use std::sync::Arc;

use nsq_http::{Method, Request, Response, Router, Routes, Service, reply};
use nsq_net::Peer;
use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::subscriber::SetGlobalDefaultError;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::support::start;

/// Collects the messages of the whole process: call sites are shared by all tests, and one that is
/// first reached without a subscriber would stay silent.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn collect() -> Result<Self, SetGlobalDefaultError> {
        let lines = Self::default();
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines.clone()))?;
        Ok(lines)
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        if *event.metadata().level() <= Level::INFO {
            let mut message = Message(String::new());
            event.record(&mut message);
            let level = event.metadata().level();
            self.0.lock().push(format!("{level} {}", message.0));
        }
    }
}

struct Daemon(Routes);

impl Service for Daemon {
    async fn call(&self, request: Request, peer: Peer) -> Response {
        self.0.call(request, peer).await
    }

    fn is_logged(&self, _method: &Method, path: &str) -> bool {
        path != "/logged/pub"
    }
}

#[tokio::test]
async fn a_request_leaves_one_line() {
    let lines = Lines::collect().unwrap();
    let routes = Router::new()
        .get("/logged", || async { reply::plain("OK") })
        .get("/logged/pub", || async { reply::plain("OK") })
        .get("/logged/panic", panics)
        .with_state(());
    let server = start(Daemon(routes)).await;
    for (method, target) in [
        ("GET", "/logged/pub?topic=quiet"),
        ("OPTIONS", "/logged"),
        ("GET", "/logged/"),
        ("GET", "/logged?a=b"),
        ("POST", "/logged/nope"),
        ("GET", "/logged/panic"),
    ] {
        server.ask(method, target).await;
    }
    let lines = lines.0.lock();
    let shapes: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("logged"))
        .map(|line| match line.split_once(" (127.0.0.1:") {
            Some((start, end)) => {
                let (port, elapsed) = end.split_once(") ").unwrap();
                assert!(port.parse::<u16>().is_ok() && elapsed.ends_with('s'), "{line}");
                start
            }
            None => line.as_str(),
        })
        .collect();
    assert_eq!(
        shapes,
        [
            "INFO 200 GET /logged?a=b",
            "INFO 404 POST /logged/nope",
            "ERROR panic in HTTP handler - as the logged test wants it",
            "INFO 500 GET /logged/panic",
        ]
    );
}

async fn panics() -> Response {
    panic!("as the logged test wants it")
}
