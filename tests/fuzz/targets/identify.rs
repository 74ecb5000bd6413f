//! IDENTIFY: what is asked for is read again from its own encoding, what is granted is within the limits, and nothing of
//! it forges a log line.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use nsq_fuzz::assert_one_line;
use nsq_protocol::identify::{ClientSettings, IdentifyLimits, IdentifyRequest, IdentifyResponse, ServerInfo};

fuzz_target!(|body: &[u8]| {
    // The other side of the same exchange.
    let _ = IdentifyResponse::from_data(body);

    let Ok(request) = IdentifyRequest::from_json(body) else {
        return;
    };
    assert_eq!(
        IdentifyRequest::from_json(&request.to_json()),
        Ok(request.clone())
    );
    assert_one_line(&request);

    let limits = IdentifyLimits::default();
    let present = ClientSettings::new(Duration::from_secs(60), Duration::from_millis(250));
    let Ok(settings) = request.apply(present, &limits) else {
        return;
    };
    assert!(
        settings
            .heartbeat_interval
            .is_none_or(
                |interval| (Duration::from_secs(1)..=limits.max_heartbeat_interval).contains(&interval)
            )
    );
    assert!((1..=65536).contains(&settings.output_buffer_size));
    assert!(
        settings
            .output_buffer_timeout
            .is_none_or(|timeout| timeout >= limits.min_output_buffer_timeout
                && timeout <= limits.max_output_buffer_timeout)
    );
    assert!((0..100).contains(&settings.sample_rate));
    assert!(!settings.msg_timeout.is_zero() && settings.msg_timeout <= limits.max_msg_timeout);

    let server = ServerInfo {
        tls: true,
        snappy: true,
        deflate: true,
        max_deflate_level: 6,
        ..ServerInfo::default()
    };
    match request.negotiate(&settings, &limits, &server) {
        Ok(Some(answer)) => {
            assert!((1..=6).contains(&answer.deflate_level));
            assert!(!(answer.snappy && answer.deflate));
            let read = IdentifyResponse::from_data(&answer.to_json()).expect("it is JSON");
            assert_eq!(read, Some(answer));
        }
        Ok(None) => assert!(!request.feature_negotiation),
        Err(_) => assert!(request.snappy && request.deflate),
    }
});
