//! What producers register, and what becomes of it.

use nsq_tests::Nsqlookupd;
use serde_json::json;

use super::execute;

const NOBODY: &str = r#"{"producers":[]}"#;

#[test]
fn a_producer_is_found_by_its_topics() {
    let lookupd = Nsqlookupd::start();
    let mut peer = lookupd.producer("n1.local");
    execute(
        &mut peer,
        &[
            "REGISTER clicks metrics",
            "REGISTER clicks archive",
            "REGISTER n1",
        ],
    );
    let address = peer.local_address().unwrap();
    let producer = format!(
        "\"remote_address\":\"{address}\",\"hostname\":\"h1\",\"broadcast_address\":\"n1.local\",\"tcp_port\":4150,\
         \"http_port\":4151,\"version\":\"1.3.0\",\"topology_zone\":\"z1\",\"topology_region\":\"r1\""
    );
    let http = lookupd.http();
    let lookup = http.get("/lookup?topic=clicks");
    lookup.expect_nsq_content_type();
    lookup.expect_exact_json(
        200,
        &format!(r#"{{"channels":["archive","metrics"],"producers":[{{{producer}}}]}}"#),
    );
    http.get("/lookup?topic=n1")
        .expect_exact_json(200, &format!(r#"{{"channels":[],"producers":[{{{producer}}}]}}"#));
    let nodes = http.get("/nodes");
    nodes.expect_nsq_content_type();
    nodes.expect_exact_json(
        200,
        &format!(r#"{{"producers":[{{{producer},"tombstones":[false,false],"topics":["clicks","n1"]}}]}}"#),
    );
    http.get("/topics")
        .expect_exact_json(200, r#"{"topics":["clicks","n1"]}"#);
    http.get("/channels?topic=clicks")
        .expect_exact_json(200, r#"{"channels":["archive","metrics"]}"#);
}

#[test]
fn debug_shows_every_registration_with_its_fields_in_order() {
    let lookupd = Nsqlookupd::start();
    let http = lookupd.http();
    http.get("/debug").expect_exact_json(200, "{}");
    let mut peer = lookupd.producer("n1.local");
    execute(&mut peer, &["REGISTER t c"]);
    let debug = http.get("/debug");
    let last_update = &debug.expect_json(200)["client::"][0]["last_update"];
    assert!(last_update.as_i64().unwrap() > 1_700_000_000_000_000_000);
    let address = peer.local_address().unwrap();
    let producer = format!(
        "[{{\"broadcast_address\":\"n1.local\",\"hostname\":\"h1\",\"http_port\":4151,\"id\":\"{address}\",\
         \"last_update\":{last_update},\"tcp_port\":4150,\"tombstoned\":false,\"tombstoned_at\":0,\
         \"topology_region\":\"r1\",\"topology_zone\":\"z1\",\"version\":\"1.3.0\"}}]"
    );
    debug.expect_exact_json(
        200,
        &format!(r#"{{"channel:t:c":{producer},"client::":{producer},"topic:t:":{producer}}}"#),
    );
}

#[test]
fn a_connection_that_ends_takes_its_producer_along_and_leaves_the_names() {
    let lookupd = Nsqlookupd::start();
    let mut peer = lookupd.producer("n1.local");
    execute(
        &mut peer,
        &["REGISTER t c", "REGISTER t x#ephemeral", "REGISTER e#ephemeral c"],
    );
    drop(peer);
    lookupd.await_answer("/nodes", NOBODY);
    let http = lookupd.http();
    http.get("/topics").expect_exact_json(200, r#"{"topics":["t"]}"#);
    http.get("/lookup?topic=t")
        .expect_exact_json(200, r#"{"channels":["c"],"producers":[]}"#);
    http.get("/debug").expect_exact_json(200, "{}");
    http.get("/lookup?topic=e%23ephemeral")
        .expect_error(404, "TOPIC_NOT_FOUND");
}

#[test]
fn a_tombstone_hides_a_producer_until_its_lifetime_is_over() {
    let lookupd = Nsqlookupd::with(&["--tombstone-lifetime=1s"]);
    let mut peer = lookupd.producer("n1.local");
    execute(&mut peer, &["REGISTER t c"]);
    let http = lookupd.http();
    let found = http.get("/lookup?topic=t").text().to_owned();
    for node in ["n1.local:4150", "other:4151", ""] {
        http.post(&format!("/topic/tombstone?topic=t&node={node}"), "")
            .expect_empty(200);
    }
    assert_eq!(http.get("/lookup?topic=t").text(), found);

    http.post("/topic/tombstone?topic=t&node=n1.local:4151", "")
        .expect_empty(200);
    http.get("/lookup?topic=t")
        .expect_exact_json(200, r#"{"channels":["c"],"producers":[]}"#);
    assert_eq!(
        http.get("/nodes").expect_json(200)["producers"][0]["tombstones"],
        json!([true])
    );
    lookupd.await_answer("/lookup?topic=t", &found);
    assert_eq!(
        http.get("/debug").expect_json(200)["topic:t:"][0]["tombstoned"],
        json!(true)
    );
}

#[test]
fn a_silent_producer_is_hidden_until_it_pings() {
    let lookupd = Nsqlookupd::with(&["--inactive-producer-timeout=200ms"]);
    let mut peer = lookupd.producer("n1.local");
    execute(&mut peer, &["REGISTER t"]);
    lookupd.await_answer("/nodes", NOBODY);
    lookupd.await_answer("/lookup?topic=t", r#"{"channels":[],"producers":[]}"#);
    execute(&mut peer, &["PING"]);
    lookupd.log().await_line("pinged (last ping ");
    let producers = &lookupd.http().get("/lookup?topic=t").expect_json(200)["producers"];
    assert_eq!(producers[0]["broadcast_address"], "n1.local");
}

#[test]
fn a_large_cluster_is_listed_whole() {
    let lookupd = Nsqlookupd::start();
    let topics: Vec<_> = (0..3000).map(|number| format!("topic_{number:04}")).collect();
    let commands = format!("REGISTER {} c\n", topics.join(" c\nREGISTER "));
    let producers: Vec<_> = (0..10)
        .map(|number| {
            let mut peer = lookupd.producer(&format!("n{number}"));
            peer.send(&commands);
            peer.expect(b"\0\0\0\x02OK".repeat(topics.len()));
            peer
        })
        .collect();
    let nodes = lookupd.http().get("/nodes");
    assert_eq!(nodes.header("Transfer-Encoding"), Some("chunked"));
    let nodes = nodes.expect_json(200);
    let nodes = nodes["producers"].as_array().unwrap();
    assert_eq!(nodes.len(), producers.len());
    for node in nodes {
        assert_eq!(node["topics"], json!(topics));
        assert_eq!(node["tombstones"], json!(vec![false; topics.len()]));
    }
    let debug = lookupd.http().get("/debug").expect_json(200);
    assert_eq!(debug.as_object().unwrap().len(), 2 * topics.len() + 1);
    assert_eq!(
        lookupd.http().get("/topics").expect_json(200),
        json!({ "topics": topics })
    );
}
