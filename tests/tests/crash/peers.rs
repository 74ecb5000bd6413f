//! Producers and consumers that do not mind that nsqd goes away.

use std::collections::VecDeque;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use nsq_tests::command;

use crate::Rng;
use crate::ledger::Ledger;

/// Publishes that wait for their OK at once.
const UNANSWERED_MAX: usize = 20;

/// A frame; `None` when nsqd has gone.
fn read_frame(stream: &mut impl Read) -> Option<(u32, Vec<u8>)> {
    let mut head = [0; 8];
    stream.read_exact(&mut head).ok()?;
    let size = u32::from_be_bytes(*head.first_chunk::<4>()?);
    let kind = u32::from_be_bytes(*head.last_chunk::<4>()?);
    let mut data = vec![0; usize::try_from(size.checked_sub(4)?).ok()?];
    stream.read_exact(&mut data).ok()?;
    Some((kind, data))
}

/// Publishes without a pause, and notes what nsqd says OK to.
pub(crate) fn produce(address: SocketAddr, topic: &str, producer: u64, defers: bool, ledger: &Ledger) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let mut unanswered: VecDeque<Vec<String>> = VecDeque::new();
    if stream.write_all(b"  V2").is_err() {
        return;
    }
    loop {
        // One at a time, many at once, and deferred ones.
        let count = if producer == 1 { 50 } else { 1 };
        let bodies: Vec<_> = (0..count).map(|_| ledger.next_body()).collect();
        let bytes = match producer {
            1 => command::multi_publish(topic, &bodies),
            2 if defers && bodies.first().is_some_and(|body| body.ends_with('7')) => {
                command::deferred_publish(topic, 300, bodies.concat())
            }
            _ => command::publish(topic, bodies.concat()),
        };
        unanswered.push_back(bodies);
        if stream.write_all(&bytes).is_err() {
            return;
        }
        while unanswered.len() >= UNANSWERED_MAX {
            match read_frame(&mut answers) {
                Some((0, answer)) if answer == b"OK" => {
                    ledger.accept(unanswered.pop_front().unwrap_or_default());
                }
                Some((0, answer)) => assert_eq!(answer, b"_heartbeat_"),
                Some((_, error)) => {
                    assert!(ledger.is_dark(), "{}", String::from_utf8_lossy(&error));
                    return;
                }
                None => return,
            }
        }
    }
}

/// Finishes most messages in some order, requeues some, and keeps some for ever.
pub(crate) fn consume(
    address: SocketAddr,
    topic: &str,
    channel: &str,
    index: usize,
    seed: u64,
    ledger: &Ledger,
) {
    let mut rng = Rng(seed);
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    let mut frames = BufReader::new(stream.try_clone().unwrap());
    let hello = format!("  V2SUB {topic} {channel}\nRDY 100\n");
    if stream.write_all(hello.as_bytes()).is_err() {
        return;
    }
    let mut held = VecDeque::new();
    while let Some((kind, data)) = read_frame(&mut frames) {
        // An answer may come too late, after the timeout of its message; nsqd says so.
        if kind != 2 {
            continue;
        }
        let id = String::from_utf8_lossy(data.get(10..26).unwrap_or_default()).into_owned();
        let body = String::from_utf8_lossy(data.get(26..).unwrap_or_default()).into_owned();
        held.push_back((id, body));
        while held.len() > 40 {
            let place = usize::try_from(rng.below(held.len() as u64)).unwrap_or_default();
            let (id, body) = held.remove(place).unwrap_or_default();
            let answer = match rng.below(20) {
                0 => format!("REQ {id} 0\n"),
                1 => format!("REQ {id} 200\n"),
                // Kept: it times out.
                2 => continue,
                _ => {
                    ledger.finish(index, &body);
                    format!("FIN {id}\n")
                }
            };
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// How long nothing may come before it is looked whether anything is left.
const LULL: Duration = Duration::from_millis(300);

/// Finishes every message at once, until `is_empty` says that none is left.
pub(crate) fn finish_all(
    address: SocketAddr,
    topic: &str,
    channel: &str,
    index: usize,
    ledger: &Ledger,
    is_empty: impl Fn() -> bool,
) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LULL)).unwrap();
    let mut frames = BufReader::new(stream.try_clone().unwrap());
    let hello = format!("  V2SUB {topic} {channel}\nRDY 100\n");
    stream.write_all(hello.as_bytes()).unwrap();
    loop {
        match read_frame(&mut frames) {
            Some((2, data)) => {
                let id = String::from_utf8_lossy(&data[10..26]).into_owned();
                ledger.finish(index, &String::from_utf8_lossy(&data[26..]));
                stream.write_all(format!("FIN {id}\n").as_bytes()).unwrap();
            }
            None if is_empty() => return,
            Some(_) | None => {}
        }
    }
}
