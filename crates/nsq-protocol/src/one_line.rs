//! Text from a peer, made fit for a log.

use std::fmt::{self, Write};

/// Prints text with its control characters escaped, so that a peer can neither begin a log line of its own nor
/// steer the terminal of whoever reads it.
pub(crate) struct OneLine<'t>(pub(crate) &'t str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}
