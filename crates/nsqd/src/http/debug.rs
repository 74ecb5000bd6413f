//! `/debug/*`: what remains of upstream's window into the Go runtime.
//!
//! The paths exist because operators' tools probe them. Profiles are answered 501: this process is looked into
//! with the system's own tools, such as perf.

use std::io::Write;

use nsq_flags::hide_secrets;
use nsq_http::{Params, Response, StatusCode, reply};

const INDEX: &str = "<html>\n<head>\n<title>/debug/pprof/</title>\n</head>\n<body>\n/debug/pprof/<br>\n<br>\n\
     <a href=\"cmdline\">cmdline</a><br>\n<a href=\"symbol\">symbol</a><br>\n<br>\n\
     There is no Go runtime to profile here; use the tools of the system.\n</body>\n</html>\n";

pub(super) async fn index() -> Response {
    let mut response = reply::plain(INDEX);
    response.headers_mut().insert(
        nsq_http::header::CONTENT_TYPE,
        nsq_http::header::HeaderValue::from_static("text/html; charset=utf-8"),
    );
    response
}

/// The arguments of the process, separated by NUL.
///
/// # Differs from upstream
/// User, password and query of a URL are left out.
pub(super) async fn command_line() -> Response {
    let arguments: Vec<_> = std::env::args_os()
        .map(|argument| hide_secrets(&argument.to_string_lossy()).into_owned())
        .collect();
    reply::plain(arguments.join("\0"))
}

/// Upstream tells that it has symbols; which ones it is not asked here.
pub(super) async fn symbol() -> Response {
    reply::plain("num_symbols: 1\n")
}

pub(super) async fn profile() -> Response {
    let mut response = reply::plain("profiles of the Go runtime are not available\n");
    *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    response
}

/// Checks its argument, which has no meaning here.
///
/// # Differs from upstream
/// Success is 200. Upstream does its work and then fails to answer.
pub(super) async fn set_block_rate(params: Params<'static>) -> Response {
    let rate = params.get("rate").unwrap_or_default();
    match rate.parse::<i64>() {
        Ok(_) => reply::empty(),
        Err(error) => {
            let reason = match error.kind() {
                std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                    "value out of range"
                }
                _ => "invalid syntax",
            };
            let mut text = Vec::new();
            // Writing to memory cannot fail.
            let _ = write!(
                text,
                "invalid block rate : strconv.Atoi: parsing {rate:?}: {reason}"
            );
            let mut response = reply::plain(text);
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    }
}

/// Has nothing to do: memory goes back to the system by itself.
///
/// # Differs from upstream
/// Success is 200. Upstream does its work and then fails to answer.
pub(super) async fn free_memory() -> Response {
    reply::empty()
}
