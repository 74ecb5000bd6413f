//! The built web pages, or a directory while they are being developed.

use std::path::Path as FilePath;
use std::sync::Arc;

use nsq_http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use nsq_http::{Body, Parts, Path, Response, Router, State, StatusCode, reply};
use nsqadmin_ui::INDEX;

use crate::compress;
use crate::daemon::Admin;

/// Names that hold a hash of what they name are good for ever.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// While developing, a name says nothing about what it names.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

pub(crate) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    router.get("/static/{asset}", asset).get("/fonts/{asset}", asset)
}

async fn asset(State(admin): State<Arc<Admin>>, Path(name): Path<String>, parts: Parts) -> Response {
    if let Some(directory) = &admin.options.dev_static_dir {
        return match read(directory, &name) {
            Some(bytes) => of_type(Body::from(bytes), &name, ASK_AGAIN),
            None => not_found(),
        };
    }
    // The page is no asset: it is a template.
    match nsqadmin_ui::get(&name) {
        Some(asset) if name != INDEX => {
            let etag = HeaderValue::from_static(asset.etag);
            if is_known(&parts.headers, &etag) {
                return not_modified(etag);
            }
            let gzip = asset.gzip.filter(|_| compress::accepts_gzip(&parts.headers));
            let mut response = of_type(Body::from(gzip.unwrap_or(asset.bytes)), &name, FOR_EVER);
            response.headers_mut().insert(ETAG, etag);
            if gzip.is_some() {
                compress::mark(response.headers_mut());
            }
            response
        }
        _ => not_found(),
    }
}

/// A file of the directory that is served while developing.
pub(crate) fn read(directory: &FilePath, name: &str) -> Option<Vec<u8>> {
    let is_flat = !name.contains(['/', '\\', '\0']) && !name.starts_with('.');
    // Blocks a thread for a moment, which a developer does not mind.
    is_flat.then(|| std::fs::read(directory.join(name)).ok())?
}

/// Whether the client says that it has what is called so.
pub(crate) fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    known.is_some_and(|known| {
        known
            .split(',')
            .any(|known| known.trim().trim_start_matches("W/") == etag)
    })
}

pub(crate) fn not_modified(etag: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(ETAG, etag);
    response
}

fn of_type(body: Body, name: &str, caching: HeaderValue) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(nsqadmin_ui::media_type(name)),
    );
    headers.insert(CACHE_CONTROL, caching);
    response
}

fn not_found() -> Response {
    let mut response = reply::plain("NOT_FOUND");
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
