//! A cluster, most of the time one that lets nobody in who has no secret: clients discover it, and outlive the restart of each of its
//! processes.

use std::time::Duration;

use nsq_tests::pki::Pki;
use nsq_tests::process::Process;
use nsq_tests::{Nsqauthd, Nsqd, Nsqlookupd};
use serde_json::{Value, json};

use crate::{installed, program, scene};

const USERS: &str = r#"
[[identity]]
name = "billing"
secret = "open sesame"
networks = ["127.0.0.0/8"]
tls_required = true

[[identity.allow]]
topic = "orders"
permissions = ["subscribe"]
"#;

/// How a client is connected to each nsqd.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layers {
    /// With neither, and without a secret.
    Plain,
    TlsAndSnappy,
    TlsAndDeflate,
}

impl Layers {
    fn compression(self) -> &'static str {
        match self {
            Self::Plain => "none",
            Self::TlsAndSnappy => "snappy",
            Self::TlsAndDeflate => "deflate",
        }
    }
}

/// All rounds of one client, which may have to wait for a poll of nsqlookupd in each.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// How long a client may take to come back. pynsq waits ten seconds before it tries the same nsqd again.
const PATIENCE: Duration = Duration::from_secs(60);

struct Cluster {
    pki: Pki,
    authd: Nsqauthd,
    lookupds: Vec<Nsqlookupd>,
    nsqds: Vec<Nsqd>,
    rounds: u32,
}

impl Cluster {
    /// Two nsqlookupds and three nsqds, with a topic that has this channel.
    fn start(channel: &str, layers: Layers) -> Self {
        let pki = Pki::new();
        let authd = Nsqauthd::start("users.toml", USERS);
        let lookupds = [(); 2].map(|()| Nsqlookupd::with(&["--broadcast-address=127.0.0.1"]));
        let lookupds = Vec::from(lookupds);
        let start = |_| {
            let setup = lookupds.iter().fold(pki.setup(), |setup, lookupd| {
                setup.flag(format!("--lookupd-tcp-address={}", lookupd.tcp_address()))
            });
            let setup = if layers == Layers::Plain {
                setup
            } else {
                setup.flag("--tls-required=tcp-https").flag(authd.flag())
            };
            setup
                .flag("--broadcast-address=localhost")
                .time_limit(TIME_LIMIT)
                .start()
        };
        let nsqds: Vec<_> = (0..3).map(start).collect();
        for nsqd in &nsqds {
            nsqd.create_channel("orders", channel);
        }
        let cluster = Self {
            pki,
            authd,
            lookupds,
            nsqds,
            rounds: 0,
        };
        cluster.await_registered();
        cluster
    }

    /// Waits until each nsqlookupd sends consumers to all nsqds.
    fn await_registered(&self) {
        for lookupd in &self.lookupds {
            // What nsqd itself says is of no interest: it only sets the pace.
            let nsqd = self.nsqds.first().unwrap();
            nsqd.await_stats(|_| {
                let answer = lookupd.http().get("/lookup?topic=orders");
                let found: Value = serde_json::from_slice(&answer.body).ok()?;
                let producers = found.get("producers")?.as_array()?;
                (producers.len() == self.nsqds.len()).then_some(())
            });
        }
    }

    /// Publishes a message to each nsqd, and waits until the consumer has finished all of them.
    fn play_round(&mut self, consumer: &Process) {
        self.rounds += 1;
        let body = |index: usize| format!("round {} from {index}", self.rounds);
        for (index, nsqd) in self.nsqds.iter().enumerate() {
            let published = nsqd.http().post("/pub?topic=orders", body(index));
            published.expect_text(200, "OK");
        }
        for index in 0..self.nsqds.len() {
            let line = format!("finished {}", body(index));
            consumer.output().await_lines_within(PATIENCE, &line, 1);
        }
    }
}

/// Has one client consume from a cluster of which one process after the other is restarted.
fn outlive(client: &str, executable: &str, arguments: &[&str], layers: Layers) {
    let Some(executable) = program(client, executable) else {
        return;
    };
    let mut cluster = Cluster::start(client, layers);
    let lookupds: Vec<String> = cluster
        .lookupds
        .iter()
        .map(|lookupd| lookupd.http_address().to_string())
        .collect();
    let authority = cluster.pki.authority_file();
    let lookupds = lookupds.join(",");
    let own = [
        &lookupds,
        "orders",
        client,
        layers.compression(),
        "open sesame",
        authority.to_str().unwrap(),
    ];
    let arguments: Vec<&str> = arguments.iter().copied().chain(own).collect();
    let consumer = Process::start_with_limit(&executable, &installed(), &arguments, TIME_LIMIT);
    cluster.play_round(&consumer);
    cluster.expect_layers(client, layers);

    for _ in 0..cluster.lookupds.len() {
        let replaced = cluster.lookupds.remove(0).replace();
        cluster.lookupds.push(replaced);
        cluster.await_registered();
        cluster.play_round(&consumer);
    }
    cluster.authd = cluster.authd.restart();
    for _ in 0..cluster.nsqds.len() {
        let restarted = cluster.nsqds.remove(0).restart();
        cluster.nsqds.push(restarted);
    }
    // They can only have been found through the new nsqlookupds, and have asked the new nsqauthd.
    cluster.play_round(&consumer);
    cluster.expect_layers(client, layers);
    for nsqd in &cluster.nsqds {
        nsqd.await_channel("orders", client, &json!({"depth": 0, "in_flight_count": 0}));
    }
}

impl Cluster {
    /// Asserts that the consumer is connected to each nsqd as it was told to.
    fn expect_layers(&self, channel: &str, layers: Layers) {
        for nsqd in &self.nsqds {
            let target = format!("/stats?format=json&topic=orders&channel={channel}");
            let stats = nsqd.http().get(&target).expect_json(200);
            let identity = match layers {
                Layers::Plain => None,
                _ => Some(json!("billing")),
            };
            let found = stats.pointer("/topics/0/channels/0/clients/0/auth_identity");
            assert_eq!(found, identity.as_ref(), "{stats}");
            for (field, expected) in [
                ("tls", json!(layers != Layers::Plain)),
                ("snappy", json!(layers == Layers::TlsAndSnappy)),
                ("deflate", json!(layers == Layers::TlsAndDeflate)),
            ] {
                let found = stats.pointer(&format!("/topics/0/channels/0/clients/0/{field}"));
                assert_eq!(found, Some(&expected), "{field} in {stats}");
            }
        }
    }
}

#[test]
fn pynsq_outlives_the_restart_of_each_process_with_snappy() {
    outlive(
        "pynsq",
        "venv/bin/python",
        &[&scene("pynsq_cluster.py")],
        Layers::TlsAndSnappy,
    );
}

#[test]
fn pynsq_outlives_the_restart_of_each_process_with_deflate() {
    outlive(
        "pynsq",
        "venv/bin/python",
        &[&scene("pynsq_cluster.py")],
        Layers::TlsAndDeflate,
    );
}

#[test]
fn nsqjs_outlives_the_restart_of_each_process_with_snappy() {
    outlive(
        "nsqjs",
        "node/run",
        &[&scene("nsqjs_cluster.js")],
        Layers::TlsAndSnappy,
    );
}

#[test]
fn nsqjs_outlives_the_restart_of_each_process_with_deflate() {
    outlive(
        "nsqjs",
        "node/run",
        &[&scene("nsqjs_cluster.js")],
        Layers::TlsAndDeflate,
    );
}

#[test]
fn tokio_nsq_outlives_the_restart_of_each_process_with_snappy() {
    outlive(
        "tokio-nsq",
        "tokio-nsq/debug/tokio-nsq-cluster",
        &[],
        Layers::TlsAndSnappy,
    );
}

#[test]
fn tokio_nsq_outlives_the_restart_of_each_process_with_deflate() {
    outlive(
        "tokio-nsq",
        "tokio-nsq/debug/tokio-nsq-cluster",
        &[],
        Layers::TlsAndDeflate,
    );
}

#[test]
fn ansq_outlives_the_restart_of_each_process_in_the_open() {
    outlive(
        "ansq",
        "venv/bin/python",
        &[&scene("ansq_cluster.py")],
        Layers::Plain,
    );
}
