//! Finding nsqds through nsqlookupd.

use std::net::TcpListener;

use nsq_client::{Consumer, Event};
use nsq_testkit::peer::Peer;

use super::{Config, Events, Inbox, Rig, address_of, builder, config, listen, text};

/// Answers the next request to an nsqlookupd, and returns its head.
#[track_caller]
fn answer(lookupd: &TcpListener, status: &str, body: &str) -> Vec<String> {
    let mut peer = Peer::accept(lookupd);
    let mut head = Vec::new();
    loop {
        let line = peer.read_line().trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let length = body.len();
    peer.send(format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nX-NSQ-Content-Type: nsq; version=1.0\r\n\r\n{body}"
    ));
    head
}

/// The answer of an nsqlookupd that knows these nsqds.
fn knows(nsqds: &[&TcpListener]) -> String {
    let producers = nsqds.iter().map(|nsqd| {
        let port = nsqd.local_addr().unwrap().port();
        format!(r#"{{"broadcast_address":"127.0.0.1","tcp_port":{port},"http_port":1,"hostname":"h"}}"#)
    });
    let producers = producers.collect::<Vec<_>>().join(",");
    format!(r#"{{"channels":["c"],"producers":[{producers}]}}"#)
}

fn start(rig: &Rig, config: &Config, lookupds: &[&TcpListener]) -> (Consumer, Events) {
    let (events, hook) = Events::new();
    let mut builder = builder(config).on_event(hook);
    for lookupd in lookupds {
        builder = builder.nsqlookupd(address_of(lookupd));
    }
    let (_inbox, handler) = Inbox::new();
    (rig.block_on(builder.start(handler)).unwrap(), events)
}

#[test]
fn nsqlookupd_is_asked_for_the_topic_in_its_own_words() {
    let rig = Rig::new();
    let lookupd = listen();
    let config = config(&[("auth_secret", "s3cret")]);
    let (_consumer, _events) = start(&rig, &config, &[&lookupd]);
    let head = answer(&lookupd, "200 OK", &knows(&[&rig.listener]));
    assert_eq!(head[0], "GET /lookup?topic=t HTTP/1.1");
    let headers: Vec<_> = head[1..].iter().map(|line| line.to_lowercase()).collect();
    assert!(headers.contains(&"accept: application/vnd.nsq; version=1.0".to_owned()));
    assert!(headers.contains(&"authorization: bearer s3cret".to_owned()));
    Peer::accept_consumer(&rig.listener, "t", "c").expect_line("RDY 1");
}

#[test]
fn the_secret_is_kept_from_nsqlookupd_for_who_wants_that() {
    let rig = Rig::new();
    let lookupd = listen();
    let config = config(&[("auth_secret", "s3cret"), ("skip_lookupd_authorization", "false")]);
    let (_consumer, _events) = start(&rig, &config, &[&lookupd]);
    let head = answer(&lookupd, "200 OK", "");
    assert!(
        !head
            .iter()
            .any(|line| line.to_lowercase().starts_with("authorization"))
    );
}

#[test]
fn a_url_keeps_its_path_and_its_parameters() {
    for (url, asked) in [
        ("", "/lookup?topic=t"),
        ("/", "/lookup?topic=t"),
        ("/some/path?a=b", "/some/path?a=b&topic=t"),
    ] {
        let rig = Rig::new();
        let lookupd = listen();
        let builder = builder(&Config::default()).nsqlookupd(format!("http://{}{url}", address_of(&lookupd)));
        let (_inbox, handler) = Inbox::new();
        let _consumer = rig.block_on(builder.start(handler)).unwrap();
        let head = answer(&lookupd, "200 OK", "");
        assert_eq!(head[0], format!("GET {asked} HTTP/1.1"));
    }
}

#[test]
fn the_name_of_an_ephemeral_topic_survives_the_url() {
    let rig = Rig::new();
    let lookupd = listen();
    let builder = Consumer::builder("t#ephemeral", "c").nsqlookupd(address_of(&lookupd));
    let (_inbox, handler) = Inbox::new();
    let _consumer = rig.block_on(builder.start(handler)).unwrap();
    let head = answer(&lookupd, "200 OK", "");
    assert_eq!(head[0], "GET /lookup?topic=t%23ephemeral HTTP/1.1");
}

#[test]
fn what_any_nsqlookupd_knows_counts() {
    let rig = Rig::new();
    let (one, two, other) = (listen(), listen(), listen());
    let (_consumer, _events) = start(&rig, &config(&[("max_in_flight", "2")]), &[&one, &two]);
    answer(&one, "200 OK", &knows(&[&rig.listener]));
    answer(&two, "200 OK", &knows(&[&rig.listener, &other]));
    let _first = Peer::accept_consumer(&rig.listener, "t", "c");
    let _second = Peer::accept_consumer(&other, "t", "c");
}

#[test]
fn the_answers_of_old_versions_are_understood() {
    let rig = Rig::new();
    let lookupd = listen();
    let (_consumer, _events) = start(&rig, &Config::default(), &[&lookupd]);
    let wrapped = format!(
        r#"{{"status_code":200,"status_txt":"OK","data":{}}}"#,
        knows(&[&rig.listener])
    );
    answer(&lookupd, "200 OK", &wrapped);
    Peer::accept_consumer(&rig.listener, "t", "c").expect_line("RDY 1");
}

#[test]
fn nsqlookupd_is_asked_again_and_an_nsqd_it_forgets_is_kept() {
    let rig = Rig::new();
    let lookupd = listen();
    let config = config(&[("lookupd_poll_interval", "20ms")]);
    let (_consumer, _events) = start(&rig, &config, &[&lookupd]);
    answer(&lookupd, "200 OK", &knows(&[&rig.listener]));
    let mut nsqd = Peer::accept_consumer(&rig.listener, "t", "c");
    nsqd.expect_line("RDY 1");
    for _ in 0..3 {
        answer(&lookupd, "200 OK", &knows(&[]));
    }
    nsqd.send_response("_heartbeat_");
    nsqd.expect_line("NOP");
}

#[test]
fn a_lost_connection_makes_the_consumer_ask_again_at_once() {
    let rig = Rig::new();
    let lookupd = listen();
    let (_consumer, events) = start(&rig, &Config::default(), &[&lookupd]);
    answer(&lookupd, "200 OK", &knows(&[&rig.listener]));
    let nsqd = Peer::accept_consumer(&rig.listener, "t", "c");
    events.find(|event| matches!(event, Event::Connected { .. }).then_some(()));
    drop(nsqd);
    answer(&lookupd, "200 OK", &knows(&[&rig.listener]));
    let _nsqd = Peer::accept_consumer(&rig.listener, "t", "c");
}

#[test]
fn an_nsqlookupd_without_the_topic_is_told_and_asked_again() {
    let rig = Rig::new();
    let lookupd = listen();
    let config = config(&[("lookupd_poll_interval", "20ms")]);
    let (_consumer, events) = start(&rig, &config, &[&lookupd]);
    answer(&lookupd, "404 Not Found", r#"{"message":"TOPIC_NOT_FOUND"}"#);
    let reason = events.find(|event| match event {
        Event::LookupFailed { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert!(reason.contains("404"), "{reason}");
    answer(&lookupd, "200 OK", &knows(&[&rig.listener]));
    let _nsqd = Peer::accept_consumer(&rig.listener, "t", "c");
}

#[test]
fn an_nsqlookupd_that_answers_nonsense_is_asked_three_times() {
    let rig = Rig::new();
    let lookupd = listen();
    let (_consumer, events) = start(&rig, &Config::default(), &[&lookupd]);
    for _ in 0..3 {
        answer(&lookupd, "200 OK", "nonsense");
    }
    events.find(|event| matches!(event, Event::LookupFailed { .. }).then_some(()));
}

#[test]
fn a_filter_chooses_among_what_was_found() {
    let rig = Rig::new();
    let (lookupd, unwanted) = (listen(), listen());
    let wanted = rig.address();
    let builder = builder(&Config::default())
        .nsqlookupd(address_of(&lookupd))
        .discovery_filter(move |mut found| {
            found.retain(|address| *address == wanted);
            found
        });
    let (_inbox, handler) = Inbox::new();
    let consumer = rig.block_on(builder.start(handler)).unwrap();
    answer(&lookupd, "200 OK", &knows(&[&unwanted, &rig.listener]));
    let mut nsqd = Peer::accept_consumer(&rig.listener, "t", "c");
    nsqd.expect_line("RDY 1");
    assert_eq!(consumer.stats().connections, 1);
}

#[test]
fn the_last_nsqlookupd_cannot_be_removed() {
    let rig = Rig::new();
    let (one, two) = (listen(), listen());
    let (consumer, _events) = start(&rig, &Config::default(), &[&one, &two]);
    let (first, second) = (address_of(&one), address_of(&two));
    consumer.disconnect_from_nsqlookupd(&first).unwrap();
    assert_eq!(text(consumer.disconnect_from_nsqlookupd(&first)), "not connected");
    assert_eq!(
        text(consumer.disconnect_from_nsqlookupd(&second)),
        format!("cannot disconnect from only remaining nsqlookupd HTTP address {second}")
    );
}

#[test]
fn an_address_needs_a_port() {
    let rig = Rig::new();
    let (consumer, _events) = start(&rig, &Config::default(), &[]);
    assert_eq!(
        text(consumer.connect_to_nsqlookupd("lookup.host")),
        "address lookup.host: missing port in address"
    );
}

#[test]
fn an_nsqd_that_is_found_and_cannot_be_reached_is_soon_looked_for_again() {
    let rig = Rig::new();
    let (lookupd, gone) = (listen(), listen());
    let (_consumer, events) = start(&rig, &Config::default(), &[&lookupd]);
    let found = knows(&[&gone]);
    drop(gone);
    for _ in 0..3 {
        answer(&lookupd, "200 OK", &found);
        events.find(|event| matches!(event, Event::ConnectFailed { .. }).then_some(()));
    }
    answer(&lookupd, "200 OK", &knows(&[&rig.listener]));
    let _nsqd = Peer::accept_consumer(&rig.listener, "t", "c");
}

#[test]
fn an_nsqlookupd_that_hangs_holds_up_neither_the_others_nor_the_next_question() {
    let rig = Rig::new();
    let (hangs, lookupd) = (listen(), listen());
    let (_consumer, _events) = start(&rig, &Config::default(), &[&hangs, &lookupd]);
    let _unanswered = Peer::accept(&hangs);
    answer(&lookupd, "200 OK", &knows(&[&rig.listener]));
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    peer.expect_line("RDY 1");
    drop(peer);
    answer(&lookupd, "200 OK", &knows(&[&rig.listener]));
    Peer::accept_consumer(&rig.listener, "t", "c").expect_line("RDY 1");
}

#[test]
fn an_nsqlookupd_that_does_not_answer_in_time_is_told() {
    let rig = Rig::new();
    let hangs = listen();
    let (_consumer, events) = start(&rig, &config(&[("lookupd_poll_timeout", "50ms")]), &[&hangs]);
    let failed = events.find(|event| match event {
        Event::LookupFailed { nsqlookupd, .. } => Some(nsqlookupd.clone()),
        _ => None,
    });
    assert_eq!(failed, address_of(&hangs));
}

#[test]
fn an_nsqlookupd_that_is_named_twice_is_asked_once() {
    let rig = Rig::new();
    let lookupd = listen();
    let (_consumer, _events) = start(&rig, &Config::default(), &[&lookupd, &lookupd]);
    answer(&lookupd, "200 OK", &knows(&[&rig.listener]));
    Peer::accept_consumer(&rig.listener, "t", "c").expect_line("RDY 1");
    lookupd.set_nonblocking(true).unwrap();
    assert!(lookupd.accept().is_err(), "there is a second question");
}

#[test]
fn the_address_of_an_nsqd_may_be_one_of_ipv6() {
    let rig = Rig::new();
    let lookupd = listen();
    let (_consumer, events) = start(&rig, &Config::default(), &[&lookupd]);
    let body = r#"{"producers":[{"broadcast_address":"::1","tcp_port":1}]}"#;
    answer(&lookupd, "200 OK", body);
    let tried = events.find(|event| match event {
        Event::ConnectFailed { nsqd, .. } => Some(nsqd.clone()),
        _ => None,
    });
    assert_eq!(tried, "[::1]:1");
}
