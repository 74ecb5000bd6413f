//! Telling somebody of the changes that users make.
//!
//! Notifications are sent one at a time, in order, in the background. When the receiver is so slow that
//! [`QUEUE_LEN_MAX`] wait, further ones are dropped and logged.
//!
//! # Differs from upstream
//! A receiver that cannot be reached ends the process there. Here it is logged.
//!
//! Upstream: nsqadmin/notify.go.

use std::sync::Arc;

use nsq_app::hostname;
use nsq_flags::hide_secrets;
use nsq_http::{Client, ClientRequest, to_json};
use nsq_net::tls::{ClientSettings, Connector};
use nsq_runtime::{Clock, Shutdown};
use serde::Serialize;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::caller::Caller;
use crate::options::Options;

/// How many notifications may wait.
const QUEUE_LEN_MAX: usize = 1024;

const NS_PER_S: i64 = 1_000_000_000;

/// What was done to what; what does not apply is empty.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Action<'a> {
    #[serde(rename = "action")]
    pub(crate) verb: &'a str,
    pub(crate) topic: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) channel: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) node: &'a str,
}

#[derive(Serialize)]
struct Notification<'a> {
    #[serde(flatten)]
    action: &'a Action<'a>,
    /// Unix seconds.
    timestamp: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    remote_ip: String,
    user_agent: &'a str,
    url: String,
    /// The machine that this nsqadmin is on.
    via: &'a str,
}

/// Where actions are reported.
#[derive(Clone, Debug)]
pub(crate) struct Notifier {
    clock: Clock,
    via: Arc<str>,
    /// `None` if nobody wants to know.
    queue: Option<Sender<Vec<u8>>>,
}

/// Sends notifications.
#[derive(Debug)]
pub(crate) struct Worker {
    client: Client,
    url: String,
    queue: Receiver<Vec<u8>>,
}

pub(crate) fn open(options: &Options, clock: &Clock) -> (Notifier, Worker) {
    let url = options.notification_http_endpoint.clone();
    let mut client = Client::new(clock.clone(), options.connect_timeout, options.request_timeout);
    // The TLS options are for nsqds; whom this is for is trusted as the system trusts.
    if let Ok(connector) = Connector::load(ClientSettings::default()) {
        client = client.with_tls(connector);
    }
    let (sender, queue) = channel(QUEUE_LEN_MAX);
    let notifier = Notifier {
        clock: clock.clone(),
        via: hostname().into(),
        queue: (!url.is_empty()).then_some(sender),
    };
    (notifier, Worker { client, url, queue })
}

impl Notifier {
    /// Reports what `caller` has done.
    pub(crate) fn notify(&self, caller: Caller<'_>, action: &Action<'_>) {
        let Some(queue) = &self.queue else {
            return;
        };
        let notification = Notification {
            action,
            timestamp: self.clock.wall_ns() / NS_PER_S,
            user: caller.basic_user(),
            remote_ip: caller.remote_address(),
            user_agent: caller.user_agent(),
            url: caller.url(),
            via: &self.via,
        };
        let queued = to_json(&notification)
            .ok()
            .is_some_and(|json| queue.try_send(json).is_ok());
        if !queued {
            tracing::error!("dropped a notification of {} {}", action.verb, action.topic);
        }
    }
}

impl Worker {
    /// Sends what is reported until `stop`, or until nobody can report any more.
    pub(crate) async fn run(mut self, stop: Shutdown) {
        tokio::select! {
            () = stop.triggered() => {}
            () = self.send_all() => {}
        }
    }

    async fn send_all(&mut self) {
        while let Some(json) = self.queue.recv().await {
            tracing::info!("POSTing notification to {}", hide_secrets(&self.url));
            let request = ClientRequest::post(&self.url)
                .body("application/json", json)
                .hide_query();
            if let Err(error) = self.client.send(request).await {
                tracing::error!("failed to POST notification - {error}");
            }
        }
    }
}
