//! Bodies on their way from a receive buffer into a topic.

use std::ops::Range;

use bytes::Bytes;

/// Bodies are copied into blocks of up to this size. A message that stays behind when the others of its
/// block have gone keeps that much alive at most.
const BLOCK_LEN: usize = 64 * 1024;

/// A body at least this large, or at least a sixteenth of the buffer it lies in, is not copied if that
/// buffer can be shared.
const SHARED_BODY_MIN: usize = 64 * 1024;
const SHARED_SHARE: usize = 16;

/// Room in a block that stays unused is given back if it is more than this share of what is used.
const WASTE_SHARE: usize = 8;

/// Gathers the bodies of one publish: small ones together in blocks of just the size they need, so that
/// a queued message costs little beyond its body, and large ones as slices of what was received.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    bodies: Vec<Bytes>,
    block: Vec<u8>,
    ranges: Vec<Range<usize>>,
    bytes: usize,
}

impl Intake {
    pub(crate) fn len(&self) -> usize {
        self.bodies.len() + self.ranges.len()
    }

    /// Bytes of all bodies.
    pub(crate) fn body_bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a body. `to_come` says how many bytes of bodies, this one included, are expected at most;
    /// `received` is the buffer that holds the body, if it can be shared.
    pub(crate) fn push(&mut self, body: &[u8], to_come: usize, received: Option<&Bytes>) {
        self.bytes += body.len();
        if let Some(received) = received
            && (body.len() >= SHARED_BODY_MIN || body.len() * SHARED_SHARE >= received.len())
        {
            self.seal();
            self.bodies.push(received.slice_ref(body));
            return;
        }
        if self.block.capacity() - self.block.len() < body.len() {
            self.seal();
            self.block.reserve_exact(to_come.min(BLOCK_LEN).max(body.len()));
        }
        let start = self.block.len();
        self.block.extend_from_slice(body);
        self.ranges.push(start..self.block.len());
    }

    /// All bodies, in the order they were added; the intake is empty then.
    pub(crate) fn drain(&mut self) -> std::vec::Drain<'_, Bytes> {
        self.seal();
        self.bytes = 0;
        self.bodies.drain(..)
    }

    fn seal(&mut self) {
        if self.ranges.is_empty() {
            return;
        }
        let mut block = std::mem::take(&mut self.block);
        // What was expected to come went elsewhere, as when commands alternate between topics. Giving the
        // rest back is cheap, keeping it could cost many times the bodies.
        if block.capacity() - block.len() > block.len() / WASTE_SHARE {
            block.shrink_to_fit();
        }
        let block = Bytes::from(block);
        if let [_] = self.ranges[..] {
            self.bodies.push(block);
        } else {
            self.bodies
                .extend(self.ranges.iter().map(|range| block.slice(range.clone())));
        }
        self.ranges.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_leave_in_the_order_they_came() {
        let received = Bytes::from(vec![b'x'; 100_000]);
        let mut intake = Intake::default();
        intake.push(b"one", 100, None);
        intake.push(&received[..70_000], 70_000, Some(&received));
        intake.push(b"two", 6, None);
        intake.push(b"three", 100, None);
        assert_eq!(intake.len(), 4);
        let bodies: Vec<_> = intake.drain().collect();
        assert_eq!(bodies[0], "one");
        assert_eq!(bodies[1].as_ptr(), received.as_ptr());
        assert_eq!(bodies[1].len(), 70_000);
        assert_eq!(&bodies[2..], ["two", "three"]);
        assert_eq!(intake.len(), 0);
    }

    #[test]
    fn a_small_body_does_not_keep_a_large_buffer() {
        let received = Bytes::from(vec![b'x'; 5 << 20]);
        let mut intake = Intake::default();
        intake.push(&received[..200], 5 << 20, Some(&received));
        drop(intake.drain());
        assert!(received.is_unique());
    }
}
