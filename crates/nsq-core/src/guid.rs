//! Node-unique, time-ordered message ids.

use std::fmt;

use nsq_protocol::message::MessageId;

/// One tick of the id clock is 2^20 ns, about 1.05 ms.
const TICK_SHIFT: u32 = 20;
/// The tick at which upstream's ids start counting. Upstream: nsqd/guid.go, `twepoch`.
const EPOCH_TICK: i64 = 1_288_834_974_288;
const SEQUENCE_BITS: u32 = 12;
const SEQUENCE_MAX: u16 = (1 << SEQUENCE_BITS) - 1;
/// 41 bits of ticks last until 2085.
const TICK_END: u64 = 1 << 41;
const NODE_BITS: u32 = 10;
/// Node ids are below this. Upstream: `--node-id` in `[0,1024)`.
pub const NODE_ID_END: u16 = 1 << NODE_BITS;

/// A message id as the number behind its 16 hexadecimal digits.
///
/// | bits | content |
/// |---|---|
/// | 22..63 | ticks of 2^20 ns since the id epoch |
/// | 12..22 | node id |
/// | 0..12 | sequence within the tick |
///
/// Upstream: nsqd/guid.go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(u64);

impl Guid {
    /// The id with this numeric value.
    pub const fn from_u64(value: u64) -> Self {
        Self(value)
    }

    /// The numeric value.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The id that a client names by these 16 bytes; `None` unless they are lower-case hexadecimal,
    /// in which case no message of ours has that id.
    pub fn from_message_id(id: &MessageId) -> Option<Self> {
        id.to_u64().map(Self)
    }

    /// The id as it stands in frames and in the disk queue.
    pub fn message_id(self) -> MessageId {
        MessageId::from_u64(self.0)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Hands out the ids of one topic: unique and increasing, whatever the clock does.
///
/// # Differs from upstream
/// Upstream makes the publisher wait when 4,096 ids were used within one tick, and for as long as the
/// clock stands before the last tick. Here the sequence borrows the next tick instead, so the ids keep
/// their layout and order and nobody waits; the ids run ahead of the clock and are caught up by it.
#[derive(Debug)]
pub struct GuidFactory {
    node_id: u16,
    tick: u64,
    sequence: u16,
}

impl GuidFactory {
    /// A factory for the given node; the node id is taken modulo [`NODE_ID_END`].
    pub fn new(node_id: u16) -> Self {
        Self {
            node_id: node_id % NODE_ID_END,
            tick: 0,
            sequence: SEQUENCE_MAX,
        }
    }

    /// Begins behind the ids of wall time `wall_ns`, which another factory may have handed out.
    pub fn behind(mut self, wall_ns: i64) -> Self {
        // A time that ids cannot hold is nobody's: a file whose date is nonsense, for instance.
        self.tick = tick(wall_ns).filter(|tick| *tick < TICK_END).unwrap_or(0);
        self
    }

    /// The next id at wall time `wall_ns` (nanoseconds since the Unix epoch).
    #[inline]
    pub fn next(&mut self, wall_ns: i64) -> Guid {
        let now = tick(wall_ns).unwrap_or(0);
        if now > self.tick {
            self.tick = now;
            self.sequence = 0;
        } else if self.sequence < SEQUENCE_MAX {
            self.sequence += 1;
        } else {
            self.tick += 1;
            self.sequence = 0;
        }
        // The sign bit stays clear, as readers take a signed number.
        let ticks = (self.tick << (NODE_BITS + SEQUENCE_BITS)) & (u64::MAX >> 1);
        Guid(ticks | u64::from(self.node_id) << SEQUENCE_BITS | u64::from(self.sequence))
    }
}

/// The tick of a wall time; `None` before the id epoch.
fn tick(wall_ns: i64) -> Option<u64> {
    u64::try_from((wall_ns >> TICK_SHIFT) - EPOCH_TICK).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-01-01 00:00 UTC.
    const WALL_NS: i64 = 1_735_689_600_000_000_000;

    #[test]
    fn the_layout_is_ticks_node_and_sequence() {
        let mut factory = GuidFactory::new(7);
        let id = factory.next(WALL_NS).as_u64();
        assert_eq!(id & 0xfff, 0);
        assert_eq!(id >> 12 & 0x3ff, 7);
        assert_eq!(
            i64::try_from(id >> 22).unwrap(),
            (WALL_NS >> 20) - 1_288_834_974_288
        );
        assert_eq!(factory.next(WALL_NS).as_u64(), id + 1);
    }

    #[test]
    fn more_ids_than_a_tick_holds_borrow_the_next_tick() {
        let mut factory = GuidFactory::new(1023);
        let mut last = factory.next(WALL_NS);
        for _ in 0..3 * 4096 {
            let next = factory.next(WALL_NS);
            assert!(next > last);
            assert_eq!(next.as_u64() >> 12 & 0x3ff, 1023);
            last = next;
        }
    }

    #[test]
    fn a_clock_that_steps_back_neither_stalls_nor_repeats() {
        let mut factory = GuidFactory::new(0);
        let before = factory.next(WALL_NS);
        let after = factory.next(WALL_NS - 3_600_000_000_000);
        assert!(after > before);
        assert!(factory.next(i64::MIN) > after);
    }

    #[test]
    fn a_factory_behind_another_repeats_none_of_its_ids_though_the_clock_has_stepped_back() {
        let last = GuidFactory::new(0).next(WALL_NS);
        let mut second = GuidFactory::new(0).behind(WALL_NS);
        assert!(second.next(WALL_NS - 3_600_000_000_000) > last);
        let later = WALL_NS + (1 << 30);
        assert_eq!(second.next(later), GuidFactory::new(0).next(later));
    }

    #[test]
    fn a_time_that_no_id_can_hold_counts_for_nothing() {
        for nonsense in [i64::MAX, i64::MIN, 0] {
            let mut factory = GuidFactory::new(0).behind(nonsense);
            assert_eq!(factory.next(WALL_NS), GuidFactory::new(0).next(WALL_NS));
        }
    }

    #[test]
    fn the_textual_form_is_sixteen_hexadecimal_digits() {
        let id = Guid::from_u64(0x18a2_0c92_f3c0_7000);
        assert_eq!(id.message_id().as_bytes(), b"18a20c92f3c07000");
        assert_eq!(Guid::from_message_id(&id.message_id()), Some(id));
    }
}
