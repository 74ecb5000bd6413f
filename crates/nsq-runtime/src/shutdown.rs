//! A signal that is given once and seen by everyone who holds it.

use tokio_util::sync::CancellationToken;

/// Tells tasks to stop. Cloning gives another handle to the same signal.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A signal not yet given.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal; giving it again changes nothing.
    pub fn trigger(&self) {
        self.0.cancel();
    }

    /// Whether the signal has been given.
    pub fn is_triggered(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits for the signal.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the signal stays given.
    pub async fn triggered(&self) {
        self.0.cancelled().await;
    }

    /// A signal that is given with this one, or earlier on its own.
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}
