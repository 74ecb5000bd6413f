//! An HTTP client that hides nothing: the test writes the request and sees status, headers and body as sent.

use std::fmt;
use std::net::SocketAddr;

use nsq_testkit::peer::Peer;
use serde_json::Value;

/// The HTTP listener of a daemon. Each request gets a connection of its own.
#[derive(Debug, Clone, Copy)]
pub struct Http {
    address: SocketAddr,
}

/// A response as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The first line, without its line end.
    pub status_line: String,
    /// Names and values in the order sent.
    pub headers: Vec<(String, String)>,
    /// The body, put together again if it came in chunks.
    pub body: Vec<u8>,
}

impl Http {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// The address of the listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens a connection and sends nothing.
    #[track_caller]
    pub fn connect(&self) -> Peer {
        Peer::connect(self.address)
    }

    /// `GET <target>`.
    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        self.request("GET", target, "")
    }

    /// `POST <target>`.
    #[track_caller]
    pub fn post(&self, target: &str, body: impl AsRef<[u8]>) -> Response {
        self.request("POST", target, body)
    }

    /// `PUT <target>`.
    #[track_caller]
    pub fn put(&self, target: &str, body: impl AsRef<[u8]>) -> Response {
        self.request("PUT", target, body)
    }

    /// Any request; a body is sent with its `Content-Length`.
    #[track_caller]
    pub fn request(&self, method: &str, target: &str, body: impl AsRef<[u8]>) -> Response {
        let mut connection = self.connect();
        connection.send(request(method, target, body));
        Response::read(&mut connection)
    }

    /// A request written by the test, byte for byte.
    #[track_caller]
    pub fn raw(&self, request: impl AsRef<[u8]>) -> Response {
        let mut connection = self.connect();
        connection.send(request);
        Response::read(&mut connection)
    }
}

/// The bytes of a plain request.
pub fn request(method: &str, target: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: nsqd\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The bytes of a request whose body comes in chunks of the given sizes.
pub fn chunked_request(method: &str, target: &str, chunks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: nsqd\r\nTransfer-Encoding: chunked\r\n\r\n")
        .into_bytes();
    for chunk in chunks {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

impl Response {
    /// Reads one response from a connection that may serve more requests.
    #[track_caller]
    pub fn read(connection: &mut Peer) -> Self {
        let status_line = read_line(connection);
        let mut headers = Vec::new();
        loop {
            let line = read_line(connection);
            if line.is_empty() {
                break;
            }
            let (name, value) = line
                .split_once(": ")
                .unwrap_or_else(|| panic!("malformed header {line:?}"));
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut response = Self {
            status_line,
            headers,
            body: Vec::new(),
        };
        if response.header("Transfer-Encoding") == Some("chunked") {
            response.body = read_chunks(connection);
        } else if let Some(length) = response.header("Content-Length") {
            let length = length.parse().expect("a Content-Length of digits");
            response.body = connection.expect_bytes(length);
        } else {
            response.body = connection.read_to_close(nsq_testkit::peer::PATIENCE);
        }
        response
    }

    /// The status code.
    #[track_caller]
    pub fn status(&self) -> u16 {
        let code = self
            .status_line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok());
        code.unwrap_or_else(|| panic!("malformed status line {:?}", self.status_line))
    }

    /// A header by its name in any case.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        assert!(values.next().is_none(), "more than one {name} in {self:?}");
        Some(value)
    }

    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_else(|_| panic!("the body is not text: {self:?}"))
    }

    /// Asserts a successful or failed answer in plain text, as `/pub` gives.
    #[track_caller]
    pub fn expect_text(&self, status: u16, body: &str) {
        self.expect_parts(status, Some("text/plain; charset=utf-8"), body);
    }

    /// Asserts an answer without a body.
    #[track_caller]
    pub fn expect_empty(&self, status: u16) {
        self.expect_parts(status, None, "");
        assert_eq!(self.header("Content-Length"), Some("0"), "{self:?}");
    }

    /// Asserts the error object with this code.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) {
        self.expect_exact_json(status, &format!(r#"{{"message":"{code}"}}"#));
    }

    /// Asserts an answer in JSON, to the byte.
    #[track_caller]
    pub fn expect_exact_json(&self, status: u16, body: &str) {
        self.expect_parts(status, Some("application/json; charset=utf-8"), body);
    }

    /// Asserts an answer in JSON and returns its value.
    #[track_caller]
    pub fn expect_json(&self, status: u16) -> Value {
        assert_eq!(self.status(), status, "{self:?}");
        assert_eq!(
            self.header("Content-Type"),
            Some("application/json; charset=utf-8"),
            "{self:?}"
        );
        serde_json::from_slice(&self.body).unwrap_or_else(|err| panic!("not JSON: {err} in {self:?}"))
    }

    #[track_caller]
    fn expect_parts(&self, status: u16, content_type: Option<&str>, body: &str) {
        assert_eq!(
            (self.status(), self.body.escape_ascii().to_string()),
            (status, body.as_bytes().escape_ascii().to_string()),
            "{self:?}"
        );
        assert_eq!(self.header("Content-Type"), content_type, "{self:?}");
        assert!(self.header("Date").is_some(), "no Date in {self:?}");
    }

    /// Asserts the header that marks an answer of NSQ's HTTP interface.
    #[track_caller]
    pub fn expect_nsq_content_type(&self) {
        assert_eq!(
            self.header("X-NSQ-Content-Type"),
            Some("nsq; version=1.0"),
            "{self:?}"
        );
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status_line)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        write!(f, "\n{}", self.body.escape_ascii())
    }
}

#[track_caller]
fn read_line(connection: &mut Peer) -> String {
    let line = connection.read_line();
    line.strip_suffix('\r')
        .unwrap_or_else(|| panic!("a line without CR: {line:?}"))
        .to_owned()
}

#[track_caller]
fn read_chunks(connection: &mut Peer) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = read_line(connection);
        let size =
            usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("malformed chunk size {line:?}"));
        body.extend_from_slice(&connection.expect_bytes(size));
        connection.expect(b"\r\n");
        if size == 0 {
            return body;
        }
    }
}
