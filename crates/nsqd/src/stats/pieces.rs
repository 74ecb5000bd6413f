//! A report in the making.

use std::task::Poll;

use bytes::Bytes;

use super::{ChannelStats, TopicStats};

/// A piece is passed on when it has at least this many bytes: enough to make a write worth its
/// system call, and little enough to be made in well under a millisecond.
const PIECE_LEN: usize = 32 * 1024;

/// How a form of the report writes its parts.
pub trait Render {
    /// What comes before the topics.
    fn start(&mut self, out: &mut Vec<u8>);

    /// What comes before the channels of `topic`.
    fn topic(&mut self, out: &mut Vec<u8>, topic: &TopicStats);

    /// One channel of the present topic.
    fn channel(&mut self, out: &mut Vec<u8>, channel: &ChannelStats);

    /// What comes after the channels of `topic`.
    fn topic_end(&mut self, out: &mut Vec<u8>, topic: &TopicStats);

    /// What comes after the topics.
    fn end(&mut self, out: &mut Vec<u8>);
}

/// Makes a report piece by piece. Topics are taken from `topics` one at a time, each when the
/// pieces before it have been passed on. While one of them is pending, the pieces are empty.
#[derive(Debug)]
pub struct Pieces<R, I> {
    form: R,
    topics: I,
    progress: Progress,
    out: Vec<u8>,
}

#[derive(Debug)]
enum Progress {
    Start,
    /// Between two topics.
    Topics,
    Channels {
        topic: TopicStats,
        rest: std::vec::IntoIter<ChannelStats>,
    },
    Done,
}

impl<R: Render, I: Iterator<Item = Poll<TopicStats>>> Pieces<R, I> {
    /// A report of which nothing has been made yet.
    pub fn new(form: R, topics: I) -> Self {
        Self {
            form,
            topics,
            progress: Progress::Start,
            out: Vec::new(),
        }
    }

    /// Whether all pieces have been passed on.
    pub fn is_done(&self) -> bool {
        matches!(self.progress, Progress::Done) && self.out.is_empty()
    }

    /// Pending while a topic is.
    fn step(&mut self) -> Poll<()> {
        let out = &mut self.out;
        match &mut self.progress {
            Progress::Start => {
                self.form.start(out);
                self.progress = Progress::Topics;
            }
            Progress::Topics => match self.topics.next() {
                Some(Poll::Ready(mut topic)) => {
                    let rest = std::mem::take(&mut topic.channels).into_iter();
                    self.form.topic(out, &topic);
                    self.progress = Progress::Channels { topic, rest };
                }
                Some(Poll::Pending) => return Poll::Pending,
                None => {
                    self.form.end(out);
                    self.progress = Progress::Done;
                }
            },
            Progress::Channels { topic, rest } => {
                if let Some(channel) = rest.next() {
                    self.form.channel(out, &channel);
                } else {
                    self.form.topic_end(out, topic);
                    self.progress = Progress::Topics;
                }
            }
            Progress::Done => {}
        }
        Poll::Ready(())
    }
}

impl<R: Render, I: Iterator<Item = Poll<TopicStats>>> Iterator for Pieces<R, I> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.is_done() {
            return None;
        }
        while self.out.len() < PIECE_LEN && !matches!(self.progress, Progress::Done) {
            if self.step().is_pending() {
                return Some(Bytes::new());
            }
        }
        Some(std::mem::take(&mut self.out).into())
    }
}
