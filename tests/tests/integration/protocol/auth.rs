//! `AUTH` on a server without an auth server.

use nsq_tests::{Nsqd, command};

use super::{expect_fatal, expect_fatal_at_end};

#[test]
fn auth_is_refused_where_no_auth_server_is_configured() {
    expect_fatal(
        &Nsqd::start(),
        command::with_body("AUTH", "secret"),
        "E_AUTH_DISABLED AUTH disabled",
    );
}

#[test]
fn auth_takes_no_parameters_at_all() {
    let nsqd = Nsqd::start();
    for line in ["AUTH x\n", "AUTH \n"] {
        expect_fatal(&nsqd, line, "E_INVALID AUTH invalid number of parameters");
    }
}

#[test]
fn the_body_is_read_and_checked_before_anything_else() {
    let nsqd = Nsqd::with(&["--max-body-size=100"]);

    expect_fatal_at_end(&nsqd, b"AUTH\n\0\0", "E_BAD_BODY AUTH failed to read body size");
    expect_fatal(
        &nsqd,
        command::with_declared_size("AUTH", 101),
        "E_BAD_BODY AUTH body too big 101 > 100",
    );
    expect_fatal(
        &nsqd,
        command::with_declared_size("AUTH", 0),
        "E_BAD_BODY AUTH invalid body size 0",
    );
    expect_fatal(
        &nsqd,
        command::with_declared_size("AUTH", -1),
        "E_BAD_BODY AUTH invalid body size -1",
    );
    expect_fatal_at_end(
        &nsqd,
        b"AUTH\n\0\0\0\x05abc",
        "E_BAD_BODY AUTH failed to read body",
    );
    expect_fatal(
        &nsqd,
        command::with_body("AUTH", [b'x'; 100]),
        "E_AUTH_DISABLED AUTH disabled",
    );
}

#[test]
fn auth_after_sub_is_refused_before_its_body_is_read() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.subscribe("t", "c");
    peer.send("AUTH\n");
    peer.expect_fatal("E_INVALID cannot AUTH in current state");
}
