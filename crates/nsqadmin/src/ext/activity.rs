//! `activity`: what users have changed.

use std::sync::Arc;

use nsq_http::{Response, State};
use serde_json::json;

use super::answer::enveloped;
use crate::activity::ENTRIES_MAX;
use crate::daemon::Admin;

pub(super) async fn activity(State(admin): State<Arc<Admin>>) -> Response {
    let data = json!({"entries": admin.activity.latest(), "entries_max": ENTRIES_MAX});
    enveloped(&admin.collector.view(), data)
}
