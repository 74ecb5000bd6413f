//! An authorization server that does what a test tells it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use nsq_testkit::peer::PATIENCE;
use parking_lot::{Condvar, Mutex};

/// An HTTP server on the loopback interface that gives everyone the same response. Serves until the test ends.
#[derive(Debug)]
pub struct AuthServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Method, target and version.
    pub line: String,
    /// The header lines, in lower case.
    pub headers: Vec<String>,
    /// What came behind them.
    pub body: String,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// `None` keeps who asks waiting until there is one.
    response: Option<Vec<u8>>,
    questions: Vec<Question>,
}

impl AuthServer {
    /// A server that answers 200 with `json`.
    pub fn answering(json: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind an authorization server");
        let address = listener.local_addr().expect("address of a listener");
        let shared = Arc::new(Shared::default());
        let server = Self { address, shared };
        server.answer(json);
        let shared = Arc::clone(&server.shared);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let shared = Arc::clone(&shared);
                // Who asks may go away at any time.
                thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        server
    }

    /// The flag that makes an nsqd ask this server.
    pub fn flag(&self) -> String {
        format!("--auth-http-address={}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers 200 with `json` from now on.
    pub fn answer(&self, json: &str) {
        self.respond("200 OK", json);
    }

    /// Answers with this status and body from now on.
    pub fn respond(&self, status: &str, body: &str) {
        let length = body.len();
        self.send(format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
    }

    /// Sends these bytes to everyone from now on, and closes the connection.
    pub fn send(&self, bytes: impl Into<Vec<u8>>) {
        self.shared.state.lock().response = Some(bytes.into());
        self.shared.changed.notify_all();
    }

    /// Keeps everyone waiting from now on, until it is told a response again.
    pub fn fall_silent(&self) {
        self.shared.state.lock().response = None;
    }

    /// What it has been asked so far.
    pub fn questions(&self) -> Vec<Question> {
        self.shared.state.lock().questions.clone()
    }

    /// Waits until it has been asked `count` times in all.
    #[track_caller]
    pub fn await_questions(&self, count: usize) -> Vec<Question> {
        let mut state = self.shared.state.lock();
        self.shared
            .changed
            .wait_while_for(&mut state, |state| state.questions.len() < count, PATIENCE);
        assert!(
            state.questions.len() >= count,
            "asked {} of {count} times",
            state.questions.len()
        );
        state.questions.clone()
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            if header.trim_end().is_empty() {
                break;
            }
            headers.push(header.trim_end().to_ascii_lowercase());
        }
        let length = headers
            .iter()
            .find_map(|header| header.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body)?;
        let question = Question {
            line: line.trim_end().to_owned(),
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        let response = {
            let mut state = self.state.lock();
            state.questions.push(question);
            self.changed.notify_all();
            self.changed
                .wait_while(&mut state, |state| state.response.is_none());
            state.response.clone().unwrap_or_default()
        };
        reader.get_mut().write_all(&response)
    }
}
