//! Whether looking at a topic would cost its messages.
//!
//! A topic without channels keeps its messages for the first one. If that is ephemeral, it gets them all, and they
//! are deleted with it when `nsq_tail` ends.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use nsq_app::Exit;
use nsq_clusterinfo::wire::{Info, NodeEntry};
use nsq_clusterinfo::{Asker, Cluster, Scope};
use nsq_http::Client;
use nsq_net::HostPort;
use nsq_runtime::{Clock, Shutdown};
use tokio::sync::oneshot;

use super::options::Options;
use crate::shell::{Source, fail};

/// The answers are worth a short wait, not more: the question is a courtesy.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// Warns, or asks whoever sits at the terminal, if messages would be deleted when this `nsq_tail` ends.
///
/// # Errors
/// The answer is no.
///
/// # Differs from upstream
/// It deletes them without a word.
pub(super) async fn confirm(options: &Options, clock: &Clock, shutdown: &Shutdown) -> Result<(), Exit> {
    if !options.channel.ends_with("#ephemeral") {
        return Ok(());
    }
    let client = Client::new(clock.clone(), CONNECT_TIMEOUT, REQUEST_TIMEOUT);
    let asker = Asker::new(client).quiet();
    let nodes = HttpAddresses::of(&options.source, &asker).await;
    for topic in &options.topics {
        let depth = nodes.depth_without_channel(topic).await;
        if depth == 0 {
            continue;
        }
        let warning = format!(
            "topic {topic} has no channel and holds {depth} messages: they are deleted when this nsq_tail, whose \
             channel is ephemeral, ends"
        );
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            tracing::warn!("WARNING: {warning}");
        } else if !ask(&format!("{warning}. Go on? [y/N] "), shutdown).await? {
            return Err(fail("nothing was read; --channel names a channel that stays"));
        }
    }
    Ok(())
}

/// Who can be asked about topics.
enum HttpAddresses {
    /// Those whom nsqlookupds name.
    Found(Cluster),
    /// These.
    Known(Cluster, Vec<String>),
}

impl HttpAddresses {
    async fn of(source: &Source, asker: &Asker) -> Self {
        match source {
            Source::Nsqlookupds(addresses) => {
                Self::Found(Cluster::new(asker.clone(), addresses.clone().into(), [].into()))
            }
            Source::Nsqds(addresses) => {
                let mut known = Vec::new();
                for address in addresses {
                    known.extend(http_address(address, asker).await);
                }
                Self::Known(
                    Cluster::new(asker.clone(), [].into(), known.clone().into()),
                    known,
                )
            }
        }
    }

    /// How many messages wait for the first channel of this topic, as far as anybody says.
    async fn depth_without_channel(&self, topic: &str) -> i64 {
        let (cluster, nodes) = match self {
            Self::Known(cluster, nodes) => (cluster, nodes.clone()),
            Self::Found(cluster) => {
                let found = cluster.producers(topic).await.map(|found| found.value);
                let nodes = found.unwrap_or_default();
                (cluster, nodes.iter().map(NodeEntry::http_address).collect())
            }
        };
        let scope = Scope {
            topic,
            ..Scope::default()
        };
        let answers = cluster.stats(&nodes, scope).await.map(|answers| answers.value);
        answers
            .unwrap_or_default()
            .into_iter()
            .flat_map(|(_, stats)| stats.topics)
            .filter(|known| known.topic_name == topic && known.channels.is_empty())
            .fold(0, |sum, known| sum.saturating_add(known.depth))
    }
}

/// Where the nsqd with this TCP address speaks HTTP, if it does so at the next port, as usual.
async fn http_address(address: &str, asker: &Asker) -> Option<String> {
    let tcp = HostPort::parse(address).ok()?;
    let port: u16 = tcp.port().parse().ok()?;
    let http = HostPort::new(tcp.host(), port.checked_add(1)?).to_string();
    let info: Info = asker.get(&format!("http://{http}/info")).await.ok()?;
    (info.tcp_port == port).then_some(http)
}

/// Asks at the terminal.
async fn ask(question: &str, shutdown: &Shutdown) -> Result<bool, Exit> {
    // Shown as far as that is possible.
    let _ = write!(io::stderr(), "{question}");
    let (sender, answer) = oneshot::channel();
    nsq_runtime::spawn_thread("stdin", move || {
        let mut line = String::new();
        let is_yes = io::stdin().lock().read_line(&mut line).is_ok() && is_yes(&line);
        // Nobody waits any more if the process is being stopped.
        let _ = sender.send(is_yes);
    })
    .map_err(fail)?;
    tokio::select! {
        answer = answer => Ok(answer.unwrap_or(false)),
        // Nothing will be read any more, and nobody has refused it.
        () = shutdown.triggered() => Ok(true),
    }
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (line, expected) in [
            ("y\n", true),
            (" YES \n", true),
            ("\n", false),
            ("", false),
            ("no\n", false),
        ] {
            assert_eq!(is_yes(line), expected, "{line:?}");
        }
    }
}
