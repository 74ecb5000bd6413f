//! Figures of the process.

use serde::Serialize;

/// The memory section of a report. The keys are those of Go's garbage collector, which tools read;
/// without one most of the figures are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryStats {
    /// Always 0: the allocator does not count objects.
    pub heap_objects: u64,
    /// Always 0: what the allocator keeps back is part of what is in use.
    pub heap_idle_bytes: u64,
    /// Memory of the process that is resident.
    pub heap_in_use_bytes: u64,
    /// Always 0.
    pub heap_released_bytes: u64,
    /// Always 0: nothing pauses.
    pub gc_pause_usec_100: u64,
    /// Always 0.
    pub gc_pause_usec_99: u64,
    /// Always 0.
    pub gc_pause_usec_95: u64,
    /// Always 0.
    pub next_gc_bytes: u64,
    /// Always 0.
    pub gc_total_runs: u64,
}

impl MemoryStats {
    /// Asks the system; all 0 where it cannot be asked.
    pub fn measure() -> Self {
        Self {
            heap_in_use_bytes: resident_bytes().unwrap_or(0),
            ..Self::default()
        }
    }

    /// Key and value of each figure, in the order of the report.
    pub(super) fn figures(&self) -> [(&'static str, u64); 9] {
        [
            ("heap_objects", self.heap_objects),
            ("heap_idle_bytes", self.heap_idle_bytes),
            ("heap_in_use_bytes", self.heap_in_use_bytes),
            ("heap_released_bytes", self.heap_released_bytes),
            ("gc_pause_usec_100", self.gc_pause_usec_100),
            ("gc_pause_usec_99", self.gc_pause_usec_99),
            ("gc_pause_usec_95", self.gc_pause_usec_95),
            ("next_gc_bytes", self.next_gc_bytes),
            ("gc_total_runs", self.gc_total_runs),
        ]
    }
}

fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(rustix::param::page_size() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_has_some_memory_in_use() {
        let memory = MemoryStats::measure();
        assert!(memory.heap_in_use_bytes > 100 * 1024, "{memory:?}");
    }
}
