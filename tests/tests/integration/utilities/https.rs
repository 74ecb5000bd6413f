//! `nsq_to_http` over TLS: an nsqd with a certificate plays the server.

use std::path::Path;

use nsq_tests::Nsqd;
use nsq_tests::pki::Pki;
use nsq_tests::process::Process;
use nsq_tests::program;
use rustix::process::Signal;
use serde_json::json;

use super::{Bench, limit, tcp_flag};

/// One message on its way from a queue to a server with a certificate of `localhost`.
struct Delivery {
    bench: Bench,
    pki: Pki,
    queue: Nsqd,
    server: Nsqd,
}

impl Delivery {
    fn prepare() -> Self {
        let bench = Bench::new();
        let pki = Pki::new();
        let delivery = Self {
            server: pki.setup().start(),
            queue: Nsqd::start(),
            bench,
            pki,
        };
        delivery.queue.create_channel("t", "nsq_to_http");
        delivery.server.create_channel("copy", "c");
        delivery.queue.publish("t", "secret");
        delivery
    }

    /// Where the server speaks TLS, under this name.
    fn tls(&self, name: &str) -> String {
        format!("{name}:{}", self.server.https_address().port())
    }

    /// Starts to deliver to this address, with these authorities in the place of the system's.
    fn start(&self, address: &str, authorities: &Path) -> Process {
        let program = program::utility("nsq_to_http");
        let arguments = [
            &format!("SSL_CERT_FILE={}", authorities.display()),
            program.to_str().unwrap(),
            "--topic=t",
            &format!("--post=https://{address}/pub?topic=copy"),
            &tcp_flag(&self.queue),
        ];
        Process::start_with_limit(Path::new("/usr/bin/env"), self.bench.path(), &arguments, limit())
    }

    /// Asserts that the message stays in the queue because of `reason`.
    #[track_caller]
    fn expect_refused(&self, address: &str, authorities: &Path, reason: &str) {
        let forwarder = self.start(address, authorities);
        let line = forwarder.log().await_line("Handler returned error (");
        assert!(line.contains(reason), "{line}");
        self.queue.await_channel(
            "t",
            "nsq_to_http",
            &json!({"deferred_count": 1, "in_flight_count": 0}),
        );
        forwarder.signal(Signal::TERM);
        assert!(forwarder.wait().status.success());
        self.server.await_channel("copy", "c", &json!({"depth": 0}));
    }
}

#[test]
fn a_server_that_the_system_trusts_gets_the_message() {
    let delivery = Delivery::prepare();
    let forwarder = delivery.start(&delivery.tls("localhost"), &delivery.pki.authority_file());
    let mut consumer = delivery.server.consumer("copy", "c", 1);
    consumer.expect_message_of("secret", 1);
    delivery.queue.await_channel(
        "t",
        "nsq_to_http",
        &json!({"depth": 0, "in_flight_count": 0, "deferred_count": 0}),
    );
    forwarder.signal(Signal::TERM);
    assert!(forwarder.wait().status.success());
}

#[test]
fn a_server_of_an_unknown_authority_gets_nothing() {
    let delivery = Delivery::prepare();
    let stranger = Pki::of("stranger");
    delivery.expect_refused(
        &delivery.tls("localhost"),
        &stranger.authority_file(),
        "x509: certificate signed by unknown authority",
    );
}

#[test]
fn a_server_with_the_certificate_of_another_gets_nothing() {
    let delivery = Delivery::prepare();
    delivery.expect_refused(
        &delivery.tls("127.0.0.1"),
        &delivery.pki.authority_file(),
        "certificate not valid for name \"127.0.0.1\"",
    );
}

#[test]
fn a_server_that_speaks_no_tls_gets_nothing() {
    let delivery = Delivery::prepare();
    let plain = delivery.server.http_address().to_string();
    delivery.expect_refused(&plain, &delivery.pki.authority_file(), "https://");
}
