//! How much a consumer holds: what may be in flight, however much waits for it.

use std::net::TcpListener;

use nsq_tests::Setup;
use serde_json::json;

use super::{Bench, limit, tcp_flag};

/// Messages that wait, and their size: 100 MB altogether.
const COUNT: usize = 1000;
const BODY_BYTES: usize = 100_000;

/// What a consumer that may hold 20 of them, 2 MB, may take: its code, its threads and its buffers as well.
const RESIDENT_BYTES_MAX: u64 = 32 * 1024 * 1024;

#[test]
fn a_consumer_that_is_stuck_holds_no_more_than_may_be_in_flight() {
    let bench = Bench::new();
    let nsqd = Setup::new().time_limit(limit()).start();
    nsqd.create_channel("t", "nsq_to_http");
    let mut producer = nsqd.connect();
    let body = vec![b'x'; BODY_BYTES];
    for _ in 0..COUNT {
        producer.publish("t", &body);
    }
    // Takes requests and answers none.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let forwarder = bench.start(
        "nsq_to_http",
        &[
            "--topic=t",
            "--max-in-flight=20",
            &format!("--post=http://{}/", server.local_addr().unwrap()),
            &tcp_flag(&nsqd),
        ],
    );
    nsqd.await_channel(
        "t",
        "nsq_to_http",
        &json!({"depth": COUNT - 20, "in_flight_count": 20}),
    );
    // All of them have come when a request has been begun for each.
    let _requests: Vec<_> = (0..20).map(|_| server.accept().unwrap()).collect();
    let resident = forwarder.resident_bytes();
    assert!(resident < RESIDENT_BYTES_MAX, "{resident} bytes");
}
