//! `/config/<opt>`: reading all options, and changing two of them.

use nsq_flags::{ConfigValue, LogLevel};
use nsq_http::{ApiError, HandlerBody, Path, Response, State, read_body, reply};

use super::Daemon;
use crate::daemon::Nsqd;
use crate::options::Options;

const INVALID_OPTION: ApiError = ApiError::bad_request("INVALID_OPTION");
const INVALID_VALUE: ApiError = ApiError::bad_request("INVALID_VALUE");

/// Answers with an option by its key in the configuration file.
///
/// # Differs from upstream
/// User, password and query of the URL of an authorization server are left out.
pub(super) async fn get(State(nsqd): Daemon, Path(opt): Path<String>) -> Result<Response, ApiError> {
    current(&nsqd, &opt)
}

/// Changes an option until the next start, and answers with it.
///
/// # Differs from upstream
/// A list that is refused for one of its entries has not changed the others.
pub(super) async fn put(
    State(nsqd): Daemon,
    Path(opt): Path<String>,
    body: HandlerBody,
) -> Result<Response, ApiError> {
    let body = read_body(body, nsqd.options().max_msg_size)
        .await
        .map_err(|error| match error {
            nsq_http::BodyError::Broken(_) => ApiError::internal(),
            _ => ApiError::too_large("INVALID_VALUE"),
        })?;
    if body.is_empty() {
        return Err(ApiError::too_large("INVALID_VALUE"));
    }
    match opt.as_str() {
        "nsqlookupd_tcp_addresses" => {
            let addresses = serde_json::from_slice(&body).map_err(|_| INVALID_VALUE)?;
            nsqd.set_nsqlookupd_tcp_addresses(addresses);
        }
        "log_level" => {
            let word = str::from_utf8(&body).map_err(|_| INVALID_VALUE)?;
            let level: LogLevel = word.parse().map_err(|_| INVALID_VALUE)?;
            nsqd.log().set_level(level);
        }
        _ => return Err(INVALID_OPTION),
    }
    current(&nsqd, &opt)
}

fn current(nsqd: &Nsqd, opt: &str) -> Result<Response, ApiError> {
    let value = match opt {
        "nsqlookupd_tcp_addresses" => ConfigValue::Texts(nsqd.nsqlookupd_tcp_addresses()),
        "log_level" => Options::log_level_value(nsqd.log().level()),
        opt => nsqd.options().config_value(opt).ok_or(INVALID_OPTION)?,
    };
    Ok(match value {
        ConfigValue::Text(text) => reply::text(text),
        value => reply::json(&value),
    })
}
