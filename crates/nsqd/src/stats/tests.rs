//! Both forms against what the original was seen to print.

use std::task::Poll;

use super::*;

fn client(hostname: &str, port: u16, user_agent: &str) -> ClientStats {
    ClientStats {
        id: ClientId(7),
        client_id: String::new(),
        hostname: hostname.to_owned(),
        version: "V2",
        remote_address: Peer::Tcp(([10, 0, 0, 5], port).into()),
        state: 0,
        ready_count: 0,
        in_flight_count: 0,
        message_count: 0,
        finish_count: 0,
        requeue_count: 0,
        connect_ts: 1_795_190_179,
        sample_rate: 0,
        deflate: false,
        snappy: false,
        user_agent: user_agent.to_owned(),
        authed: false,
        auth_identity: String::new(),
        auth_identity_url: String::new(),
        topology_zone: String::new(),
        topology_region: String::new(),
        pub_counts: Vec::new(),
        tls: false,
        tls_cipher_suite: String::new(),
        tls_version: String::new(),
        tls_negotiated_protocol: String::new(),
        tls_negotiated_protocol_is_mutual: false,
    }
}

fn worker() -> ClientStats {
    ClientStats {
        client_id: "worker".to_owned(),
        state: 3,
        ready_count: 3,
        in_flight_count: 3,
        message_count: 5,
        finish_count: 1,
        requeue_count: 1,
        ..client("worker.example", 41568, "test/1.0")
    }
}

fn producer() -> ClientStats {
    ClientStats {
        client_id: "prod".to_owned(),
        remote_address: Peer::Tcp(([10, 0, 0, 6], 41576).into()),
        pub_counts: published(&[("orders", 7)]),
        ..client("prod.example", 41576, "prod/2.0")
    }
}

fn published(counts: &[(&str, u64)]) -> Vec<PubCount> {
    let pub_count = |&(topic, count): &(&str, u64)| PubCount {
        topic: topic.to_owned(),
        count,
    };
    counts.iter().map(pub_count).collect()
}

fn latency() -> LatencyStats {
    LatencySnapshot {
        count: 1,
        quantiles: [1.0, 0.99, 0.95].map(|quantile| (quantile, 1_525_239.0)).into(),
    }
    .into()
}

fn topic(name: &str) -> TopicStats {
    TopicStats {
        topic_name: name.to_owned(),
        channels: Vec::new(),
        depth: 1,
        backend_depth: 0,
        oldest_ns: None,
        message_count: 1,
        message_bytes: 1,
        paused: false,
        e2e_processing_latency: LatencyStats::default(),
    }
}

fn channel(name: &str) -> ChannelStats {
    ChannelStats {
        channel_name: name.to_owned(),
        depth: 1,
        backend_depth: 0,
        oldest_ns: None,
        in_flight_count: 0,
        deferred_count: 0,
        message_count: 1,
        zone_local_msg_count: 0,
        region_local_msg_count: 0,
        global_msg_count: 0,
        requeue_count: 0,
        timeout_count: 0,
        late_fin_count: 0,
        client_count: 0,
        clients: Some(Vec::new()),
        paused: false,
        e2e_processing_latency: LatencyStats::default(),
    }
}

fn orders() -> TopicStats {
    let billing = ChannelStats {
        in_flight_count: 3,
        deferred_count: 2,
        message_count: 7,
        global_msg_count: 5,
        requeue_count: 1,
        client_count: 1,
        clients: Some(vec![worker()]),
        e2e_processing_latency: latency(),
        ..channel("billing")
    };
    TopicStats {
        channels: vec![billing],
        depth: 0,
        message_count: 7,
        message_bytes: 29,
        e2e_processing_latency: latency(),
        ..topic("orders")
    }
}

fn overview() -> Overview {
    Overview {
        health: "OK".to_owned(),
        start_time: 1_795_190_178,
        start_time_local: "2026-11-20T15:56:18Z".to_owned(),
        uptime: Duration::from_nanos(455_985_671),
        now: 1_795_190_179,
        memory: None,
        producers: Vec::new(),
    }
}

fn captured_memory() -> MemoryStats {
    MemoryStats {
        heap_objects: 2275,
        heap_idle_bytes: 2_105_344,
        heap_in_use_bytes: 1_630_208,
        heap_released_bytes: 2_072_576,
        next_gc_bytes: 4_194_304,
        ..MemoryStats::default()
    }
}

fn render<R: Render>(form: R, topics: Vec<TopicStats>) -> String {
    let pieces: Vec<_> = Pieces::new(form, topics.into_iter().map(Poll::Ready)).collect();
    String::from_utf8(pieces.concat()).unwrap()
}

fn json(overview: Overview, topics: Vec<TopicStats>) -> String {
    render(JsonReport::new(overview, false), topics)
}

/// The text without its first line, which names the toolchain.
fn text(overview: Overview, topics: Vec<TopicStats>) -> String {
    let text = render(TextReport::new(overview), topics);
    let (first, rest) = text.split_once('\n').unwrap();
    assert_eq!(first, nsq_app::version_line("nsqd"));
    rest.to_owned()
}

#[test]
fn one_consumer_and_one_producer_in_json() {
    let overview = Overview {
        memory: Some(captured_memory()),
        producers: vec![producer()],
        ..overview()
    };
    assert_eq!(
        json(overview, vec![orders(), topic("other")]),
        include_str!("tests/consumer_and_producer.json").trim_end()
    );
}

#[test]
fn clients_and_memory_that_were_not_asked_for_are_left_out() {
    let mut topic = orders();
    topic.channels[0].clients = None;
    assert_eq!(
        json(overview(), vec![topic]),
        include_str!("tests/without_clients.json").trim_end()
    );
}

#[test]
fn no_topics_are_an_empty_list_and_an_unknown_topic_is_null() {
    assert_eq!(
        json(overview(), vec![]),
        r#"{"version":"1.3.0","health":"OK","start_time":1795190178,"topics":[],"producers":null}"#
    );
    assert_eq!(
        render(JsonReport::new(overview(), true), vec![]),
        r#"{"version":"1.3.0","health":"OK","start_time":1795190178,"topics":null,"producers":null}"#
    );
}

#[test]
fn an_authorised_client_and_an_encrypted_one_in_json() {
    let authed = ClientStats {
        client_id: "cc".to_owned(),
        state: 3,
        connect_ts: 1_795_191_114,
        authed: true,
        auth_identity: "joe".to_owned(),
        auth_identity_url: "http://x/joe".to_owned(),
        ..client("", 34624, "")
    };
    assert_eq!(
        String::from_utf8(nsq_http::to_json(&authed).unwrap()).unwrap(),
        r#"{"client_id":"cc","hostname":"","version":"V2","remote_address":"10.0.0.5:34624","state":3,"ready_count":0,"in_flight_count":0,"message_count":0,"finish_count":0,"requeue_count":0,"connect_ts":1795191114,"sample_rate":0,"deflate":false,"snappy":false,"user_agent":"","authed":true,"auth_identity":"joe","auth_identity_url":"http://x/joe","topology_zone":"","topology_region":"","tls":false,"tls_cipher_suite":"","tls_version":"","tls_negotiated_protocol":"","tls_negotiated_protocol_is_mutual":false}"#
    );
    let encrypted = ClientStats {
        client_id: "tls12".to_owned(),
        remote_address: Peer::Tcp(([10, 0, 0, 7], 41860).into()),
        state: 3,
        connect_ts: 1_795_191_064,
        tls: true,
        tls_cipher_suite: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned(),
        tls_version: "TLS1.2".to_owned(),
        tls_negotiated_protocol_is_mutual: true,
        ..client("h", 41860, "")
    };
    assert_eq!(
        String::from_utf8(nsq_http::to_json(&encrypted).unwrap()).unwrap(),
        r#"{"client_id":"tls12","hostname":"h","version":"V2","remote_address":"10.0.0.7:41860","state":3,"ready_count":0,"in_flight_count":0,"message_count":0,"finish_count":0,"requeue_count":0,"connect_ts":1795191064,"sample_rate":0,"deflate":false,"snappy":false,"user_agent":"","topology_zone":"","topology_region":"","tls":true,"tls_cipher_suite":"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256","tls_version":"TLS1.2","tls_negotiated_protocol":"","tls_negotiated_protocol_is_mutual":true}"#
    );
}

#[test]
fn one_consumer_and_one_producer_in_text() {
    let overview = Overview {
        memory: Some(MemoryStats {
            heap_objects: 3091,
            heap_idle_bytes: 1_966_080,
            heap_in_use_bytes: 1_736_704,
            heap_released_bytes: 1_957_888,
            next_gc_bytes: 4_194_304,
            ..MemoryStats::default()
        }),
        producers: vec![producer()],
        ..overview()
    };
    assert_eq!(
        text(overview, vec![orders(), topic("other")]),
        include_str!("tests/consumer_and_producer.txt")
    );
}

#[test]
fn no_topics_and_no_producers_in_text() {
    assert_eq!(
        text(overview(), vec![]),
        "start_time 2026-11-20T15:56:18Z\nuptime 455.985671ms\n\nHealth: OK\n\nTopics: None\n\nProducers: None\n"
    );
}

#[test]
fn what_is_paused_is_marked() {
    let paused = TopicStats {
        paused: true,
        message_count: 2,
        channels: vec![ChannelStats {
            paused: true,
            ..channel("c")
        }],
        ..topic("f")
    };
    let text = text(overview(), vec![paused]);
    assert!(
        text.contains(
            "\nTopics:\n\
             *P [f              ] depth: 1     be-depth: 0     msgs: 2        e2e%: \n   \
             *P [c                        ] depth: 1     be-depth: 0     inflt: 0    def: 0    \
             re-q: 0     timeout: 0     msgs: 1        e2e%: \n"
        ),
        "{text}"
    );
}

#[test]
fn a_client_that_consumes_and_publishes_is_shown_as_a_producer_in_both_places() {
    let both = ClientStats {
        pub_counts: published(&[("t", 1), ("u", 2)]),
        ..client("both", 38602, "")
    };
    let topic = TopicStats {
        channels: vec![ChannelStats {
            clients: Some(vec![both.clone()]),
            ..channel("c")
        }],
        ..topic("t")
    };
    let overview = Overview {
        now: 1_795_190_179 + 67,
        producers: vec![both],
        ..overview()
    };
    let text = text(overview, vec![topic]);
    let line = "[V2 both:38602           ] msgs: 3        topics: t=1,u=2 connected: 1m7s\n";
    assert!(
        text.contains(&format!("\n        {line}\nProducers:\n   {line}")),
        "{text}"
    );
}

#[test]
fn a_client_of_a_unix_socket_has_no_port() {
    let local = ClientStats {
        remote_address: Peer::Unix,
        pub_counts: published(&[("t", 1)]),
        ..client("", 0, "")
    };
    let overview = Overview {
        producers: vec![local],
        ..overview()
    };
    let text = text(overview, vec![]);
    assert!(
        text.ends_with(
            "\nProducers:\n   [V2 :                    ] msgs: 1        topics: t=1 connected: 0s\n"
        ),
        "{text}"
    );
}

#[test]
fn what_a_client_says_cannot_forge_lines() {
    let forger = ClientStats {
        pub_counts: published(&[("t", 1)]),
        ..client("a\nTopics: None", 1, "b\r\u{1b}[2J\u{2028}é")
    };
    let overview = Overview {
        health: "NOK - x\ny".to_owned(),
        producers: vec![forger],
        ..overview()
    };
    let text = text(overview, vec![]);
    assert_eq!(text.matches("Topics: None\n").count(), 1, "{text}");
    assert!(
        text.contains("[V2 a\\nTopics: None:1 b\\r\\u{1b}[2J\\u{2028}é] "),
        "{text}"
    );
    assert!(text.contains("Health: NOK - x\\ny\n"), "{text}");
}

#[test]
fn latencies_use_the_unit_of_their_size() {
    for (nanos, shown) in [
        (0.0, "0.0ns"),
        (1_000.0, "1000.0ns"),
        (1_001.0, "1.0us"),
        (1_525_239.0, "1.5ms"),
        (2_500_000_000.0, "2.5s"),
    ] {
        let latency = LatencyStats::from(LatencySnapshot {
            count: 1,
            quantiles: vec![(0.99, nanos)],
        });
        let topic = TopicStats {
            e2e_processing_latency: latency,
            ..topic("t")
        };
        let text = text(overview(), vec![topic]);
        assert!(text.contains(&format!(" e2e%: {shown}\n")), "{text}");
    }
}

#[test]
fn a_large_report_comes_in_small_pieces() {
    let topic = TopicStats {
        channels: (0..10_000).map(|at| channel(&format!("channel-{at}"))).collect(),
        ..topic("t")
    };
    let topics = [Poll::Pending, Poll::Ready(topic), Poll::Pending].into_iter();
    let pieces: Vec<_> = Pieces::new(JsonReport::new(overview(), false), topics).collect();
    let (empty, full): (Vec<_>, Vec<_>) = pieces.iter().partition(|piece| piece.is_empty());
    assert_eq!(empty.len(), 2, "one for each time that a topic is pending");
    assert!(full.len() > 10, "{}", full.len());
    assert!(full.iter().all(|piece| piece.len() < 34 * 1024));
    let report: serde_json::Value = serde_json::from_slice(&pieces.concat()).unwrap();
    assert_eq!(report["topics"][0]["channels"].as_array().unwrap().len(), 10_000);
}
