//! What one of several consumers gets.

use std::collections::VecDeque;

use super::State;
use crate::consumer::Consumer;
use crate::message::Message;

/// Messages that a consumer takes at once, at most: others get their turn, and the locks are short.
const TAKE_MAX: usize = 128;

/// What a consumer can take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Credit {
    /// Messages.
    pub(crate) count: u64,
    /// Bytes of bodies, about; one message is taken in any case.
    pub(crate) bytes_max: usize,
}

impl State {
    /// Takes a consumer's share of what can be taken: who was woken beside it gets as much.
    pub(super) fn pop_share(
        &mut self,
        consumer: &Consumer,
        credit: Credit,
        random: &mut u64,
        batch: &mut VecDeque<Message>,
    ) {
        let Credit {
            count: credit,
            bytes_max,
        } = credit;
        let credit = usize::try_from(credit).unwrap_or(usize::MAX);
        let share = self.queue.available().div_ceil(self.waiting.woken() + 1);
        let count = share.min(credit).min(TAKE_MAX);
        let mut bytes = 0;
        for _ in 0..count {
            let Some(body_len) = self.queue.next_body_len() else {
                break;
            };
            if bytes > 0 && bytes + body_len > bytes_max {
                break;
            }
            bytes += body_len;
            let Some(taken) = self.queue.pop() else { break };
            if !taken.was_on_disk {
                *self.taken.get_mut(consumer.options.locality) += 1;
            }
            if is_sampled(consumer.options.sample_rate, random) {
                batch.push_back(taken.message);
            } else if let Some(ticket) = taken.message.ticket() {
                self.queue.consume(&mut vec![ticket]);
            }
        }
    }
}

/// Whether a consumer that asked for a sample gets this message.
///
/// The comparison includes the rate itself, so the effective rate is one percent higher than asked for.
/// Upstream: `nsqd/protocol_v2.go`, `messagePump`; 99 is the highest rate a client can ask for.
fn is_sampled(rate: u8, random: &mut u64) -> bool {
    if rate == 0 {
        return true;
    }
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random % 100 <= u64::from(rate)
}
