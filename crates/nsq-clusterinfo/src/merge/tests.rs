//! Merged answers, to the byte.

use nsq_http::to_json;

use super::*;
use crate::wire::{NodeList, NodeStats};

fn topic(node: &str, hostname: &str, json: &str) -> TopicStats {
    let stats: NodeStats = serde_json::from_str(json).unwrap();
    let origin = Origin {
        node: node.to_owned(),
        hostname: hostname.to_owned(),
        region: "r1".to_owned(),
        zone: "z1".to_owned(),
        now_s: 1_000,
    };
    TopicStats::of(stats.topics.into_iter().next().unwrap(), &origin)
}

fn text<T: serde::Serialize>(value: &T) -> String {
    String::from_utf8(to_json(value).unwrap()).unwrap()
}

const CHANNEL_A: &str = r#"{"topics":[{"topic_name":"t","depth":3,"backend_depth":1,"message_count":10,"paused":false,
    "e2e_processing_latency":{"count":20,"percentiles":[{"quantile":0.5,"value":100}]},
    "channels":[{"channel_name":"c","depth":5,"backend_depth":2,"in_flight_count":1,"deferred_count":1,
    "requeue_count":2,"timeout_count":3,"message_count":10,"global_msg_count":4,"client_count":1,
    "clients":[{"client_id":"x","hostname":"x","remote_address":"1:1","connect_ts":900,"ready_count":2}],
    "paused":true,"e2e_processing_latency":{"count":20,"percentiles":[{"quantile":0.5,"value":100}]}}]}]}"#;

const CHANNEL_B: &str = r#"{"topics":[{"topic_name":"t","depth":1,"message_count":5,
    "channels":[{"channel_name":"c","depth":7,"message_count":5,"zone_local_msg_count":1,"clients":[],
    "e2e_processing_latency":{"count":60,"percentiles":[{"quantile":0.5,"value":300}]}},
    {"channel_name":"b","depth":1,"e2e_processing_latency":null}]}]}"#;

#[test]
fn a_topic_of_one_node_is_upstreams_to_the_byte() {
    let topic = topic(
        "h:1",
        "host",
        r#"{"topics":[{"topic_name":"t","depth":3,"backend_depth":1,"message_count":10,
        "channels":[],"e2e_processing_latency":{"count":0,"percentiles":null}}]}"#,
    );
    assert_eq!(
        text(&topic),
        r#"{"node":"h:1","hostname":"host","topic_name":"t","depth":3,"memory_depth":2,"backend_depth":1,"message_count":10,"delivery_msg_count":0,"nodes":null,"channels":[],"paused":false,"e2e_processing_latency":{"count":0,"percentiles":null,"topic":"","channel":"","host":""}}"#
    );
}

#[test]
fn a_channel_of_one_node_is_upstreams_to_the_byte() {
    let topic = topic("h:1", "host", CHANNEL_A);
    assert_eq!(
        text(&topic.channels),
        r#"[{"node":"h:1","hostname":"host","topic_name":"t","channel_name":"c","depth":5,"memory_depth":3,"backend_depth":2,"in_flight_count":1,"deferred_count":1,"requeue_count":2,"timeout_count":3,"message_count":10,"delivery_msg_count":4,"global_msg_count":4,"client_count":1,"nodes":null,"clients":[{"node":"h:1","remote_address":"1:1","version":"","client_id":"x","hostname":"x","user_agent":"","connect_ts":900,"connected":100000000000,"in_flight_count":0,"ready_count":2,"finish_count":0,"requeue_count":0,"message_count":0,"sample_rate":0,"deflate":false,"snappy":false,"authed":false,"auth_identity":"","auth_identity_url":"","node_topology_region":"r1","node_topology_zone":"z1","tls":false,"tls_cipher_suite":"","tls_version":"","tls_negotiated_protocol":"","tls_negotiated_protocol_is_mutual":false}],"paused":true,"e2e_processing_latency":{"count":20,"percentiles":[{"average":100,"count":20,"max":100,"min":100,"quantile":0.5,"value":100}],"topic":"","channel":"","host":""}}]"#
    );
}

#[test]
fn merging_adds_up_and_leaves_the_nodes_as_they_are() {
    let (a, b) = (topic("h:2", "same", CHANNEL_A), topic("h:1", "same", CHANNEL_B));
    let merged = TopicStats::merge(vec![a.clone(), b.clone()]).unwrap();
    assert_eq!(
        (merged.depth, merged.memory_depth, merged.message_count),
        (4, 3, 15)
    );
    assert_eq!(merged.nodes, Some(vec![b, a]), "by address within a host");

    let channels = merged.channels.unwrap();
    assert_eq!(
        channels
            .iter()
            .map(|it| it.channel_name.as_str())
            .collect::<Vec<_>>(),
        ["b", "c"]
    );
    let channel = &channels[1];
    assert_eq!((channel.node.as_str(), channel.hostname.as_str()), ("*", ""));
    assert_eq!(
        (channel.depth, channel.backend_depth, channel.delivery_msg_count),
        (12, 2, 5)
    );
    assert!(channel.paused, "paused on any node is paused");
    assert_eq!(channel.nodes.as_ref().unwrap().len(), 2);
    assert_eq!(
        text(&channel.e2e_processing_latency),
        r#"{"count":80,"percentiles":[{"average":250,"count":80,"max":300,"min":100,"quantile":0.5}],"topic":"t","channel":"c","host":"*"}"#
    );
}

#[test]
fn nothing_merges_to_nothing() {
    assert_eq!(TopicStats::merge(Vec::new()), None);
    assert_eq!(ChannelStats::merge(Vec::new()), None);
}

#[test]
fn the_least_latency_is_that_of_the_fastest_node_that_has_any() {
    let latency = |count, value: f64| LatencyStats {
        count,
        percentiles: Some(vec![PercentileStats {
            average: value,
            count,
            max: value,
            min: value,
            quantile: 0.99,
            value: Some(value),
        }]),
        ..LatencyStats::default()
    };
    for order in [[(5, 3.0), (5, 1.0), (5, 2.0)], [(0, 0.0), (5, 1.0), (5, 3.0)]] {
        let mut merged = LatencyStats::merged("t", "");
        for (count, value) in order {
            merged.add(&latency(count, value));
        }
        let percentile = merged.percentiles.unwrap()[0];
        assert_eq!((percentile.min, percentile.max), (1.0, 3.0));
        assert_eq!(percentile.value, None);
    }
}

#[test]
fn clients_are_sorted_by_node_and_nearness() {
    let client = |node: &str, host: &str, region: &str, zone: &str| ClientStats {
        node: node.to_owned(),
        hostname: host.to_owned(),
        node_topology_region: "r1".to_owned(),
        node_topology_zone: "z1".to_owned(),
        topology_region: region.to_owned(),
        topology_zone: zone.to_owned(),
        ..ClientStats::default()
    };
    let mut clients = vec![
        client("b", "1", "r1", "z1"),
        client("a", "2", "r2", "z1"),
        client("a", "3", "r1", "z9"),
        client("a", "5", "r1", "z1"),
        client("a", "4", "r1", "z1"),
        client("a", "6", "", ""),
    ];
    client::sort(&mut clients);
    let order: Vec<_> = clients.iter().map(|client| client.hostname.as_str()).collect();
    assert_eq!(order, ["4", "5", "3", "6", "2", "1"]);
}

#[test]
fn nodes_are_those_of_all_nsqlookupds() {
    let lists: [NodeList; 2] = [
        r#"{"producers":[{"remote_address":"1:9","hostname":"b","broadcast_address":"h","tcp_port":1,"http_port":2,
            "version":"1.2.1","topics":["t"],"tombstones":[false]},{"hostname":"a","broadcast_address":"h",
            "tcp_port":3,"http_port":4,"version":"1.3.0","topology_zone":"z"}]}"#,
        r#"{"producers":[{"hostname":"b","broadcast_address":"h","tcp_port":1,"http_port":2,"version":"1.2.1",
            "topics":["u","t"],"tombstones":[false,true]}]}"#,
    ]
    .map(|json| serde_json::from_str(json).unwrap());
    let merged = nodes(
        lists
            .iter()
            .zip(["l1", "l2"])
            .flat_map(|(list, address)| list.producers.iter().map(move |entry| (address, entry))),
    );
    assert_eq!(
        text(&merged),
        r#"[{"remote_addresses":["l1/N/A"],"remote_address":"","hostname":"a","broadcast_address":"h","tcp_port":3,"http_port":4,"version":"1.3.0","topology_zone":"z","topics":null,"out_of_date":false},{"remote_addresses":["l1/1:9","l2/N/A"],"remote_address":"1:9","hostname":"b","broadcast_address":"h","tcp_port":1,"http_port":2,"version":"1.2.1","topics":[{"topic":"t","tombstoned":true},{"topic":"u","tombstoned":false}],"out_of_date":true}]"#
    );
}
