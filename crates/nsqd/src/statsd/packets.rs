//! Lines packed into datagrams.

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

    /// Appends a line, with its end.
    pub(super) fn push(&mut self, line: &[u8]) {
        let filled = self.bytes.len() - self.last_end();
        if filled > 0 && filled + line.len() > self.size_max {
            self.ends.push(self.bytes.len());
        }
        self.bytes.extend_from_slice(line);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pack(size_max: usize, lines: &[&str]) -> Vec<String> {
        let mut packets = Packets::new(size_max);
        for line in lines {
            packets.push(line.as_bytes());
        }
        let packed: Vec<_> = packets
            .iter()
            .map(|packet| String::from_utf8(packet.to_vec()).unwrap())
            .collect();
        assert_eq!(packed.len(), packets.len());
        packed
    }

    #[test]
    fn a_packet_holds_as_many_lines_as_fit() {
        assert_eq!(pack(8, &["ab\n", "cd\n", "ef\n"]), ["ab\ncd\n", "ef\n"]);
        assert_eq!(pack(9, &["ab\n", "cd\n", "ef\n"]), ["ab\ncd\nef\n"]);
    }

    #[test]
    fn a_line_that_fits_nowhere_goes_alone() {
        assert_eq!(
            pack(4, &["a\n", "long line\n", "b\n", "c\n"]),
            ["a\n", "long line\n", "b\nc\n"]
        );
        assert_eq!(pack(0, &["a\n", "b\n"]), ["a\n", "b\n"]);
    }

    #[test]
    fn without_lines_there_is_no_packet() {
        assert_eq!(pack(508, &[]), [""; 0]);
    }

    proptest! {
        #[test]
        fn no_line_is_lost_or_cut(lines in proptest::collection::vec("[a-z]{0,30}\n", 0..50), size_max in 0..80_usize) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let packets = pack(size_max, &lines);
            prop_assert_eq!(packets.concat(), lines.concat());
            for packet in &packets {
                prop_assert!(packet.ends_with('\n'));
                prop_assert!(packet.len() <= size_max || packet.lines().count() == 1);
            }
        }
    }
}
