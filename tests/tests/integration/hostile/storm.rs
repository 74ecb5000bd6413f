//! Many connections that bring nothing but garbage.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use nsq_tests::{Nsqd, Stopwatch};

use super::MEMORY_MAX;

/// What the connections bring, in turns.
const GARBAGE: [&[u8]; 5] = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"  V1",
    b"  V2\0\xff\xfe garbage\n",
    b"  V2PUB t\n\xff\xff\xff\xff",
    b"",
];

/// Connects, brings its garbage, and waits for the end.
fn visit(address: SocketAddr, garbage: &[u8]) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(garbage)?;
    stream.shutdown(Shutdown::Write)?;
    let _ = stream.read_to_end(&mut Vec::new());
    Ok(())
}

#[test]
fn a_storm_of_garbage_does_not_hold_up_a_publisher() {
    const VISITORS: usize = 4;
    let nsqd = Nsqd::start();
    let mut publisher = nsqd.connect();
    publisher.publish("t", "before");
    let memory = nsqd.process().resident_bytes();
    let over = AtomicBool::new(false);
    let visits = AtomicU64::new(0);
    let mut latencies = Vec::new();

    let took = thread::scope(|scope| {
        for number in 0..VISITORS {
            let (over, visits) = (&over, &visits);
            let address = nsqd.tcp_address();
            scope.spawn(move || {
                for garbage in GARBAGE.iter().cycle().skip(number) {
                    if over.load(Relaxed) {
                        break;
                    }
                    // The system may be out of ports for a moment.
                    let _ = visit(address, garbage);
                    visits.fetch_add(1, Relaxed);
                }
            });
        }
        let storm = Stopwatch::start();
        while storm.elapsed() < Duration::from_secs(3) {
            let latency = Stopwatch::start();
            publisher.publish("t", "in the storm");
            latencies.push(latency.elapsed());
        }
        over.store(true, Relaxed);
        storm.elapsed()
    });

    latencies.sort();
    let (median, p99) = (
        latencies[latencies.len() / 2],
        latencies[latencies.len() * 99 / 100],
    );
    let visits = visits.into_inner();
    println!(
        "{visits} visits in {took:?}; {} publishes, median {median:?}, p99 {p99:?}",
        latencies.len()
    );
    // A busy machine and a build without optimisation: this only tells that the publisher is served.
    assert!(p99 < Duration::from_millis(500), "p99 {p99:?}");
    assert!(visits > 100, "{visits} visits are no storm");
    let after = nsqd.process().resident_bytes();
    assert!(
        after < memory + MEMORY_MAX,
        "{} MiB",
        after.saturating_sub(memory) >> 20
    );
}
