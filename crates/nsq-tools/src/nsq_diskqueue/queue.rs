//! One queue, read without leaving a trace.

use std::sync::Arc;

use nsq_app::Exit;
use nsq_diskqueue::{DiskQueue, Event, FsStorage, Level, Position, ReadOnly, Record};
use nsq_protocol::message::{MESSAGE_HEADER_LEN, MessageHeader};

use super::options::Options;
use crate::shell::fail;

/// Bytes read at once.
const BLOCK_LEN: usize = 256 * 1024;

/// Notes kept of one queue; a file of noise has one for each of its holes.
const NOTES_MAX: usize = 1000;

/// A queue of a data directory.
#[derive(Debug)]
pub(super) struct Queue {
    disk: DiskQueue,
    messages: u64,
    is_whole: bool,
    notes: Vec<String>,
}

/// What a queue named `name` in `path` is opened with.
pub(super) fn disk_options(options: &Options, path: &std::path::Path, name: &str) -> nsq_diskqueue::Options {
    #[expect(clippy::cast_possible_truncation, reason = "it is 26")]
    const HEADER_LEN: u32 = MESSAGE_HEADER_LEN as u32;
    nsq_diskqueue::Options {
        record_len_min: HEADER_LEN,
        record_len_max: options.max_msg_size + HEADER_LEN,
        plausible: MessageHeader::is_plausible,
        ..nsq_diskqueue::Options::new(path, name)
    }
}

impl Queue {
    pub(super) fn open(options: &Options, name: &str) -> Result<Self, Exit> {
        let opened = DiskQueue::open(
            Arc::new(ReadOnly(FsStorage)),
            disk_options(options, &options.data_path, name),
        );
        let mut queue = Self {
            disk: opened.map_err(fail)?,
            messages: 0,
            is_whole: true,
            notes: Vec::new(),
        };
        queue.note();
        Ok(queue)
    }

    /// Reads the queue from its first waiting message to its end.
    pub(super) fn each_block(
        &mut self,
        mut take: impl FnMut(&[Record]) -> Result<(), Exit>,
    ) -> Result<(), Exit> {
        loop {
            let records = self.disk.read(BLOCK_LEN).map_err(fail)?;
            self.note();
            if records.is_empty() {
                return self.each_deferred(take);
            }
            take(&records)?;
            self.messages += records.len() as u64;
            // What was kept aside stays there: a storage that is only read cannot forget it.
            self.disk.advance(self.disk.handed_out_in_order()).map_err(fail)?;
        }
    }

    /// Reads those that a crash has left deferred, which are in no data file.
    fn each_deferred(&mut self, mut take: impl FnMut(&[Record]) -> Result<(), Exit>) -> Result<(), Exit> {
        let (tickets, times): (Vec<_>, Vec<_>) = self.disk.take_left_deferred().into_iter().unzip();
        let mut done = 0;
        while let Some(rest) = tickets.get(done..).filter(|rest| !rest.is_empty()) {
            let read = self.disk.read_deferred(rest).map_err(fail)?;
            let count = read.len();
            let due = times.iter().skip(done);
            let records: Vec<_> = rest
                .iter()
                .zip(due)
                .zip(read)
                .filter_map(|((ticket, due_ns), data)| {
                    Some(Record {
                        ticket: *ticket,
                        data: data?,
                        end: Position::default(),
                        due_ns: Some(*due_ns),
                    })
                })
                .collect();
            take(&records)?;
            self.messages += records.len() as u64;
            done += count;
        }
        Ok(())
    }

    /// Notes what happened since the last call.
    fn note(&mut self) {
        for event in self.disk.take_events() {
            // A crash leaves these two, and no harm is done.
            let harmless = matches!(event, Event::MetadataBehind { .. } | Event::Recounted { .. });
            if event.level() == Level::Info {
                continue;
            }
            self.is_whole &= harmless;
            if self.notes.len() < NOTES_MAX {
                // Nothing is saved anywhere: this only looks.
                let text = event.to_string();
                let text = text.split(", saving it as").next().unwrap_or(&text);
                self.notes.push(text.to_owned());
            }
        }
    }

    pub(super) fn name(&self) -> &str {
        self.disk.name()
    }

    /// What waits, before any of it is read.
    pub(super) fn depth(&self) -> u64 {
        self.disk.depth()
    }

    /// What was read.
    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// Whether no damage was found so far.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }
}
