//! What every request passes: the base path, requests forged by other sites, headers, compression.

use std::sync::Arc;

use nsq_http::header::{CACHE_CONTROL, HeaderName, HeaderValue, LOCATION, X_CONTENT_TYPE_OPTIONS};
use nsq_http::{ApiError, Method, Request, Response, Router, Routes, Service, StatusCode, Uri, reply};
use nsq_net::Peer;

use crate::caller::OriginalUri;
use crate::daemon::Admin;
use crate::{api, assets, compress, config, ext, graphite, metrics, page};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The routes of an nsqadmin behind all that.
#[derive(Debug)]
pub(crate) struct Front {
    routes: Routes,
    base_path: String,
}

impl Front {
    pub(crate) fn new(admin: Arc<Admin>) -> Self {
        let base_path = admin.options.base_path.clone();
        let mut router = Router::new();
        router = page::routes(router);
        router = assets::routes(router);
        router = api::routes(router);
        router = config::routes(router);
        router = graphite::routes(router);
        router = ext::routes(router);
        router = metrics::routes(router);
        Self {
            routes: router.with_state(admin),
            base_path,
        }
    }

    /// The URI below the base path.
    fn inner(&self, uri: &Uri) -> Inner {
        if self.base_path.is_empty() {
            return Inner::Path(uri.clone());
        }
        let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
        let path = match uri.path().strip_prefix(&self.base_path) {
            Some("") => "/",
            Some("/") => return Inner::Redirect(format!("{}{query}", self.base_path)),
            Some(path) if path.starts_with('/') => path,
            _ => return Inner::Outside,
        };
        format!("{path}{query}")
            .parse()
            .map_or(Inner::Outside, Inner::Path)
    }
}

enum Inner {
    Path(Uri),
    Redirect(String),
    Outside,
}

impl Service for Front {
    async fn call(&self, request: Request, peer: Peer) -> Response {
        let (mut parts, body) = request.into_parts();
        let accepts_gzip = compress::accepts_gzip(&parts.headers);
        let inner = match self.inner(&parts.uri) {
            Inner::Path(uri) => uri,
            Inner::Redirect(location) => return redirect(&location),
            Inner::Outside => return ApiError::not_found("NOT_FOUND").into(),
        };
        if changes(&parts.method) && is_cross_site(&parts.headers) {
            return ApiError::new(StatusCode::FORBIDDEN, "CROSS_SITE").into();
        }
        let is_api = inner.path().starts_with("/api/");
        let original = std::mem::replace(&mut parts.uri, inner);
        parts.extensions.insert(OriginalUri(original));
        let mut response = self.routes.call(Request::from_parts(parts, body), peer).await;
        self.restore_base(&mut response);
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if is_api {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if accepts_gzip {
            response = compress::compress(response).await;
        }
        response
    }

    /// It does so itself: often it stands behind a proxy that gives it another Host than the browser named.
    fn refuses_cross_site(&self) -> bool {
        false
    }

    /// What browsers ask for every other second would be all that there is in the log.
    fn is_logged(&self, method: &Method, path: &str) -> bool {
        let path = path.strip_prefix(&self.base_path).unwrap_or(path);
        path != "/render" && !(*method == Method::GET && path.starts_with("/api/ext"))
    }
}

impl Front {
    /// The routes know nothing of the base path, nor do their redirects.
    fn restore_base(&self, response: &mut Response) {
        if self.base_path.is_empty() || !response.status().is_redirection() {
            return;
        }
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok());
        let Some(location) = location.filter(|location| location.starts_with('/')) else {
            return;
        };
        if let Ok(location) = HeaderValue::try_from(format!("{}{location}", self.base_path)) {
            response.headers_mut().insert(LOCATION, location);
        }
    }
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a browser says that another site has made it send this. Other clients say nothing.
fn is_cross_site(headers: &nsq_http::header::HeaderMap) -> bool {
    headers
        .get(SEC_FETCH_SITE)
        .is_some_and(|site| site == "cross-site")
}

fn redirect(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return ApiError::not_found("NOT_FOUND").into();
    };
    let mut response = reply::plain("");
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    response.headers_mut().insert(LOCATION, location);
    response
}
