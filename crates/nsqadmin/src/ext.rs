//! The extension API, `/api/ext`, which the web pages use. `docs/nsqadmin-api.md` describes it.

mod meta;

use std::sync::Arc;

use nsq_http::Router;

use crate::daemon::Admin;

pub(crate) use meta::Meta;

pub(crate) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    router.get("/api/ext/meta", meta::get)
}
