//! Where this nsqd is better than the original on purpose.
//!
//! The same tests run against the original (`NSQD_BIN=<path of its nsqd>`), which proves that they test NSQ and
//! not our reading of it. A test of a behaviour that the original lacks starts with [`deviates!`](crate::deviates)
//! and is left out there, loudly.

use std::io::Write;

use crate::program;

macro_rules! deviations {
    ($($(#[doc = $text:literal])+ $name:ident,)+) => {
        /// One deliberate difference from the original.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Deviation {
            $($(#[doc = $text])+ $name,)+
        }

        impl Deviation {
            /// The difference in one sentence.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($text),+).trim_ascii_start(),)+
                }
            }
        }
    };
}

deviations! {
    /// Bytes that a client sends ahead of an upgrade belong to the next layer, not nowhere.
    EarlyBytesAreKept,
    /// A layer that is in place already is refused, not begun again beneath the client.
    LayersAreNotRepeated,
    /// SIGHUP reads the certificate again instead of ending the process.
    HangupReloads,
    /// A connection that does not send its magic, or an HTTP request line and headers, is closed in time.
    SilentConnectionsAreClosed,
    /// Numbers in commands that do not fit are rejected, not wrapped.
    OverflowIsRejected,
    /// Every IDENTIFY before SUB applies in full, not only the first.
    LaterIdentifyApplies,
    /// A consumer that stops reading is disconnected when its write deadline passes.
    StalledReaderIsDropped,
    /// Delays outlast a clean stop, unless `--keep-deferred=false` is given.
    DelaysOutlastStops,
    /// `--durability` chooses what an OK means.
    DurabilityIsChosen,
    /// Message ids go on behind those in the files, though the clock was set back before the start.
    IdsAreNotRepeated,
    /// Options are answered over HTTP without the user, the password and the query of a URL.
    SecretsStayOutOfOptions,
    /// A disk without room makes publishers wait or fail, is told of, and costs no message.
    FullDisksAreTold,
    /// Timeouts and delays end when they are due, on young channels too, not at the next queue scan.
    TimersAreOnTime,
    /// Messages keep their order when a queue spills from memory to disk.
    SpillKeepsOrder,
    /// The statistics of a producer list all topics it has published to, not one of them.
    EveryPublishCountIsListed,
    /// With topology-aware consumption a consumer that has answered everything counts as waiting at once.
    AnsweredConsumersAreWaiting,
    /// With topology-aware consumption a server without a place does not take clients without one for neighbours.
    NoPlaceIsNowhere,
    /// What an authorization server is asked shows in no log, because a secret is in it.
    SecretsStayOutOfLogs,
    /// The URL of an authorization server may have a query string, which stays intact.
    AuthUrlsKeepTheirQuery,
    /// An authorization without a topic, or with `null` for a channel, permits nothing instead of everything.
    MissingPatternsMatchNothing,
    /// Patterns that would take more memory or time than any real one are refused.
    PatternsAreBounded,
    /// An authorization server that never ends its answer is given up at a size.
    AnswersAreBounded,
    /// A daemon that waits for an authorization server can be stopped.
    AuthServersDoNotHoldShutdown,
    /// A request that is refused for its parameters has not created its topic on the way.
    RefusedRequestsCreateNothing,
    /// A change of options that is refused leaves the options as they were.
    RefusedRequestsChangeNothing,
    /// `/debug/setblockrate` and `/debug/freememory` answer 200, not 500 after doing their work.
    DebugEndpointsSucceed,
    /// Data files whose metadata is missing or unreadable are read, not ignored and overwritten.
    DataWithoutMetadataIsRead,
    /// A damaged part of a data file costs the records in it, not the rest of the file.
    DamageIsContained,
    /// A data file that cannot be opened or read is tried again, not set aside.
    UnreadableFilesAreNotGivenUp,
    /// Stored messages above the current limit are read, not set aside with their whole file.
    LargeStoredMessagesAreRead,
    /// The attempts of a message stay at 65535 instead of starting again at 0.
    AttemptsSaturate,
    /// What was deleted is gone from the metadata at once, not only at its next change.
    DeletionsLeaveMetadata,
    /// A connection that has not sent its magic does not keep the daemon from ending.
    SilentPeersDoNotHoldShutdown,
    /// A lost nsqlookupd is tried again soon, not at the next change or PING.
    LookupdIsTriedAgain,
    /// No nsqlookupd makes another one or a publisher wait.
    LookupdHoldsNobodyUp,
    /// What nsqlookupd answers cannot end the daemon, and is checked.
    LookupdIsNotTrusted,
    /// A topic that was deleted and created again is registered as a new one, in this order.
    RecreatedTopicsAreNew,
    /// An ephemeral topic is not given the durable channels that nsqlookupd knows.
    EphemeralTopicsGetNoChannels,
    /// Counters in statsd never fall, also when a topic was created again.
    StatsdCountersNeverFall,
    /// `/metrics` is there, for Prometheus.
    MetricsAreServed,
    /// What a browser sends for a page of another site changes nothing.
    OtherSitesAreRefused,
    /// Connections never take the last descriptors, which files need, and waiting for some costs next to nothing.
    DescriptorsAreReserved,
    /// What a client says of itself is escaped in the log and in the text of `/stats`.
    TextsForgeNothing,
    /// Options with which the daemon would crash or hang later are refused at the start.
    HopelessOptionsAreRefused,
    /// A value of the wrong kind in the configuration file is refused or has its obvious meaning.
    FileValuesMeanWhatTheySay,
}

/// Whether the running test must be left out because the original is under test; says so if it must.
pub fn left_out(deviation: Deviation) -> bool {
    if !program::is_reference() {
        return false;
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Written past the capture of the test harness: a test that was left out must be seen.
    let _ = writeln!(
        std::io::stderr(),
        "LEFT OUT on the original: {test}: {deviation:?}: {}",
        deviation.description()
    );
    true
}

/// Ends the test here when the original is under test, which lacks the named [`Deviation`](crate::deviation::Deviation).
#[macro_export]
macro_rules! deviates {
    ($name:ident) => {
        if $crate::deviation::left_out($crate::deviation::Deviation::$name) {
            return;
        }
    };
}
