//! What the fuzz targets share: streams that come in pieces, and text that goes to a log.
//!
//! Each target asserts more than the absence of a panic wherever there is something to compare with: an inverse, a
//! naive model, or the same bytes in other pieces.

/// Splits off the first byte of an input, by which a target chooses what to do with the rest.
///
/// `None` for an input without bytes, of which there is nothing to test.
pub fn choice(input: &[u8]) -> Option<(usize, &[u8])> {
    input
        .split_first()
        .map(|(first, rest)| (usize::from(*first), rest))
}

/// Feeds `stream` to `step` as it grows by pieces of `piece` bytes, at least one.
///
/// `step` gets what has come and is not consumed yet, and says how many bytes it has consumed: none if it needs more,
/// `None` if the stream is not to be followed any further.
pub fn in_pieces(stream: &[u8], piece: usize, mut step: impl FnMut(&[u8]) -> Option<usize>) {
    let (mut start, mut end) = (0, 0);
    loop {
        while let consumed @ 1.. = match step(&stream[start..end]) {
            Some(consumed) => consumed,
            None => return,
        } {
            start += consumed;
            assert!(start <= end, "consumes more than there is");
        }
        if end == stream.len() {
            return;
        }
        end = stream.len().min(end + piece.max(1));
    }
}

/// Asserts that a text a peer had a part in stays on one line of a log.
///
/// # Panics
/// If it does not.
pub fn assert_one_line(text: impl std::fmt::Display) {
    let text = text.to_string();
    assert!(!text.contains(char::is_control), "forges a line: {text:?}");
}
