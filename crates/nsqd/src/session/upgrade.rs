//! From a plain connection to an encrypted or compressed one.
//!
//! What IDENTIFY has granted is put in place once the client has been told in the clear, TLS first and
//! compression inside it. Each step ends with an `OK` that has already passed through it. Meanwhile the
//! session does nothing else: no command is executed and no heartbeat is sent.
//!
//! # Differs from upstream
//! What a client has sent ahead, without waiting for the answer, belongs to the next layer and is not lost.
//!
//! Upstream: `nsqd/protocol_v2.go`, `IDENTIFY`; `nsqd/client_v2.go`, `UpgradeTLS` and those after it.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use nsq_protocol::client_error::ClientError;
use nsq_protocol::frame;
use nsq_protocol::identify::IdentifyResponse;
use tokio::io::AsyncWriteExt;

use super::{End, Session};
use crate::client::Compression;

/// How long a client may take for each step. Upstream: `nsqd/client_v2.go`, `UpgradeTLS`.
const STEP_TIME: Duration = Duration::from_secs(5);

/// What has been granted to a client and is not in place yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Upgrade {
    tls: bool,
    compression: Option<Compression>,
}

impl Upgrade {
    /// What `response` grants; `None` if that is nothing.
    pub(super) fn granted(response: &IdentifyResponse) -> Option<Self> {
        let compression = if response.snappy {
            Some(Compression::Snappy)
        } else if response.deflate {
            let level = u8::try_from(response.deflate_level).unwrap_or(u8::MAX);
            Some(Compression::Deflate { level })
        } else {
            None
        };
        let upgrade = Self {
            tls: response.tls_v1,
            compression,
        };
        (upgrade.tls || compression.is_some()).then_some(upgrade)
    }
}

impl Session {
    /// Plans what has been granted.
    ///
    /// A layer that is in place already is refused, as is one that would have to go beneath it: upstream
    /// starts the same layer anew on the bare connection, which no client can follow.
    pub(super) fn plan(&mut self, upgrade: Upgrade) -> Result<(), ClientError> {
        if self.compression.is_some() {
            return Err(ClientError::identify_failed("connection is already compressed"));
        }
        if upgrade.tls && self.has_tls {
            return Err(ClientError::identify_failed("connection is already encrypted"));
        }
        self.upgrade = Some(upgrade);
        Ok(())
    }

    /// Puts `upgrade` in place. The client has been told.
    pub(super) async fn upgrade(&mut self, upgrade: Upgrade) -> Result<(), End> {
        let client = Arc::clone(self.client.record());
        let closing = poll_fn(|cx| {
            if client.is_closing(cx.waker()) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        tokio::select! {
            () = closing => return Err(End::Closed),
            outcome = self.put_in_place(upgrade) => outcome?,
        }
        self.now = self.nsqd.clock().now();
        self.command_at = self.now;
        if let Some(interval) = self.settings.heartbeat_interval {
            self.heartbeat_at = self.now + interval;
        }
        Ok(())
    }

    async fn put_in_place(&mut self, Upgrade { tls, compression }: Upgrade) -> Result<(), End> {
        let peer = self.client.peer();
        let mut received = Vec::from(std::mem::take(&mut self.input));
        if tls && let Some(acceptor) = self.nsqd.tls().acceptor() {
            tracing::info!("PROTOCOL(V2): [{peer}] upgrading connection to TLS");
            let received = std::mem::take(&mut received);
            let session = acceptor
                .accept(&mut self.stream, received, STEP_TIME, self.nsqd.clock())
                .await
                .map_err(|cause| ClientError::identify_failed(&cause).with_cause(&cause))?;
            self.has_tls = true;
            self.client
                .update(|details| details.tls = Some(Box::new(session)));
            self.send_ok().await?;
        }
        match compression {
            None => return Ok(()),
            Some(Compression::Snappy) => {
                tracing::info!("PROTOCOL(V2): [{peer}] upgrading connection to snappy");
                self.stream.start_snappy(received);
            }
            Some(Compression::Deflate { level }) => {
                tracing::info!("PROTOCOL(V2): [{peer}] upgrading connection to deflate (level {level})");
                self.stream.start_deflate(level, received);
            }
        }
        self.compression = compression;
        self.client.update(|details| details.compression = compression);
        self.send_ok().await
    }

    async fn send_ok(&mut self) -> Result<(), End> {
        let clock = self.nsqd.clock().clone();
        let stream = &mut self.stream;
        let send = async {
            stream.write_all(frame::OK_FRAME).await?;
            stream.flush().await
        };
        let sent = tokio::select! {
            sent = send => sent,
            () = clock.sleep(STEP_TIME) => Err(io::Error::other("i/o timeout")),
        };
        sent.map_err(|error| End::Failed(format!("failed to write - {error}")))
    }
}
