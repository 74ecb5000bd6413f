//! Archives the messages of topics in files, one per line.
//!
//! Each topic has a consumer and a writer of its own. Files are named by topic, host and date, are finished
//! by size, age or name, compressed if wanted, and moved to where finished files are. No file is ever overwritten. A
//! message is finished when the file it is in has been synced, and not before.
//!
//! Upstream: `apps/nsq_to_file`.

mod archive;
mod disk;
mod name;
mod options;
mod strftime;
mod writer;

pub use options::{RawOptions, TABLE};

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use nsq_app::{Exit, Hangups};
use nsq_clusterinfo::{Asker, Cluster};
use nsq_http::Client;
use nsq_runtime::{Clock, Moment, Shutdown, TaskGroup};
use tokio::sync::mpsc;

use crate::consume::consumer;
use crate::log::{self, OwnLines};
use crate::shell::{self, Source, fail};
use archive::{Archive, Pace};
use disk::SystemDisk;
use options::Options;
use writer::Writer;

const PROGRAM: &str = "nsq_to_file";

/// How long what has come may take to be safe after a signal; longer than the client's patience.
const STOP_PATIENCE: Duration = Duration::from_secs(31);

/// How long the other topics may take for that when the files of one cannot be written.
const FAILURE_PATIENCE: Duration = Duration::from_secs(5);

/// Runs the program with these arguments, its own name first.
///
/// # Errors
/// The command line does not say what to do, a topic that was named cannot be consumed, or a file cannot be written.
pub fn run(args: impl IntoIterator<Item = OsString>, clock: &Clock) -> Result<ExitCode, Exit> {
    let options = Options::load(args)?;
    let own = OwnLines::Daemon {
        prefix: options.log_prefix.clone(),
        level: options.log_level,
    };
    log::install(own, clock)?;
    shell::run(|shutdown| archive_topics(options, clock.clone(), shutdown))
}

async fn archive_topics(options: Options, clock: Clock, shutdown: Shutdown) -> Result<(), Exit> {
    let mut hangups = Hangups::take_over().map_err(fail)?;
    let (failures, mut failed) = mpsc::channel(1);
    let mut archives = Archives::new(&options, &clock, failures);
    let started = archives.start_named().await;
    let outcome = match started {
        Err(problem) => Err(problem),
        Ok(()) => loop {
            tokio::select! {
                () = shutdown.triggered() => break Ok(()),
                () = hangups.next() => archives.hang_up(),
                failure = failed.recv() => break failure.map_or(Ok(()), Err),
                () = archives.discover() => {}
            }
        },
    };
    let patience = if outcome.is_ok() {
        STOP_PATIENCE
    } else {
        FAILURE_PATIENCE
    };
    archives.stop(patience).await;
    // The last file of a topic may be the one that cannot be finished.
    let outcome = outcome.and_then(|()| failed.try_recv().map_or(Ok(()), Err));
    outcome.map_err(|message| Exit::Fatal {
        prefix: options.log_prefix.clone(),
        message,
    })
}

/// All topics that are being archived.
struct Archives<'a> {
    options: &'a Options,
    pace: Pace,
    cluster: Cluster,
    tasks: TaskGroup,
    by_topic: BTreeMap<String, Archive>,
    /// Topics that were found and do not match the pattern, of which that has been said.
    skipped: BTreeSet<String>,
    next_look: Moment,
    failures: mpsc::Sender<String>,
}

impl<'a> Archives<'a> {
    fn new(options: &'a Options, clock: &Clock, failures: mpsc::Sender<String>) -> Self {
        let client = Client::new(clock.clone(), options.connect_timeout, options.request_timeout);
        let nsqlookupds = match &options.source {
            Source::Nsqlookupds(addresses) => addresses.clone(),
            Source::Nsqds(_) => Vec::new(),
        };
        Self {
            options,
            pace: Pace {
                clock: clock.clone(),
                sync_interval: options.sync_interval,
                unsynced_max: options.unsynced_max,
            },
            cluster: Cluster::new(Asker::new(client).quiet(), nsqlookupds.into(), [].into()),
            tasks: TaskGroup::new("archives"),
            by_topic: BTreeMap::new(),
            skipped: BTreeSet::new(),
            next_look: if options.topics.is_empty() {
                clock.now()
            } else {
                Moment::FAR
            },
            failures,
        }
    }

    /// Starts with the topics that the command line names.
    ///
    /// # Errors
    /// One of them cannot be consumed.
    ///
    /// # Differs from upstream
    /// There, the process goes on without it, maybe with nothing to do.
    async fn start_named(&mut self) -> Result<(), String> {
        for topic in &self.options.topics {
            self.start(topic).await?;
        }
        Ok(())
    }

    /// Waits until it is time to look for new topics, and starts with them.
    ///
    /// # Cancel safety
    /// A look that is interrupted begins again.
    ///
    /// # Differs from upstream
    /// The first look is at once. What some nsqlookupds know counts, though others do not answer.
    async fn discover(&mut self) {
        self.pace.clock.sleep_until(self.next_look).await;
        let found = self.cluster.topics().await;
        self.next_look = self.pace.clock.now() + self.options.topic_refresh;
        let (topics, problems) = match found {
            Ok(found) => {
                let problems: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
                (found.value, problems)
            }
            Err(nobody) => (Vec::new(), vec![nobody.to_string()]),
        };
        for problem in problems {
            tracing::error!("could not retrieve topic list: {problem}");
        }
        for topic in topics {
            if let Err(problem) = self.start(&topic).await {
                tracing::error!("{problem}");
            }
        }
    }

    /// Starts with a topic, unless that has been done or its name does not match.
    async fn start(&mut self, topic: &str) -> Result<(), String> {
        let options = self.options;
        if self.by_topic.contains_key(topic) {
            return Ok(());
        }
        if let Some(pattern) = &options.pattern
            && !pattern.is_match(topic)
        {
            if self.skipped.insert(topic.to_owned()) {
                tracing::warn!("skipping topic {topic} (doesn't match pattern {pattern})");
            }
            return Ok(());
        }
        let not_created = |problem: &dyn std::fmt::Display| {
            format!("couldn't create logger for new topic {topic}: {problem}")
        };
        let stream = consumer(topic, &options.channel, &options.config, &options.source)
            .stream()
            .await
            .map_err(|error| not_created(&error))?;
        let label = format!("{topic}/{}", options.channel);
        let writer = Writer::new(
            SystemDisk,
            options.settings.clone(),
            options.naming.of_topic(topic),
            label.clone(),
        );
        let failures = self.failures.clone();
        let archive = Archive::start(stream, writer, label, &self.pace, &self.tasks, failures)
            .map_err(|error| not_created(&error))?;
        self.by_topic.insert(topic.to_owned(), archive);
        Ok(())
    }

    fn hang_up(&self) {
        self.by_topic.values().for_each(Archive::hang_up);
    }

    async fn stop(&self, patience: Duration) {
        self.by_topic.values().for_each(Archive::stop);
        self.tasks.wait(&self.pace.clock, patience).await;
    }
}
