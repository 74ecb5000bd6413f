//! Long work in short parts.

/// Channels that are looked at before other tasks get their turn: there may be ten thousand in a topic, and publishers
/// use the same threads. They take about a tenth of a millisecond.
pub(super) const CHANNELS_AT_ONCE: usize = 128;

/// Lets other tasks have their turn during work on many topics and channels.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    looked_at: usize,
}

impl Turns {
    /// To be awaited after each topic and each channel.
    pub(crate) async fn next(&mut self) {
        self.looked_at += 1;
        if self.looked_at >= CHANNELS_AT_ONCE {
            self.looked_at = 0;
            tokio::task::yield_now().await;
        }
    }
}
