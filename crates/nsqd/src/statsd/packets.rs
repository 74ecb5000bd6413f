//! Lines packed into datagrams.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use cadence::MetricSink;
use parking_lot::Mutex;

/// Datagrams of whole lines, each as full as it can be.
#[derive(Debug)]
pub(super) struct Packets {
    /// A line that is longer has a packet of its own.
    size_max: usize,
    bytes: Vec<u8>,
    /// Where in `bytes` each packet ends, except the one that is being filled.
    ends: Vec<usize>,
}

impl Packets {
    pub(super) fn new(size_max: usize) -> Self {
        Self {
            size_max,
            bytes: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Appends a line, and its end.
    pub(super) fn push(&mut self, line: &str) {
        let filled = self.bytes.len() - self.last_end();
        if filled > 0 && filled + line.len() + 1 > self.size_max {
            self.ends.push(self.bytes.len());
        }
        self.bytes.extend_from_slice(line.as_bytes());
        self.bytes.push(b'\n');
    }

    /// How many packets there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len() + usize::from(self.bytes.len() > self.last_end())
    }

    /// The packets, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ends = self.ends.iter().copied().chain([self.bytes.len()]);
        let packets = starts
            .zip(ends)
            .filter_map(|(start, end)| self.bytes.get(start..end));
        packets.filter(|packet| !packet.is_empty())
    }

    fn last_end(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }
}

/// Where a recorder leaves its lines: in packets that are sent when all of them are there.
///
/// The sinks of cadence send by themselves, as soon as a packet is full and never the last one; or they have a
/// thread for it. This one does no I/O, so that a push can be spread over its interval.
///
/// The assertion holds: packets whose lock was held during a panic are never looked at again.
#[derive(Clone, Debug)]
pub(super) struct Sink(Arc<AssertUnwindSafe<Mutex<Packets>>>);

impl Sink {
    /// One without lines, of packets of up to `size_max` bytes.
    pub(super) fn new(size_max: usize) -> Self {
        Self(Arc::new(AssertUnwindSafe(Mutex::new(Packets::new(size_max)))))
    }

    /// Takes what has come so far.
    pub(super) fn take(&self) -> Packets {
        let mut packets = self.0.lock();
        let size_max = packets.size_max;
        std::mem::replace(&mut *packets, Packets::new(size_max))
    }
}

impl MetricSink for Sink {
    fn emit(&self, metric: &str) -> io::Result<usize> {
        self.0.lock().push(metric);
        Ok(metric.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pack(size_max: usize, lines: &[&str]) -> Vec<String> {
        let sink = Sink::new(size_max);
        for line in lines {
            assert_eq!(sink.emit(line).unwrap(), line.len());
        }
        let packets = sink.take();
        let packed: Vec<_> = packets
            .iter()
            .map(|packet| String::from_utf8(packet.to_vec()).unwrap())
            .collect();
        assert_eq!(packed.len(), packets.len());
        assert_eq!(sink.take().len(), 0);
        packed
    }

    #[test]
    fn a_packet_holds_as_many_lines_as_fit() {
        assert_eq!(pack(8, &["ab", "cd", "ef"]), ["ab\ncd\n", "ef\n"]);
        assert_eq!(pack(9, &["ab", "cd", "ef"]), ["ab\ncd\nef\n"]);
    }

    #[test]
    fn a_line_that_fits_nowhere_goes_alone() {
        assert_eq!(
            pack(4, &["a", "long line", "b", "c"]),
            ["a\n", "long line\n", "b\nc\n"]
        );
        assert_eq!(pack(0, &["a", "b"]), ["a\n", "b\n"]);
    }

    #[test]
    fn without_lines_there_is_no_packet() {
        assert_eq!(pack(508, &[]), [""; 0]);
    }

    proptest! {
        #[test]
        fn no_line_is_lost_or_cut(lines in proptest::collection::vec("[a-z]{0,30}", 0..50), size_max in 0..80_usize) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let packets = pack(size_max, &lines);
            let all: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
            prop_assert_eq!(packets.concat(), all);
            for packet in &packets {
                prop_assert!(packet.ends_with('\n'));
                prop_assert!(packet.len() <= size_max || packet.lines().count() == 1);
            }
        }
    }
}
