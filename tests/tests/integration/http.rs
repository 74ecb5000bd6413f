//! The HTTP interface: every endpoint, parameter, status, header and body.

mod channel;
mod config;
mod cross_site;
mod debug;
mod dialect;
mod metrics;
mod multi_publish;
mod ping_info;
mod publish;
mod stats_json;
mod stats_text;
mod topic;

use nsq_tests::http::Http;

/// Asserts answers to `POST <target>` with an empty body, one error each.
#[track_caller]
fn expect_errors(http: Http, rows: &[(&str, u16, &str)]) {
    for (target, status, code) in rows {
        let response = http.post(target, "");
        assert_eq!(
            (response.status(), response.text()),
            (*status, format!(r#"{{"message":"{code}"}}"#).as_str()),
            "POST {target}"
        );
        response.expect_error(*status, code);
        response.expect_nsq_content_type();
    }
}
