//! `GET` and `PUT /config/<opt>`.

use nsq_tests::{Nsqd, deviates};

#[test]
fn every_option_can_be_read_in_the_form_of_its_type() {
    let nsqd = Nsqd::with(&["--node-id=7"]);
    let (tcp, http) = (nsqd.tcp_address(), nsqd.http_address());
    for (option, value) in [
        ("log_level", "2"),
        ("broadcast_http_port", &http.port().to_string()),
        ("broadcast_tcp_port", &tcp.port().to_string()),
        ("nsqlookupd_tcp_addresses", "[]"),
        ("auth_http_addresses", "[]"),
        ("enable_experiment", "[]"),
        ("e2e_processing_latency_percentiles", "[]"),
        ("http_client_connect_timeout", "2000000000"),
        ("http_client_request_timeout", "5000000000"),
        ("mem_queue_size", "10000"),
        ("max_bytes_per_file", "104857600"),
        ("sync_every", "2500"),
        ("sync_timeout", "2000000000"),
        ("queue_scan_worker_pool_max", "4"),
        ("queue_scan_selection_count", "20"),
        ("msg_timeout", "60000000000"),
        ("max_msg_timeout", "900000000000"),
        ("max_msg_size", "1048576"),
        ("max_body_size", "5242880"),
        ("max_req_timeout", "3600000000000"),
        ("max_heartbeat_interval", "60000000000"),
        ("max_rdy_count", "2500"),
        ("max_output_buffer_size", "65536"),
        ("max_output_buffer_timeout", "30000000000"),
        ("min_output_buffer_timeout", "25000000"),
        ("output_buffer_timeout", "250000000"),
        ("max_channel_consumers", "0"),
        ("statsd_interval", "60000000000"),
        ("statsd_mem_stats", "true"),
        ("statsd_udp_packet_size", "508"),
        ("statsd_exclude_ephemeral", "false"),
        ("e2e_processing_latency_window_time", "600000000000"),
        ("tls_required", "0"),
        ("tls_min_version", "769"),
        ("deflate", "true"),
        ("max_deflate_level", "6"),
        ("snappy", "true"),
        ("id", "7"),
    ] {
        let response = nsqd.http().get(&format!("/config/{option}"));
        assert_eq!((response.status(), response.text()), (200, value), "{option}");
        response.expect_exact_json(200, value);
        response.expect_nsq_content_type();
    }
}

#[test]
fn strings_are_given_as_they_are() {
    let nsqd = Nsqd::start();
    let data_path = nsqd.setup().data_path().display().to_string();
    let prefix = format!("nsq.127_0_0_1_{}.", nsqd.http_address().port());
    for (option, value) in [
        ("log_prefix", "[nsqd] "),
        ("tcp_address", "127.0.0.1:0"),
        ("http_address", "127.0.0.1:0"),
        ("https_address", "0.0.0.0:4152"),
        ("broadcast_address", "127.0.0.1"),
        ("auth_http_request_method", "get"),
        ("data_path", &data_path),
        ("statsd_prefix", &prefix),
    ] {
        let response = nsqd.http().get(&format!("/config/{option}"));
        assert_eq!((response.status(), response.text()), (200, value), "{option}");
        response.expect_text(200, value);
        response.expect_nsq_content_type();
    }
    for option in [
        "topology_region",
        "topology_zone",
        "statsd_address",
        "tls_cert",
        "tls_key",
        "tls_client_auth_policy",
        "tls_root_ca_file",
    ] {
        let response = nsqd.http().get(&format!("/config/{option}"));
        assert_eq!(response.status(), 200, "{option}");
        response.expect_empty(200);
    }
}

#[test]
fn lists_are_json_arrays() {
    let nsqd = Nsqd::with(&[
        "--enable-experiment=topology-aware-consumption",
        "--enable-experiment=b",
        "--e2e-processing-latency-percentile=0.5,1.0",
        "--e2e-processing-latency-percentile=0.95",
    ]);
    for (option, value) in [
        ("enable_experiment", r#"["topology-aware-consumption","b"]"#),
        ("e2e_processing_latency_percentiles", "[1,0.95,0.5]"),
    ] {
        nsqd.http()
            .get(&format!("/config/{option}"))
            .expect_exact_json(200, value);
    }
}

#[test]
fn what_is_no_option_is_refused() {
    let nsqd = Nsqd::start();
    for option in [
        "nope",
        "node_id",
        "max-rdy-count",
        "version",
        "config",
        "verbose",
        "worker_id",
        "lookupd_tcp_address",
        "LOG_LEVEL",
    ] {
        let response = nsqd.http().get(&format!("/config/{option}"));
        assert_eq!(response.text(), r#"{"message":"INVALID_OPTION"}"#, "{option}");
        response.expect_error(400, "INVALID_OPTION");
        response.expect_nsq_content_type();
    }
}

#[test]
fn the_log_level_can_be_changed() {
    let nsqd = Nsqd::start();
    for (body, value) in [
        ("error", "4"),
        ("warn", "3"),
        ("fatal", "5"),
        ("info", "2"),
        ("Debug", "1"),
        ("INFO", "2"),
        ("DEBUG", "1"),
    ] {
        let response = nsqd.http().put("/config/log_level", body);
        response.expect_exact_json(200, value);
        response.expect_nsq_content_type();
        nsqd.http().get("/config/log_level").expect_exact_json(200, value);
    }
    let mut peer = nsqd.connect();
    let address = peer.local_address().unwrap();
    peer.publish("t", "hi");
    nsqd.log()
        .await_line(&format!("DEBUG: PROTOCOL(V2): [{address}] [PUB t]"));
}

#[test]
fn a_raised_log_level_silences_what_is_below() {
    let nsqd = Nsqd::start();
    nsqd.http()
        .put("/config/log_level", "error")
        .expect_exact_json(200, "4");
    nsqd.publish("quiet", "hi");
    // An error after the quiet part shows that the log has come that far.
    let mut peer = nsqd.connect();
    peer.send("NOPE\n");
    peer.expect_fatal("E_INVALID invalid command NOPE");
    nsqd.log().await_line("E_INVALID invalid command NOPE");
    assert!(!nsqd.log().contains("TOPIC(quiet)"), "{:?}", nsqd.log());
}

#[test]
fn a_log_level_is_a_bare_word() {
    let nsqd = Nsqd::start();
    for body in ["bogus", "info\n", "\"info\"", " info", "1", "warning"] {
        let response = nsqd.http().put("/config/log_level", body);
        assert_eq!(response.text(), r#"{"message":"INVALID_VALUE"}"#, "{body:?}");
        response.expect_error(400, "INVALID_VALUE");
    }
    nsqd.http().get("/config/log_level").expect_exact_json(200, "2");
}

#[test]
fn the_nsqlookupd_list_can_be_replaced() {
    let nsqd = Nsqd::start();
    let http = nsqd.http();
    // Nothing listens there; the list is what matters.
    for (body, value) in [
        (r#"["127.0.0.1:1"]"#, r#"["127.0.0.1:1"]"#),
        (
            r#" [ "127.0.0.1:1" , "127.0.0.1:2" ] "#,
            r#"["127.0.0.1:1","127.0.0.1:2"]"#,
        ),
        (
            r#"["127.0.0.1:1","127.0.0.1:1"]"#,
            r#"["127.0.0.1:1","127.0.0.1:1"]"#,
        ),
        ("[]", "[]"),
        ("null", "null"),
    ] {
        let response = http.put("/config/nsqlookupd_tcp_addresses", body);
        assert_eq!((response.status(), response.text()), (200, value), "{body}");
        response.expect_exact_json(200, value);
        http.get("/config/nsqlookupd_tcp_addresses")
            .expect_exact_json(200, value);
    }
}

#[test]
fn a_list_that_is_no_array_of_strings_is_refused() {
    let nsqd = Nsqd::start();
    for body in [r#""x""#, "[1]", "x", "{}", "[", r#"["x"] x"#, "true"] {
        let response = nsqd.http().put("/config/nsqlookupd_tcp_addresses", body);
        assert_eq!(response.text(), r#"{"message":"INVALID_VALUE"}"#, "{body}");
        response.expect_error(400, "INVALID_VALUE");
    }
}

#[test]
fn a_refused_list_changes_nothing() {
    deviates!(RefusedRequestsChangeNothing);
    let nsqd = Nsqd::start();
    let http = nsqd.http();

    http.put("/config/nsqlookupd_tcp_addresses", r#"["127.0.0.1:1"]"#)
        .expect_exact_json(200, r#"["127.0.0.1:1"]"#);
    http.put("/config/nsqlookupd_tcp_addresses", r#"["x",1]"#)
        .expect_error(400, "INVALID_VALUE");
    http.get("/config/nsqlookupd_tcp_addresses")
        .expect_exact_json(200, r#"["127.0.0.1:1"]"#);
}

#[test]
fn a_value_that_is_missing_or_longer_than_a_message_is_refused_for_its_size() {
    let nsqd = Nsqd::with(&["--max-msg-size=10"]);
    for option in ["log_level", "nsqlookupd_tcp_addresses", "mem_queue_size", "nope"] {
        let target = format!("/config/{option}");
        nsqd.http().put(&target, "").expect_error(413, "INVALID_VALUE");
        nsqd.http()
            .put(&target, "01234567890")
            .expect_error(413, "INVALID_VALUE");
    }
}

#[test]
fn other_options_cannot_be_changed() {
    let nsqd = Nsqd::start();
    for option in [
        "mem_queue_size",
        "max_msg_size",
        "deflate",
        "data_path",
        "nope",
        "node_id",
    ] {
        let response = nsqd.http().put(&format!("/config/{option}"), "5");
        assert_eq!(response.text(), r#"{"message":"INVALID_OPTION"}"#, "{option}");
        response.expect_error(400, "INVALID_OPTION");
    }
    nsqd.http()
        .get("/config/mem_queue_size")
        .expect_exact_json(200, "10000");
}
