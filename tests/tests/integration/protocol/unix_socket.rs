//! Listeners on unix stream sockets.

use std::path::PathBuf;

use nsq_tests::{Nsqd, Peer, Setup, http};
use serde_json::json;

fn socket(setup: &Setup, name: &str) -> PathBuf {
    setup.data_path().join(name)
}

#[test]
fn an_address_that_is_not_host_and_port_is_a_socket_path() {
    let setup = Setup::new();
    let path = socket(&setup, "nsqd.sock");
    let nsqd = setup.flag(format!("--tcp-address={}", path.display())).start();
    nsqd.log()
        .await_line(&format!("TCP: listening on {}", path.display()));

    let mut peer = Peer::connect_unix(&path);
    peer.send(b"  V2");
    peer.publish("t", "hi");
    peer.subscribe("t", "c");
    peer.ready(1);
    peer.expect_message_of("hi", 1);
    let channel = nsqd.await_channel("t", "c", &json!({"client_count": 1}));
    let client = &channel["clients"][0];
    assert_eq!(
        (
            &client["remote_address"],
            &client["client_id"],
            &client["hostname"]
        ),
        (&json!("@"), &json!(""), &json!(""))
    );
    let info = nsqd.http().get("/info").expect_json(200);
    assert_eq!(info["tcp_port"], json!(-1));
    assert_eq!(info["http_port"], json!(nsqd.http_address().port()));
}

#[test]
fn an_address_without_a_port_is_a_socket_path_too() {
    let setup = Setup::new();
    let nsqd = setup.flag("--tcp-address=127.0.0.1").start();

    // The working directory of the daemon is its data directory.
    let mut peer = Peer::connect_unix(&socket(nsqd.setup(), "127.0.0.1"));
    peer.send(b"  V2");
    peer.publish("t", "hi");
}

#[test]
fn http_listens_on_a_socket_path_too() {
    let setup = Setup::new();
    let path = socket(&setup, "http.sock");
    let nsqd = setup.flag(format!("--http-address={}", path.display())).start();

    let mut connection = Peer::connect_unix(&path);
    connection.send(http::request("POST", "/pub?topic=t", "hi"));
    http::Response::read(&mut connection).expect_text(200, "OK");
    connection.send(http::request("GET", "/info", ""));
    let info = http::Response::read(&mut connection).expect_json(200);
    assert_eq!(info["http_port"], json!(-1));
    assert_eq!(info["tcp_port"], json!(nsqd.tcp_address().port()));
    nsqd.consumer("t", "c", 1).expect_message_of("hi", 1);
}

#[test]
fn the_file_is_removed_at_a_clean_stop() {
    let setup = Setup::new();
    let path = socket(&setup, "nsqd.sock");
    let nsqd = setup.flag(format!("--tcp-address={}", path.display())).start();

    assert!(path.exists());
    let stopped = nsqd.stop();
    assert!(!path.exists());
    let _again = stopped.restart();
}

#[test]
fn a_file_in_the_way_is_not_removed() {
    let setup = Setup::new();
    let path = socket(&setup, "nsqd.sock");
    let setup = setup.flag(format!("--tcp-address={}", path.display()));
    setup.write("nsqd.sock", "precious");

    let exit = setup.run();
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    let path = path.display();
    assert!(
        exit.stderr.contains(&format!(
            "FATAL: failed to instantiate nsqd - listen ({path}) failed - listen unix {path}: bind: address already in use"
        )),
        "{}",
        exit.stderr
    );
    assert_eq!(setup.read("nsqd.sock"), b"precious");
}

#[test]
fn the_text_statistics_show_an_unnamed_address() {
    let setup = Setup::new();
    let path = socket(&setup, "nsqd.sock");
    let nsqd: Nsqd = setup.flag(format!("--tcp-address={}", path.display())).start();
    let mut peer = Peer::connect_unix(&path);
    peer.send(b"  V2");
    peer.subscribe("t", "c");

    let stats = nsqd.http().get("/stats");
    assert!(
        stats
            .text()
            .contains("\n        [V2 :                    ] state: 3 "),
        "{}",
        stats.text()
    );
}
