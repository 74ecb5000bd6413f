//! What a process has used, as Linux tells it under `/proc`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Doing, Error, Result};

/// Kernel clock ticks are 10 ms on every Linux that matters: `USER_HZ` is part of the ABI.
const TICK: Duration = Duration::from_millis(10);

/// Reads the counters of one process.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    directory: PathBuf,
}

/// Processor time so far, by two clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cpu {
    /// User and system time of the whole process, in steps of 10 ms.
    ticks: Duration,
    /// Time on a processor of the threads that still live, to the nanosecond.
    threads: Duration,
}

impl Cpu {
    /// Time used since `earlier`. The fine clock forgets threads that have ended, the coarse one does not; the larger
    /// answer is the right one to 10 ms.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let fine = self.threads.saturating_sub(earlier.threads);
        let coarse = self.ticks.saturating_sub(earlier.ticks);
        if coarse > fine + 2 * TICK { coarse } else { fine }
    }
}

/// Memory of a process in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident_bytes: u64,
    /// Largest resident since the process started or [`Meter::reset_peak`].
    pub(crate) peak_bytes: u64,
}

impl Meter {
    /// The process `pid`.
    pub(crate) fn of(pid: u32) -> Self {
        Self {
            directory: PathBuf::from(format!("/proc/{pid}")),
        }
    }

    /// This process.
    pub(crate) fn own() -> Self {
        Self {
            directory: PathBuf::from("/proc/self"),
        }
    }

    /// Processor time so far.
    pub(crate) fn cpu(&self) -> Result<Cpu> {
        let ticks = parse_stat(&read(&self.directory.join("stat"))?)
            .ok_or_else(|| Error::Server(format!("{}/stat is not understood", self.directory.display())))?;
        let tasks = self.directory.join("task");
        let mut threads = Duration::ZERO;
        for task in fs::read_dir(&tasks)
            .doing(|| format!("listing {}", tasks.display()))?
            .flatten()
        {
            // A thread may end between the listing and the reading.
            if let Ok(text) = fs::read_to_string(task.path().join("schedstat")) {
                threads += parse_schedstat(&text).unwrap_or_default();
            }
        }
        Ok(Cpu { ticks, threads })
    }

    /// Memory now.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let text = read(&self.directory.join("status"))?;
        let field = |name| parse_status(&text, name).unwrap_or(0);
        Ok(Memory {
            resident_bytes: field("VmRSS:"),
            peak_bytes: field("VmHWM:"),
        })
    }

    /// Makes the peak start again from now; where that is not permitted the peak covers the whole life.
    pub(crate) fn reset_peak(&self) {
        let _ = fs::write(self.directory.join("clear_refs"), "5");
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).doing(|| format!("reading {}", path.display()))
}

/// User plus system time. The second field is the program's name in parentheses and may contain anything.
fn parse_stat(text: &str) -> Option<Duration> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * user.checked_add(system)?)
}

/// Nanoseconds on a processor: the first field.
fn parse_schedstat(text: &str) -> Option<Duration> {
    text.split_ascii_whitespace()
        .next()?
        .parse()
        .ok()
        .map(Duration::from_nanos)
}

/// A field that is given in KiB.
fn parse_status(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim()
        .strip_suffix(" kB")?
        .parse::<u64>()
        .ok()
        .map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_spaces_and_parentheses_does_not_confuse_the_times() {
        let text = "7 (a ) b) S 1 7 7 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 9 0 1 1 1 1";
        assert_eq!(parse_stat(text), Some(Duration::from_secs(2)));
        assert_eq!(parse_stat("7 nothing"), None);
    }

    #[test]
    fn the_fine_clock_is_preferred_until_threads_have_ended() {
        let cpu = |ticks_ms, threads_us| Cpu {
            ticks: Duration::from_millis(ticks_ms),
            threads: Duration::from_micros(threads_us),
        };
        assert_eq!(
            cpu(20, 13_000).since(cpu(10, 2_500)),
            Duration::from_micros(10_500)
        );
        assert_eq!(cpu(900, 100).since(cpu(0, 0)), Duration::from_millis(900));
    }

    #[test]
    fn memory_fields_are_read_in_bytes() {
        let text = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(parse_status(text, "VmHWM:"), Some(2 * 1024 * 1024));
        assert_eq!(parse_status(text, "VmSwap:"), None);
        assert_eq!(parse_schedstat("1500 20 3\n"), Some(Duration::from_nanos(1500)));
    }

    #[test]
    fn this_process_can_be_metered() {
        let own = Meter::own();
        assert!(own.memory().unwrap().resident_bytes > 0);
        assert!(own.cpu().unwrap().since(Cpu::default()) > Duration::ZERO);
    }
}
