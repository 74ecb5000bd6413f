//! Messages that can be told apart and checked, and the book that is kept about them.

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

/// The messages of one test: as many as there should be, each with a number, a check sum and bytes of all kinds
/// except the end of a line.
pub(super) struct Ledger {
    seed: u64,
    count: u64,
    /// How often each number has come out.
    seen: BTreeMap<u64, u32>,
}

impl Ledger {
    /// A ledger of `NSQ_LEDGER_MESSAGES` messages.
    pub(super) fn open() -> Self {
        let ledger = Self {
            seed: seed(),
            count: count(),
            seen: BTreeMap::new(),
        };
        eprintln!(
            "NSQ_LEDGER_SEED={} NSQ_LEDGER_MESSAGES={}",
            ledger.seed, ledger.count
        );
        ledger
    }

    /// How many messages there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// A number from 0 up to and without `bound`, the same for the same seed and `name`.
    pub(super) fn chance(&self, name: u64, bound: u64) -> u64 {
        mixed(self.seed ^ mixed(name)) % bound
    }

    /// One of `parts` parts of the messages, one per line.
    pub(super) fn lines(&self, part: u64, parts: u64) -> Vec<u8> {
        let from = self.count * part / parts;
        let to = self.count * (part + 1) / parts;
        let mut lines = Vec::new();
        for number in from..to {
            lines.extend(self.body(number));
            lines.push(b'\n');
        }
        lines
    }

    /// The body of a message: its number, a check sum of the rest, and the rest.
    fn body(&self, number: u64) -> Vec<u8> {
        let mut state = mixed(self.seed ^ number);
        let rest: Vec<u8> = (0..state % 200)
            .map(|_| {
                state = mixed(state);
                match state.to_be_bytes()[0] {
                    b'\n' => b' ',
                    byte => byte,
                }
            })
            .collect();
        let sum = rest.iter().fold(0_u64, |sum, byte| mixed(sum ^ u64::from(*byte)));
        let mut body = format!("{number:08} {sum:016x} ").into_bytes();
        body.extend(rest);
        body
    }

    /// Enters what has come out.
    #[track_caller]
    pub(super) fn enter(&mut self, body: &[u8]) {
        assert!(
            self.is_one(body),
            "this was never put in: {:?}",
            String::from_utf8_lossy(body)
        );
        *self.seen.entry(number(body).unwrap()).or_default() += 1;
    }

    /// Whether this is one of the messages, to the byte.
    pub(super) fn is_one(&self, body: &[u8]) -> bool {
        number(body).is_some_and(|number| number < self.count && self.body(number) == body)
    }

    /// Everything that was put in has come out; says how often it came again.
    #[track_caller]
    pub(super) fn close(self) {
        let missing: Vec<u64> = (0..self.count)
            .filter(|number| !self.seen.contains_key(number))
            .collect();
        assert!(
            missing.is_empty(),
            "{} of {} are lost, such as {:?}",
            missing.len(),
            self.count,
            &missing[..missing.len().min(10)]
        );
        let again: u32 = self.seen.values().map(|times| times - 1).sum();
        eprintln!("{} messages, {again} of them again", self.count);
    }
}

fn number(body: &[u8]) -> Option<u64> {
    str::from_utf8(body.get(..8)?).ok()?.parse().ok()
}

/// Splitmix64.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn variable(name: &str, default: u64) -> u64 {
    match env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => default,
    }
}

fn count() -> u64 {
    variable("NSQ_LEDGER_MESSAGES", 3000)
}

fn seed() -> u64 {
    variable("NSQ_LEDGER_SEED", u64::from(std::process::id()))
}

/// How long a process may run that moves all messages.
pub(super) fn limit() -> Duration {
    Duration::from_secs(60 + count() / 2000)
}
