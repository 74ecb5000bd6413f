//! Telling records from damage.
//!
//! The format has no checksums. What there is to go by is the chain of lengths, which must end exactly at the end
//! of the file, and the form of a record's first bytes ([`Options::plausible`](crate::Options::plausible)).

use crate::Fault;
use crate::batch::FRAME_HEADER_LEN;
use crate::storage::{StorageFile, read_fully};
use std::io;

/// Implausible records that must follow each other without a gap before their lengths are believed. Random bytes
/// pass with a probability of about 2⁻³⁶ (lengths up to 1 MiB).
const CONFIRMING_FRAMES: usize = 3;

/// Bytes read at once beyond the caller's block when it has to look a little further.
const LOOKAHEAD_LEN: usize = 4 * 1024;

/// Bytes read at once while counting or searching.
const SEARCH_LEN: usize = 256 * 1024;

/// Steps along chains within one suspicious record. A hostile body could hold chains without end; beyond the
/// bound the record's own length is believed.
const OVERLAP_STEPS_MAX: usize = 100_000;

/// What a queue knows about its records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) len_min: u32,
    pub(crate) len_max: u32,
    pub(crate) plausible: fn(&[u8]) -> bool,
}

/// What stands at a position where a record is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: the end of the file.
    End,
    /// A record whose frame ends at `end`.
    Record { end: u64 },
    /// No record up to `end`, which is the next record or the end of the file.
    Damage { end: u64, fault: Fault },
}

/// A length field and whether it can be one.
#[derive(Debug, Clone, Copy)]
enum Frame {
    End,
    Whole { end: u64, plausible: bool },
    Broken(Fault),
}

/// A view of one data file up to its end.
pub(crate) struct Scanner<'a> {
    file: &'a dyn StorageFile,
    limit: u64,
    rules: Rules,
    /// What the caller has read already.
    block: Window<'a>,
    /// What had to be read beyond it.
    side: Vec<u8>,
    side_start: u64,
    side_len: usize,
    /// The last frame looked at: the successor that confirms one record is the next record.
    seen: Option<(u64, Frame)>,
}

/// Bytes of a file and where they stand.
#[derive(Clone, Copy)]
struct Window<'a> {
    bytes: &'a [u8],
    start: u64,
}

impl<'a> Window<'a> {
    fn from(self, position: u64) -> &'a [u8] {
        position
            .checked_sub(self.start)
            .and_then(|skip| usize::try_from(skip).ok())
            .and_then(|skip| self.bytes.get(skip..))
            .unwrap_or_default()
    }
}

impl<'a> Scanner<'a> {
    /// Views `file`, whose records end at `limit`, with `block` already read from `block_start`.
    pub(crate) fn new(
        file: &'a dyn StorageFile,
        limit: u64,
        rules: Rules,
        block: &'a [u8],
        block_start: u64,
    ) -> Self {
        let block = Window {
            bytes: block,
            start: block_start,
        };
        Self {
            file,
            limit,
            rules,
            block,
            side: Vec::new(),
            side_start: 0,
            side_len: LOOKAHEAD_LEN,
            seen: None,
        }
    }

    /// Counts the records from `position`, where a record is expected, to the end of the file.
    pub(crate) fn count(
        file: &'a dyn StorageFile,
        position: u64,
        limit: u64,
        rules: Rules,
    ) -> io::Result<u64> {
        Ok(Self::survey(file, position, limit, rules)?.0)
    }

    /// Whether there is nothing but records from `position`, where one is expected, to the end of the file.
    pub(crate) fn is_intact(
        file: &'a dyn StorageFile,
        position: u64,
        limit: u64,
        rules: Rules,
    ) -> io::Result<bool> {
        Ok(Self::survey(file, position, limit, rules)?.1)
    }

    fn survey(file: &'a dyn StorageFile, position: u64, limit: u64, rules: Rules) -> io::Result<(u64, bool)> {
        let mut scanner = Self::new(file, limit, rules, &[], position);
        scanner.side_len = SEARCH_LEN;
        let mut position = position;
        let (mut count, mut intact) = (0, true);
        loop {
            match scanner.judge(position)? {
                Verdict::End => return Ok((count, intact)),
                Verdict::Record { end } => {
                    count += 1;
                    position = end;
                }
                Verdict::Damage { end, .. } => {
                    intact = false;
                    position = end;
                }
            }
        }
    }

    /// Says what stands at `position`, where a record is expected.
    pub(crate) fn judge(&mut self, position: u64) -> io::Result<Verdict> {
        let (end, plausible) = match self.frame(position)? {
            Frame::End => return Ok(Verdict::End),
            Frame::Broken(fault) => return self.damage(position, fault),
            Frame::Whole { end, plausible } => (end, plausible),
        };
        match self.continues(end) {
            Ok(true) => return Ok(Verdict::Record { end }),
            Ok(false) => {}
            // What follows cannot be read now, which says nothing about this record.
            Err(_) if plausible => return Ok(Verdict::Record { end }),
            Err(error) => return Err(error),
        }
        if let Some(end) = self.contradicting_chain(position, end)? {
            return Ok(Verdict::Damage {
                end,
                fault: Fault::Implausible,
            });
        }
        if plausible {
            return Ok(Verdict::Record { end });
        }
        self.damage(position, Fault::Implausible)
    }

    fn damage(&mut self, position: u64, fault: Fault) -> io::Result<Verdict> {
        let end = self
            .find_plausible(position + 1, self.limit)?
            .unwrap_or(self.limit);
        Ok(Verdict::Damage { end, fault })
    }

    fn frame(&mut self, position: u64) -> io::Result<Frame> {
        if let Some((seen, frame)) = self.seen
            && seen == position
        {
            return Ok(frame);
        }
        let frame = self.read_frame(position)?;
        self.seen = Some((position, frame));
        Ok(frame)
    }

    fn read_frame(&mut self, position: u64) -> io::Result<Frame> {
        let Some(left) = self.limit.checked_sub(position).filter(|left| *left > 0) else {
            return Ok(Frame::End);
        };
        let Rules {
            len_min,
            len_max,
            plausible,
        } = self.rules;
        let wanted = FRAME_HEADER_LEN + len_min as usize;
        let wanted = usize::try_from(left).map_or(wanted, |left| left.min(wanted));
        let Some((header, rest)) = self
            .bytes(position, wanted)?
            .split_first_chunk::<FRAME_HEADER_LEN>()
        else {
            return Ok(Frame::Broken(Fault::Truncated));
        };
        let signed = i32::from_be_bytes(*header);
        let Some(len) = u32::try_from(signed).ok().filter(|len| *len >= len_min) else {
            return Ok(Frame::Broken(Fault::RecordLen(signed)));
        };
        if u64::from(len) > left - FRAME_HEADER_LEN as u64 {
            let fault = if len > len_max {
                Fault::RecordLen(signed)
            } else {
                Fault::Truncated
            };
            return Ok(Frame::Broken(fault));
        }
        let Some(head) = rest.get(..len_min as usize) else {
            return Ok(Frame::Broken(Fault::Truncated));
        };
        let plausible = plausible(head);
        if !plausible && len > len_max {
            return Ok(Frame::Broken(Fault::RecordLen(signed)));
        }
        Ok(Frame::Whole {
            end: position + FRAME_HEADER_LEN as u64 + u64::from(len),
            plausible,
        })
    }

    /// Whether what stands at `position` confirms that a record ends there.
    fn continues(&mut self, mut position: u64) -> io::Result<bool> {
        for _ in 0..CONFIRMING_FRAMES {
            match self.frame(position)? {
                Frame::End | Frame::Whole { plausible: true, .. } => return Ok(true),
                Frame::Whole {
                    end,
                    plausible: false,
                } => position = end,
                Frame::Broken(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Looks within the frame from `start` to `end`, which nothing confirms, for the start of a chain of records
    /// that runs across `end`: then it is the length of the frame that is wrong, not what follows it.
    fn contradicting_chain(&mut self, start: u64, end: u64) -> io::Result<Option<u64>> {
        let mut steps = 0;
        let mut from = start + 1;
        while let Some(candidate) = self.find_plausible(from, end)? {
            let mut position = candidate;
            while position < end {
                steps += 1;
                match self.frame(position)? {
                    Frame::Whole { end, .. } if steps <= OVERLAP_STEPS_MAX => position = end,
                    _ => break,
                }
            }
            if position > end && self.continues(position)? {
                return Ok(Some(candidate));
            }
            if steps > OVERLAP_STEPS_MAX {
                break;
            }
            from = candidate + 1;
        }
        Ok(None)
    }

    /// The first position from `from` up to `to` where a plausible record starts.
    fn find_plausible(&mut self, mut from: u64, to: u64) -> io::Result<Option<u64>> {
        let Rules {
            len_min,
            len_max,
            plausible,
        } = self.rules;
        let head_len = FRAME_HEADER_LEN + len_min as usize;
        let side_len = std::mem::replace(&mut self.side_len, SEARCH_LEN);
        let limit = self.limit;
        let mut found = None;
        while from < to && limit.saturating_sub(from) >= head_len as u64 {
            let window = self.bytes(from, head_len)?;
            let fits = |at: u64, len: u32| limit.saturating_sub(at).saturating_sub(4) >= u64::from(len);
            let hit = (from..to).zip(window.windows(head_len)).find_map(|(at, head)| {
                let (header, rest) = head.split_first_chunk::<FRAME_HEADER_LEN>()?;
                let len = u32::from_be_bytes(*header);
                (len >= len_min && fits(at, len) && plausible(rest)).then_some((at, len))
            });
            let Some((at, len)) = hit else {
                if window.len() < head_len {
                    break;
                }
                from += (window.len() - head_len + 1) as u64;
                continue;
            };
            let end = at + FRAME_HEADER_LEN as u64 + u64::from(len);
            if len <= len_max || self.continues(end)? {
                found = Some(at);
                break;
            }
            from = at + 1;
        }
        self.side_len = side_len;
        Ok(found)
    }

    /// At least `len` bytes from `position` on, and as many more as are at hand; fewer at the end of the file.
    fn bytes(&mut self, position: u64, len: usize) -> io::Result<&[u8]> {
        if self.block.from(position).len() >= len {
            return Ok(self.block.from(position));
        }
        let cached = Window {
            bytes: &self.side,
            start: self.side_start,
        }
        .from(position)
        .len();
        if cached < len {
            let left = usize::try_from(self.limit.saturating_sub(position)).unwrap_or(usize::MAX);
            self.side.clear();
            self.side_start = position;
            let read = read_fully(
                self.file,
                &mut self.side,
                self.side_len.max(len).min(left),
                position,
            );
            if read.is_err() {
                // A bad sector further on must not hide what is asked for.
                self.side.clear();
                read_fully(self.file, &mut self.side, len.min(left), position)?;
            }
        }
        Ok(Window {
            bytes: &self.side,
            start: self.side_start,
        }
        .from(position))
    }
}
