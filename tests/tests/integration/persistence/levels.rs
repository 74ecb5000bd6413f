//! What an OK means where it means more than upstream's: the files say so at that moment.

use nsq_tests::{Nsqd, deviates};

/// What the metadata file says now.
fn metadata(nsqd: &Nsqd) -> String {
    String::from_utf8(nsqd.setup().read("nsqd.dat")).unwrap()
}

#[test]
fn who_hears_ok_finds_topic_and_channel_in_the_metadata() {
    deviates!(DurabilityIsChosen);
    for level in ["disk", "fsync"] {
        let nsqd = Nsqd::with(&[&format!("--durability={level}")]);
        let mut publisher = nsqd.connect();
        for number in 0..20 {
            let topic = format!("published{number}");
            publisher.publish(&topic, "hi");
            assert!(metadata(&nsqd).contains(&format!("{topic:?}")), "{topic}");

            let topic = format!("posted{number}");
            nsqd.http()
                .post(&format!("/pub?topic={topic}"), "hi")
                .expect_text(200, "OK");
            assert!(metadata(&nsqd).contains(&format!("{topic:?}")), "{topic}");

            let (topic, channel) = (format!("created{number}"), format!("channel{number}"));
            nsqd.create_channel(&topic, &channel);
            let metadata = metadata(&nsqd);
            assert!(metadata.contains(&format!("{topic:?}")), "{topic}");
            assert!(metadata.contains(&format!("{channel:?}")), "{channel}");
        }
        let nsqd = nsqd.kill().restart();
        for number in 0..20 {
            let message = nsqd
                .consumer(&format!("published{number}"), "c", 1)
                .expect_message();
            assert_eq!(message.text(), "hi");
        }
    }
}
