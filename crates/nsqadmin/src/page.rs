//! The page in which the web application starts, at each of its routes.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use nsq_http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, REFERRER_POLICY,
    VARY,
};
use nsq_http::{Body, Parts, Response, Router, State, reply, to_json};
use nsqadmin_ui::{HEAD, INDEX};
use serde::Serialize;

use crate::assets;
use crate::caller::Caller;
use crate::daemon::Admin;
use crate::ext::Meta;
use crate::options::Options;

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

pub(crate) fn routes(mut router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    for path in [
        "/",
        "/topics",
        "/topics/{topic}",
        "/topics/{topic}/{channel}",
        "/nodes",
        "/nodes/{node}",
        "/counter",
        "/lookup",
        // Pages that upstream does not have.
        "/channels",
        "/clients",
        "/activity",
    ] {
        router = router.get(path, page);
    }
    router.get("/ping", ping)
}

async fn ping() -> Response {
    reply::plain("OK")
}

/// What the application knows before it has asked for anything.
#[derive(Serialize)]
struct Boot<'a> {
    base_path: &'a str,
    meta: Meta<'a>,
}

async fn page(State(admin): State<Arc<Admin>>, parts: Parts) -> Response {
    let boot = Boot {
        base_path: &admin.options.base_path,
        meta: Meta::of(&admin, Caller(&parts)),
    };
    let page = fill(&template(&admin.options), &admin.options.base_path, &boot);
    let etag = etag(&page);
    let mut response = if assets::is_known(&parts.headers, &etag) {
        assets::not_modified(etag)
    } else {
        let mut response = Response::new(Body::from(page));
        response.headers_mut().insert(ETAG, etag);
        response
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // The page says who is looking.
    if let Ok(header) = HeaderValue::from_str(&admin.options.acl_http_header) {
        headers.append(VARY, header);
    }
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    if let Ok(policy) = HeaderValue::try_from(policy(&admin.options)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn template(options: &Options) -> String {
    let developed = options
        .dev_static_dir
        .as_deref()
        .and_then(|directory| assets::read(directory, INDEX));
    let built = || nsqadmin_ui::get(INDEX).map(|asset| asset.bytes.to_vec());
    let bytes = developed.or_else(built).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The template with the base URL and the boot data. Nothing in the data can end its block: JSON in Go's form has no `<`.
fn fill(template: &str, base_path: &str, boot: &Boot<'_>) -> String {
    let boot = to_json(boot).unwrap_or_else(|_| b"{}".to_vec());
    let head = format!(
        "<base href=\"{}/\">\n<script type=\"application/json\" id=\"nsqadmin-boot\">{}</script>",
        escape_attribute(base_path),
        String::from_utf8_lossy(&boot)
    );
    template.replacen(HEAD, &head, 1)
}

fn escape_attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&#34;")
        .replace('<', "&lt;")
}

fn etag(page: &str) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    page.hash(&mut hasher);
    HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).unwrap_or(HeaderValue::from_static("\"\""))
}

/// What the page may do: only what is its own. Of other sites, a Graphite whose images it shows is allowed.
fn policy(options: &Options) -> String {
    let graphite = match &options.graphite {
        Some(graphite) if !options.proxy_graphite => format!(" {}", graphite.origin),
        _ => String::new(),
    };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{graphite}; \
         connect-src 'self'{graphite}; font-src 'self'; base-uri 'self'; form-action 'self'; \
         frame-ancestors {}; require-trusted-types-for 'script'; trusted-types 'none'",
        options.frame_ancestors
    )
}
