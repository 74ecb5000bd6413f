//! `FIN`, `REQ` and `TOUCH`: the answers to a message, and the only errors that keep the connection.

use nsq_tests::Nsqd;
use serde_json::json;

use super::UNKNOWN_ID;

/// Each command with the code of its failure and the parameters behind the message id.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("FIN", "E_FIN_FAILED", ""),
    ("REQ", "E_REQ_FAILED", " 0"),
    ("TOUCH", "E_TOUCH_FAILED", ""),
];

#[test]
fn fin_ends_a_message_without_an_answer() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");

    let message = consumer.expect_message_of("hi", 1);
    consumer.send(message.fin());
    consumer.expect_nothing_before_ok("probe");
    nsqd.await_channel(
        "t",
        "c",
        &json!({"depth": 0, "in_flight_count": 0, "deferred_count": 0}),
    );
}

#[test]
fn an_id_that_is_not_in_flight_is_an_error_that_keeps_the_connection() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);

    for (command, code, tail) in COMMANDS {
        for id in [
            UNKNOWN_ID,
            "0000000000000000",
            "\"hello,-world!\"!",
            "\0\u{1}\u{2}\u{7f}\t\r\\\"'{}()[]*",
        ] {
            consumer.send(format!("{command} {id}{tail}\n"));
            consumer.expect_error(format!("{code} {command} {id} failed ID not in flight"));
        }
    }
    nsqd.publish("t", "the connection lives");
    consumer.expect_message_of("the connection lives", 1);
}

#[test]
fn a_second_answer_to_a_message_is_refused() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);

    for (index, (first, _, first_tail)) in COMMANDS[..2].iter().enumerate() {
        for (second, code, second_tail) in COMMANDS {
            let body = format!("{index} {second}");
            // The channel is emptied between rounds, so that a requeued message does not come back.
            consumer.ready(1);
            nsqd.publish("t", &body);
            let message = consumer.expect_message_of(&body, 1);
            consumer.ready(0);
            let id = &message.id;
            consumer.send(format!("{first} {id}{first_tail}\n{second} {id}{second_tail}\n"));
            consumer.expect_error(format!("{code} {second} {id} failed ID not in flight"));
            nsqd.channel_action("empty", "t", "c");
        }
    }
}

#[test]
fn a_message_belongs_to_the_client_it_was_sent_to() {
    let nsqd = Nsqd::start();
    let mut owner = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");
    let message = owner.expect_message_of("hi", 1);
    let mut sibling = nsqd.consumer("t", "c", 0);
    let mut stranger = nsqd.consumer("t", "other", 0);

    let id = &message.id;
    for (command, code, tail) in COMMANDS {
        sibling.send(format!("{command} {id}{tail}\n"));
        sibling.expect_error(format!(
            "{code} {command} {id} failed client does not own message"
        ));
    }
    // The channel `other` has a copy of its own, and nobody holds it.
    for (command, code, tail) in COMMANDS {
        stranger.send(format!("{command} {id}{tail}\n"));
        stranger.expect_error(format!("{code} {command} {id} failed ID not in flight"));
    }
    owner.send(message.touch());
    owner.send(message.fin());
    owner.expect_nothing_before_ok("probe");
    nsqd.await_channel("t", "c", &json!({"in_flight_count": 0, "depth": 0}));
}

#[test]
fn ids_are_compared_byte_for_byte() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    // Ids are hexadecimal: some message among these has a letter in its id.
    loop {
        nsqd.publish("t", "hi");
        let message = consumer.expect_message_of("hi", 1);
        let upper = message.id.to_uppercase();
        if upper != message.id {
            consumer.send(format!("FIN {upper}\n"));
            consumer.expect_error(format!("E_FIN_FAILED FIN {upper} failed ID not in flight"));
            return;
        }
        consumer.send(message.fin());
    }
}

#[test]
fn too_few_parameters_are_fatal() {
    let nsqd = Nsqd::start();
    for (script, error) in [
        ("FIN\n", "E_INVALID FIN insufficient number of params"),
        ("TOUCH\n", "E_INVALID TOUCH insufficient number of params"),
        ("REQ\n", "E_INVALID REQ insufficient number of params"),
        (
            "REQ 0123456789abcdef\n",
            "E_INVALID REQ insufficient number of params",
        ),
        ("REQ short\n", "E_INVALID REQ insufficient number of params"),
    ] {
        let mut consumer = nsqd.consumer("t", "c", 0);
        consumer.send(script);
        consumer.expect_fatal(error);
    }
}

#[test]
fn an_id_of_another_length_is_fatal() {
    let nsqd = Nsqd::start();
    for (command, _, tail) in COMMANDS {
        for id in ["", "x", "0123456789abcde", "0123456789abcdef0"] {
            let mut consumer = nsqd.consumer("t", "c", 0);
            consumer.send(format!("{command} {id}{tail}\n"));
            consumer.expect_fatal("E_INVALID invalid message ID");
        }
    }
}

#[test]
fn a_requeue_delay_that_is_no_number_is_fatal_even_for_an_unknown_id() {
    let nsqd = Nsqd::start();
    for delay in ["x", "-1", "+1", "1.5", "1s"] {
        let mut consumer = nsqd.consumer("t", "c", 0);
        consumer.send(format!("REQ {UNKNOWN_ID} {delay}\n"));
        consumer.expect_fatal(format!("E_INVALID REQ could not parse timeout {delay}"));
    }
    let mut consumer = nsqd.consumer("t", "c", 0);
    consumer.send("REQ short x\n");
    consumer.expect_fatal("E_INVALID invalid message ID");
}

#[test]
fn an_empty_requeue_delay_is_zero() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");

    let message = consumer.expect_message_of("hi", 1);
    consumer.send(format!("REQ {} \n", message.id));
    consumer.expect_message_of("hi", 2);
}

#[test]
fn a_requeue_delay_above_the_limit_is_clamped() {
    let nsqd = Nsqd::with(&["--max-req-timeout=1s"]);
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");

    let message = consumer.expect_message_of("hi", 1);
    consumer.send(message.req(3_600_000));
    let again = consumer.expect_message_of("hi", 2);
    assert_eq!(again.id, message.id);
    let address = consumer.local_address().unwrap();
    nsqd.log().await_line(&format!(
        "INFO: PROTOCOL(V2): [{address}] REQ timeout 3600000000000 out of range 0-1000000000. Setting to 1000000000"
    ));
}

#[test]
fn errors_that_keep_the_connection_are_logged_once_and_fatal_ones_twice() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 0);
    let address = consumer.local_address().unwrap();

    consumer.send(format!("FIN {UNKNOWN_ID}\n"));
    consumer.expect_error(format!("E_FIN_FAILED FIN {UNKNOWN_ID} failed ID not in flight"));
    nsqd.log().await_line(&format!(
        "ERROR: [{address}] - E_FIN_FAILED FIN {UNKNOWN_ID} failed ID not in flight - ID not in flight"
    ));
    assert!(!nsqd.log().contains(&format!("client({address}) - E_FIN_FAILED")));

    consumer.send("FIN x\n");
    consumer.expect_fatal("E_INVALID invalid message ID");
    nsqd.log()
        .await_line(&format!("ERROR: [{address}] - E_INVALID invalid message ID"));
    nsqd.log().await_line(&format!(
        "ERROR: client({address}) - E_INVALID invalid message ID"
    ));
}
