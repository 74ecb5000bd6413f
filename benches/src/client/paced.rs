//! Open-loop publishing: messages leave at their intended times whatever the server does, and latencies count from
//! those times, so that a server that stalls cannot hide it by making the generator wait (coordinated omission).

use std::num::NonZeroU64;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::Addresses;
use crate::clock::{Deadline, SECOND_NS, now_ns};
use crate::error::{Doing, Error, Result};
use crate::histogram::Histogram;
use crate::wire::answers;
use crate::wire::body::Tally;
use crate::wire::chunk::{Chunk, Method};
use crate::wire::command::{self, MAGIC};

/// What to publish and when.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    /// Where to, taken in turn.
    pub(crate) topics: Vec<String>,
    /// Body size.
    pub(crate) body_bytes: usize,
    /// Rate.
    pub(crate) per_second: u64,
    /// Messages in all.
    pub(crate) messages: u64,
}

/// What was published.
#[derive(Debug, Default)]
pub(crate) struct Paced {
    /// The messages, all acknowledged.
    pub(crate) tally: Tally,
    /// From the intended time to the `OK`.
    pub(crate) acknowledged: Histogram,
    /// From the intended time to the write: the generator's own share.
    pub(crate) sent: Histogram,
}

/// Requests written at once when the generator is behind its schedule.
const BURST_MAX: u64 = 256;

/// Publishes with `PUB` over one connection; messages are numbered from `first_sequence` and stamped with their
/// intended times.
pub(crate) fn publish_paced(
    addresses: &Addresses,
    pace: &Pace,
    first_sequence: u64,
    deadline: Deadline,
) -> Result<Paced> {
    use_short_timer_slack()?;
    let mut requests: Vec<Chunk> = pace
        .topics
        .iter()
        .map(|topic| Chunk::render(Method::Pub, std::slice::from_ref(topic), &[pace.body_bytes]))
        .collect();
    let mut wire = Wire::connect(addresses)?;
    let mut paced = Paced::default();
    let start_ns = now_ns() + 10 * crate::clock::MILLISECOND_NS;
    let intended = |number: u64| {
        let offset = u128::from(number) * u128::from(SECOND_NS) / u128::from(pace.per_second.max(1));
        start_ns + u64::try_from(offset).unwrap_or(u64::MAX / 2)
    };
    let (mut written, mut acknowledged) = (0_u64, 0_u64);
    while acknowledged < pace.messages {
        deadline.check(|| format!("publishing at a fixed rate ({acknowledged} acknowledged)"))?;
        let now = now_ns();
        let burst_end = pace.messages.min(written + BURST_MAX);
        while written < burst_end && intended(written) <= now {
            let turn = usize::try_from(written).unwrap_or(0) % requests.len().max(1);
            let Some(request) = requests.get_mut(turn) else {
                break;
            };
            request.stamp(first_sequence + written, intended(written), &mut paced.tally);
            wire.outbox.extend_from_slice(request.bytes());
            paced.sent.record(now - intended(written));
            written += 1;
        }
        wire.flush()?;
        let answers = wire.answers()?;
        let now = now_ns();
        for number in acknowledged..acknowledged + answers {
            paced.acknowledged.record(now.saturating_sub(intended(number)));
        }
        acknowledged += answers;
        let next_ns = if written < pace.messages {
            intended(written)
        } else {
            now + SECOND_NS
        };
        wire.wait(next_ns.saturating_sub(now_ns()))?;
    }
    Ok(paced)
}

/// Lets this thread sleep to the microsecond; the kernel rounds timers up by 50 µs otherwise.
fn use_short_timer_slack() -> Result<()> {
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1_000)).doing(|| "setting the timer slack")
}

/// A socket that is waited for with a timeout in nanoseconds, which the shared poller cannot do.
#[derive(Debug)]
struct Wire {
    stream: std::net::TcpStream,
    outbox: Vec<u8>,
    inbox: Vec<u8>,
    received: usize,
}

impl Wire {
    fn connect(addresses: &Addresses) -> Result<Self> {
        let address = addresses.tcp;
        let stream = std::net::TcpStream::connect(address).doing(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true).doing(|| "setting TCP_NODELAY")?;
        stream
            .set_nonblocking(true)
            .doing(|| "making a socket non-blocking")?;
        Ok(Self {
            stream,
            outbox: MAGIC.to_vec(),
            inbox: vec![0; 64 * 1024],
            received: 0,
        })
    }

    fn flush(&mut self) -> Result<()> {
        use std::io::Write;
        while !self.outbox.is_empty() {
            match self.stream.write(&self.outbox) {
                Ok(count) => drop(self.outbox.drain(..count)),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(source) => {
                    return Err(Error::Io {
                        doing: "publishing".to_owned(),
                        source,
                    });
                }
            }
        }
        Ok(())
    }

    /// Reads and counts complete answers.
    fn answers(&mut self) -> Result<u64> {
        use std::io::Read;
        let room = self.inbox.get_mut(self.received..).unwrap_or_default();
        match self.stream.read(room) {
            Ok(0) => {
                return Err(Error::Server(
                    "the server closed a producer's connection".to_owned(),
                ));
            }
            Ok(count) => self.received += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(0),
            Err(source) => {
                return Err(Error::Io {
                    doing: "reading answers".to_owned(),
                    source,
                });
            }
        }
        let answers = answers::v2(self.inbox.get(..self.received).unwrap_or_default())?;
        if answers.heartbeat {
            self.outbox.extend_from_slice(command::NOP);
        }
        self.inbox.copy_within(answers.consumed..self.received, 0);
        self.received -= answers.consumed;
        Ok(u64::from(answers.count))
    }

    fn wait(&self, limit_ns: u64) -> Result<()> {
        let flags = if self.outbox.is_empty() {
            PollFlags::IN
        } else {
            PollFlags::IN | PollFlags::OUT
        };
        let mut fds = [PollFd::from_borrowed_fd(self.stream.as_fd(), flags)];
        let limit = Timespec::try_from(Duration::from_nanos(limit_ns)).unwrap_or(Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        });
        match rustix::event::poll(&mut fds, Some(&limit)) {
            Err(error) if error != rustix::io::Errno::INTR => Err(Error::Io {
                doing: "waiting for answers".to_owned(),
                source: error.into(),
            }),
            _ => Ok(()),
        }
    }
}
