//! Some points in a row, in few bytes.
//!
//! | bytes | meaning |
//! |---|---|
//! | varint `n << 2` | the point before, `n` times more |
//! | `1`, then a zigzag varint per metric | a point: its differences to the one before |
//! | varint `n << 2 \| 2` | `n` times nothing |

/// Points of the same entity. The first slot is that of the first point.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    pub(super) start: i64,
    /// Slots that it covers.
    pub(super) slots: i64,
    bytes: Vec<u8>,
    /// Points like the last one that are not in `bytes` yet.
    repeats: u64,
}

impl Chunk {
    pub(super) fn new(start: i64) -> Self {
        Self {
            start,
            ..Self::default()
        }
    }

    /// The slot behind the last one.
    pub(super) fn end(&self) -> i64 {
        self.start + self.slots
    }

    /// Appends a point. `previous` is the last point of this chunk, zeros before the first; it becomes `point`.
    pub(super) fn push(&mut self, slot: i64, point: &[i64], previous: &mut [i64]) {
        let missed = slot - self.end();
        if missed > 0 {
            self.flush();
            put(&mut self.bytes, (missed.unsigned_abs() << 2) | 2);
            self.slots += missed;
        }
        self.slots += 1;
        if self.slots > 1 && point == previous {
            self.repeats += 1;
            return;
        }
        self.flush();
        self.bytes.push(1);
        for (previous, value) in previous.iter_mut().zip(point) {
            put(&mut self.bytes, zigzag(value.wrapping_sub(*previous)));
            *previous = *value;
        }
    }

    /// Appends nothing more.
    pub(super) fn close(&mut self) {
        self.flush();
        self.bytes.shrink_to_fit();
    }

    fn flush(&mut self) {
        if self.repeats > 0 {
            put(&mut self.bytes, self.repeats << 2);
            self.repeats = 0;
        }
    }

    /// What it takes in memory.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity()
    }

    /// Shows every point with its slot; those of slots without one are left out.
    pub(super) fn read(&self, width: usize, mut show: impl FnMut(i64, &[i64])) {
        let mut slot = self.start;
        let mut point = vec![0; width];
        let mut bytes = self.bytes.as_slice();
        while let Some(op) = take(&mut bytes) {
            match op & 3 {
                0 => {
                    for _ in 0..op >> 2 {
                        show(slot, &point);
                        slot += 1;
                    }
                }
                2 => slot += i64::try_from(op >> 2).unwrap_or(0),
                _ => {
                    for value in &mut point {
                        *value = value.wrapping_add(unzigzag(take(&mut bytes).unwrap_or(0)));
                    }
                    show(slot, &point);
                    slot += 1;
                }
            }
        }
        for _ in 0..self.repeats {
            show(slot, &point);
            slot += 1;
        }
    }
}

fn zigzag(value: i64) -> u64 {
    (value.wrapping_shl(1) ^ (value >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Seven bits per byte, the low ones first.
fn put(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(points: &[(i64, Vec<i64>)], width: usize) -> Chunk {
        let mut chunk = Chunk::new(points.first().map_or(0, |(slot, _)| *slot));
        let mut previous = vec![0; width];
        for (slot, point) in points {
            chunk.push(*slot, point, &mut previous);
        }
        chunk
    }

    fn read(chunk: &Chunk, width: usize) -> Vec<(i64, Vec<i64>)> {
        let mut points = Vec::new();
        chunk.read(width, |slot, point| points.push((slot, point.to_vec())));
        points
    }

    #[test]
    fn what_does_not_change_costs_nothing() {
        let points: Vec<_> = (100..160).map(|slot| (slot, vec![7, 0, -3])).collect();
        let mut chunk = written(&points, 3);
        chunk.close();
        assert!(chunk.bytes.len() <= 6, "{:?}", chunk.bytes);
        assert_eq!(read(&chunk, 3), points);
    }

    proptest! {
        #[test]
        fn points_are_read_as_they_were_written(
            steps in prop::collection::vec((1_i64..4, prop::collection::vec(prop_oneof![Just(5_i64), any::<i64>()], 2)), 1..80),
            close: bool,
        ) {
            let mut slot = 10;
            let points: Vec<_> = steps
                .into_iter()
                .map(|(step, point)| {
                    slot += step;
                    (slot, point)
                })
                .collect();
            let mut chunk = written(&points, 2);
            if close {
                chunk.close();
            }
            prop_assert_eq!(chunk.end(), slot + 1);
            prop_assert_eq!(read(&chunk, 2), points);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(0_u8..0x80, 0..12)) {
            // Larger bytes make longer runs, which are legal and take long.
            let chunk = Chunk { bytes, ..Chunk::default() };
            chunk.read(2, |_, _| {});
        }
    }
}
