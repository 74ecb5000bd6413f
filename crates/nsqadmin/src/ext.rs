//! The extension API, `/api/ext`, which the web pages use. `docs/nsqadmin-api.md` describes it.
//!
//! Looking changes nothing and asks nobody: answers are made of what the [collector](crate::collector) knows, which a
//! look makes fresher.

mod actions;
mod activity;
mod answer;
mod clients;
mod entity;
mod lookup;
mod meta;
mod nodes;
mod overview;
mod publish;
mod series;
mod table;
mod tables;
mod tail;

use std::sync::Arc;

use nsq_http::Router;

use crate::daemon::Admin;

pub(crate) use meta::Meta;

pub(crate) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    router
        .get("/api/ext/meta", meta::get)
        .get("/api/ext/overview", overview::overview)
        .get("/api/ext/problems", overview::problems)
        .get("/api/ext/topics", tables::topics)
        .get("/api/ext/channels", tables::channels)
        .get("/api/ext/clients", clients::get_groups)
        .get("/api/ext/connections", clients::get_connections)
        .get("/api/ext/producers", clients::get_producers)
        .get("/api/ext/topics/{topic}", entity::topic)
        .get("/api/ext/topics/{topic}/{channel}", entity::channel)
        .get("/api/ext/nodes", nodes::nodes)
        .get("/api/ext/nodes/{node}", nodes::node)
        .get("/api/ext/lookup", lookup::lookup)
        .get("/api/ext/series", series::series)
        .get("/api/ext/activity", activity::activity)
        .post("/api/ext/actions", actions::actions)
        .post("/api/ext/publish", publish::publish)
        .post("/api/ext/tail", tail::start)
        .get("/api/ext/tail/{id}", tail::events)
        .delete("/api/ext/tail/{id}", tail::stop)
        .get("/api/ext/tail/{id}/{message}", tail::message)
}
