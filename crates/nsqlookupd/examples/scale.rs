//! Registers topics of many producers with a running nsqlookupd, asks it about them, and prints how long that took
//! and how much memory the process had at each point.
//!
//! Run with `--release`; takes the addresses of TCP and HTTP, the id of the process, and as `name=value` what differs
//! from the defaults: `nsqds`, `topics` (each nsqd has all of them), `lookups`.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a program that measures and prints"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nsq_protocol::lookup::{MAGIC_V1, PeerInfo, encode_identify};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The answer to a registration.
const OK: &[u8] = b"\0\0\0\x02OK";

/// What nsqd registers when it meets a fresh nsqlookupd, for the figure about one connection.
const REGISTRATIONS_OF_ONE: usize = 2000;

/// Pause between two lookups: as many as several thousand consumers make, who ask every minute.
const LOOKUP_PAUSE: Duration = Duration::from_millis(1);

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name: &str| arguments.next().ok_or_else(|| format!("{name} is missing"));
    let (tcp, http, pid) = (next("TCP address")?, next("HTTP address")?, next("process id")?);
    let settings: Vec<String> = arguments.collect();
    let setting = |name: &str, default: usize| {
        let value = settings
            .iter()
            .find_map(|setting| setting.strip_prefix(name)?.strip_prefix('='));
        value.map_or(Ok(default), str::parse)
    };
    let (nsqds, topics, lookups) = (
        setting("nsqds", 1000)?,
        setting("topics", 1000)?,
        setting("lookups", 10_000)?,
    );
    let memory = |when: &str| -> Outcome<()> {
        println!("memory {when}: {}", resident(&pid)?);
        Ok(())
    };

    memory("at the start")?;
    let mut producers = Vec::with_capacity(nsqds);
    for nsqd in 0..nsqds {
        producers.push(connect(&tcp, nsqd)?);
    }
    memory("connected")?;
    let started = Instant::now();
    for producer in &mut producers {
        register_at_once(producer, topics)?;
    }
    let took = started.elapsed();
    let registrations = nsqds * topics;
    println!(
        "{registrations} registrations of {nsqds} nsqds: {took:?}, {:.0}/s",
        registrations as f64 / took.as_secs_f64()
    );
    memory("registered")?;

    let mut fresh = connect(&tcp, nsqds)?;
    let started = Instant::now();
    for topic in 0..REGISTRATIONS_OF_ONE {
        register(&mut fresh, topic % topics)?;
    }
    println!(
        "{REGISTRATIONS_OF_ONE} registrations, one by one: {:?}",
        started.elapsed()
    );

    let quiet = look_up(&http, topics, lookups)?;
    println!("lookup: {quiet}");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| -> Outcome<()> {
        let churn = scope.spawn(|| churn(&tcp, nsqds + 1, topics, &is_over));
        let latencies = look_up(&http, topics, lookups);
        is_over.store(true, Ordering::Relaxed);
        let changes = churn.join().map_err(|_| "churn panicked")??;
        println!("lookup during {changes} changes: {}", latencies?);
        Ok(())
    })?;
    for path in ["/topics", "/nodes", "/debug"] {
        is_over.store(false, Ordering::Relaxed);
        thread::scope(|scope| -> Outcome<()> {
            let listing = scope.spawn(|| list(&http, path, &is_over));
            let latencies = look_up(&http, topics, lookups / 10);
            is_over.store(true, Ordering::Relaxed);
            println!("{path}: {}", listing.join().map_err(|_| "listing panicked")??);
            println!("lookup meanwhile: {}", latencies?);
            Ok(())
        })?;
    }
    memory("asked")?;

    let started = Instant::now();
    drop(producers);
    drop(fresh);
    let mut http = Http::connect(&http)?;
    while http.get("/nodes")?.0.len() > "{\"producers\":[]}".len() {
        thread::sleep(LOOKUP_PAUSE);
    }
    println!("all gone after {:?}", started.elapsed());
    memory("at the end")
}

/// Connects the producer of this number and identifies it.
fn connect(tcp: &str, number: usize) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(tcp)?;
    stream.set_nodelay(true)?;
    let info = PeerInfo {
        broadcast_address: format!("nsqd-{number:04}.cluster.example"),
        hostname: format!("nsqd-{number:04}"),
        http_port: 4151,
        tcp_port: 4150,
        version: "1.3.0".to_owned(),
        ..PeerInfo::default()
    };
    let mut commands = MAGIC_V1.to_vec();
    encode_identify(&mut commands, &info);
    stream.write_all(&commands)?;
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let mut answer = vec![0; u32::from_be_bytes(size) as usize];
    stream.read_exact(&mut answer)?;
    Ok(stream)
}

fn topic_name(number: usize) -> String {
    format!("topic_number_{number:04}")
}

fn register(stream: &mut TcpStream, topic: usize) -> Outcome<()> {
    stream.write_all(format!("REGISTER {}\n", topic_name(topic)).as_bytes())?;
    expect_answers(stream, 1)
}

fn register_at_once(stream: &mut TcpStream, topics: usize) -> Outcome<()> {
    let mut commands = String::new();
    for topic in 0..topics {
        writeln!(commands, "REGISTER {}", topic_name(topic))?;
    }
    stream.write_all(commands.as_bytes())?;
    expect_answers(stream, topics)
}

fn expect_answers(stream: &mut TcpStream, count: usize) -> Outcome<()> {
    let mut answers = vec![0; OK.len() * count];
    stream.read_exact(&mut answers)?;
    if answers.chunks(OK.len()).any(|answer| answer != OK) {
        return Err(format!("not OK: {}", answers.escape_ascii()).into());
    }
    Ok(())
}

/// Comes, registers everything and goes, over and over; returns how many registrations and their ends that made.
fn churn(tcp: &str, number: usize, topics: usize, is_over: &AtomicBool) -> Outcome<usize> {
    let mut changes = 0;
    while !is_over.load(Ordering::Relaxed) {
        register_at_once(&mut connect(tcp, number)?, topics)?;
        changes += 2 * topics;
    }
    Ok(changes)
}

/// Looks up topics one after the other, and tells how long that took and how large the last answer was.
fn look_up(http: &str, topics: usize, count: usize) -> Outcome<String> {
    let mut http = Http::connect(http)?;
    let mut latencies = Vec::with_capacity(count);
    let mut len = 0;
    for number in 0..count {
        // A stride that visits all topics in no simple order.
        let path = format!("/lookup?topic={}", topic_name(number * 7919 % topics));
        let started = Instant::now();
        len = http.get(&path)?.0.len();
        latencies.push(started.elapsed());
        thread::sleep(LOOKUP_PAUSE);
    }
    latencies.sort_unstable();
    let quantile = |share: usize| latencies[(count - 1) * share / 1000];
    Ok(format!(
        "p50 {:?}, p99 {:?}, p99.9 {:?}, max {:?}, {len} bytes each",
        quantile(500),
        quantile(990),
        quantile(999),
        quantile(1000)
    ))
}

/// Asks for a listing over and over, and tells about the first answer.
fn list(http: &str, path: &str, is_over: &AtomicBool) -> Outcome<String> {
    let mut http = Http::connect(http)?;
    let started = Instant::now();
    let (body, first_byte) = http.get(path)?;
    let told = format!(
        "{:?}, first byte after {first_byte:?}, {} bytes",
        started.elapsed(),
        body.len()
    );
    while !is_over.load(Ordering::Relaxed) {
        http.get(path)?;
    }
    Ok(told)
}

/// Resident memory of a process and its peak, as the kernel words them.
fn resident(pid: &str) -> Outcome<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    Ok(format!("{}, at most {}", field("VmRSS:"), field("VmHWM:")))
}

/// One connection that is kept.
struct Http(BufReader<TcpStream>);

impl Http {
    fn connect(address: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::with_capacity(1 << 18, stream)))
    }

    /// The body of the answer, and how long its first byte took.
    fn get(&mut self, path: &str) -> Outcome<(Vec<u8>, Duration)> {
        let started = Instant::now();
        let request = format!("GET {path} HTTP/1.1\r\nHost: lookupd\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let first_byte = started.elapsed();
        if !status.contains(" 200 ") {
            return Err(format!("{path}: {status}").into());
        }
        let mut len = None;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                len = Some(value.trim().parse::<usize>()?);
            }
        }
        let mut body = Vec::new();
        if let Some(len) = len {
            body.resize(len, 0);
            self.0.read_exact(&mut body)?;
            return Ok((body, first_byte));
        }
        loop {
            let len = usize::from_str_radix(&self.line()?, 16)?;
            let start = body.len();
            body.resize(start + len, 0);
            self.0.read_exact(&mut body[start..])?;
            self.line()?;
            if len == 0 {
                return Ok((body, first_byte));
            }
        }
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}
