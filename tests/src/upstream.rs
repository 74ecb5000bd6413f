//! An nsqd or nsqlookupd that a test plays over HTTP, well or badly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nsq_testkit::peer::PATIENCE;

/// What is answered to a target such as `/stats?format=json`, as bytes; `None` leaves who asks without an answer.
type Answer = dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync;

/// An HTTP server whose answers are a test's. Serves until the test ends.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
}

/// 200 with this body.
pub fn ok(body: &str) -> Option<Vec<u8>> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    Some([head.as_bytes(), body.as_bytes()].concat())
}

/// 404, as of a program that is neither nsqd nor nsqlookupd.
pub fn not_found() -> Option<Vec<u8>> {
    let page = "<html><body>Not here</body></html>";
    let length = page.len();
    let head =
        format!("HTTP/1.1 404 Not Found\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}");
    Some(head.into_bytes())
}

/// Takes its time, as a process under load does.
#[expect(clippy::disallowed_methods, reason = "that it takes time is what is tested")]
pub fn work(time: Duration) {
    thread::sleep(time);
}

impl Upstream {
    /// Answers on a free port of 127.0.0.1.
    pub fn new(answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::on([127, 0, 0, 1].into(), answer)
    }

    /// Answers on a free port of an address; 0.0.0.0 is all addresses of the machine, 127.0.0.1 to 127.255.255.254 among
    /// them.
    pub fn on(ip: IpAddr, answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((ip, 0)).expect("bind an upstream");
        let address = listener.local_addr().expect("address of a listener");
        let answer: Arc<Answer> = Arc::new(answer);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let answer = Arc::clone(&answer);
                // Who asks may go away at any time.
                thread::spawn(move || drop(serve(stream, &*answer)));
            }
        });
        Self { address }
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn serve(stream: TcpStream, answer: &Answer) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut connection = BufReader::new(stream);
    let mut line = String::new();
    connection.read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    while !matches!(line.as_str(), "\r\n" | "") {
        line.clear();
        connection.read_line(&mut line)?;
    }
    match answer(&target) {
        Some(bytes) => connection.get_mut().write_all(&bytes),
        // Ends when the other side gives up.
        None => connection.read(&mut [0]).map(drop),
    }
}
