//! `GET /metrics`.

use nsq_tests::Nsqlookupd;
use nsq_tests::metrics::Metrics;

use super::execute;

#[track_caller]
fn scrape(lookupd: &Nsqlookupd, query: &str) -> Metrics {
    Metrics::parse(&lookupd.http().get(&format!("/metrics{query}")))
}

#[test]
fn what_is_registered_is_counted() {
    let lookupd = Nsqlookupd::start();
    let mut one = lookupd.producer("n1");
    execute(&mut one, &["REGISTER t a", "REGISTER t b", "REGISTER u"]);
    let mut other = lookupd.producer("n2");
    execute(&mut other, &["REGISTER t a"]);
    lookupd
        .http()
        .post("/topic/tombstone?topic=t&node=n2:4151", "")
        .expect_empty(200);

    let metrics = scrape(&lookupd, "");
    metrics.expect(
        "gauge",
        &[],
        &[
            ("nsq_lookupd_producer_count", 2.0),
            ("nsq_lookupd_inactive_producer_count", 0.0),
            ("nsq_lookupd_topic_count", 2.0),
            ("nsq_lookupd_channel_count", 2.0),
            ("nsq_lookupd_registration_count", 6.0),
            ("nsq_lookupd_tombstone_count", 1.0),
        ],
    );
    for (topic, producers, channels) in [("t", 2.0, 2.0), ("u", 1.0, 0.0)] {
        metrics.expect(
            "gauge",
            &[("topic", topic)],
            &[
                ("nsq_lookupd_topic_producer_count", producers),
                ("nsq_lookupd_topic_channel_count", channels),
            ],
        );
    }
    let without = scrape(&lookupd, "?include_topics=false");
    assert!(!without.samples.contains_key("nsq_lookupd_topic_producer_count"));
    assert!(without.samples.contains_key("nsq_lookupd_topic_count"));
}

#[test]
fn who_is_silent_is_counted_apart() {
    let lookupd = Nsqlookupd::with(&["--inactive-producer-timeout=0s"]);
    let _silent = lookupd.producer("n1");
    let metrics = scrape(&lookupd, "");
    metrics.expect(
        "gauge",
        &[],
        &[
            ("nsq_lookupd_producer_count", 0.0),
            ("nsq_lookupd_inactive_producer_count", 1.0),
        ],
    );
}

#[test]
fn an_empty_directory_has_no_series_of_topics() {
    let lookupd = Nsqlookupd::start();
    let metrics = scrape(&lookupd, "");
    metrics.expect("gauge", &[], &[("nsq_lookupd_topic_count", 0.0)]);
    assert!(!metrics.samples.contains_key("nsq_lookupd_topic_producer_count"));
    assert!(metrics.value("process_start_time_seconds", &[]) > 1.7e9);
    let version = nsq_tests::program::version();
    assert!(metrics.value("nsq_info", &[("version", version)]) > 0.5);
}

#[test]
fn thousands_of_topics_are_all_there() {
    let lookupd = Nsqlookupd::start();
    let mut producer = lookupd.producer("n1");
    let commands: Vec<String> = (0..5_000)
        .map(|number| format!("REGISTER t{number:04} c\n"))
        .collect();
    producer.send(commands.concat());
    for _ in &commands {
        super::expect_answer(&mut producer, "OK");
    }
    let metrics = scrape(&lookupd, "");
    assert_eq!(metrics.samples["nsq_lookupd_topic_producer_count"].len(), 5_000);
    assert_eq!(metrics.samples["nsq_lookupd_topic_channel_count"].len(), 5_000);
}
