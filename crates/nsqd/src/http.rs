//! The HTTP API.

use std::sync::Arc;

use nsq_http::{Router, Server, reply};
use nsq_net::Listener;
use nsq_runtime::Shutdown;

use crate::daemon::Nsqd;

/// Serves the API on `listener`, if there is one, until `shutdown`. Returns when the last connection has ended.
pub(crate) async fn serve(nsqd: &Arc<Nsqd>, listener: Option<Listener>, shutdown: Shutdown) {
    let Some(listener) = listener else {
        return shutdown.triggered().await;
    };
    let routes = Router::new()
        .get("/ping", || async { reply::plain("OK") })
        .with_state(());
    if let Err(error) = Server::new(routes, nsqd.clock().clone())
        .run(listener, shutdown)
        .await
    {
        tracing::error!("HTTP: {error}");
    }
}
