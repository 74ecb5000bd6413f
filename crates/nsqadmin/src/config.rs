//! `/config/<opt>`: reading all options, and changing two of them.
//!
//! Upstream: nsqadmin/http.go, `doConfig`.

use std::sync::Arc;

use nsq_flags::{ConfigValue, LogLevel, Value as _};
use nsq_http::{ApiError, BodyError, HandlerBody, Parts, Path, Response, Router, State, read_body, reply};

use crate::caller::Caller;
use crate::daemon::Admin;
use crate::options::TABLE;

const INVALID_OPTION: ApiError = ApiError::bad_request("INVALID_OPTION");
const INVALID_VALUE: ApiError = ApiError::bad_request("INVALID_VALUE");

/// Upstream's.
const VALUE_SIZE_MAX: usize = 1 << 20;

pub(crate) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    router.get("/config/{opt}", get).put("/config/{opt}", put)
}

/// Answers with an option by its key in the configuration file.
///
/// # Differs from upstream
/// User, password and query of the URLs of Graphite and of who is notified are left out.
async fn get(
    State(admin): State<Arc<Admin>>,
    Path(opt): Path<String>,
    parts: Parts,
) -> Result<Response, ApiError> {
    admin.require_config_network(Caller(&parts))?;
    current(&admin, &opt)
}

/// Changes an option until the next start, and answers with it.
///
/// # Differs from upstream
/// A list that is refused for one of its entries has not changed the others.
async fn put(
    State(admin): State<Arc<Admin>>,
    Path(opt): Path<String>,
    parts: Parts,
    body: HandlerBody,
) -> Result<Response, ApiError> {
    admin.require_config_network(Caller(&parts))?;
    let body = read_body(body, VALUE_SIZE_MAX)
        .await
        .map_err(|error| match error {
            BodyError::Broken(_) => ApiError::internal(),
            _ => ApiError::too_large("INVALID_VALUE"),
        })?;
    if body.is_empty() {
        return Err(ApiError::too_large("INVALID_VALUE"));
    }
    match opt.as_str() {
        "nsqlookupd_http_addresses" => {
            let addresses: Option<Vec<String>> = serde_json::from_slice(&body).map_err(|_| INVALID_VALUE)?;
            admin.set_nsqlookupds(addresses.unwrap_or_default());
        }
        "log_level" => {
            let word = str::from_utf8(&body).map_err(|_| INVALID_VALUE)?;
            let level: LogLevel = word.parse().map_err(|_| INVALID_VALUE)?;
            admin.log.set_level(level);
        }
        _ => return Err(INVALID_OPTION),
    }
    current(&admin, &opt)
}

fn current(admin: &Admin, opt: &str) -> Result<Response, ApiError> {
    let value = match opt {
        "nsqlookupd_http_addresses" => ConfigValue::Texts(Some(admin.nsqlookupds().to_vec())),
        "log_level" => admin.log.level().config_value(),
        opt => TABLE
            .config_value(admin.options.raw(), opt)
            .ok_or(INVALID_OPTION)?,
    };
    Ok(match value {
        ConfigValue::Text(text) => reply::text(text),
        value => reply::json(&value),
    })
}
