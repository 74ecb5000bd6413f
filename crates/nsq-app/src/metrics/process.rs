//! Metrics that every process has.

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::{Kind, Metric};

const START_TIME: Metric = Metric {
    name: "process_start_time_seconds",
    help: "When the process was started, in Unix seconds.",
    kind: Kind::Gauge,
};
const CPU: Metric = Metric {
    name: "process_cpu_seconds_total",
    help: "Processor time that the process has taken, in seconds.",
    kind: Kind::Counter,
};
const RESIDENT: Metric = Metric {
    name: "process_resident_memory_bytes",
    help: "Memory of the process that is resident.",
    kind: Kind::Gauge,
};
const VIRTUAL: Metric = Metric {
    name: "process_virtual_memory_bytes",
    help: "Address space of the process.",
    kind: Kind::Gauge,
};
const OPEN_FDS: Metric = Metric {
    name: "process_open_fds",
    help: "File descriptors that are open.",
    kind: Kind::Gauge,
};
const MAX_FDS: Metric = Metric {
    name: "process_max_fds",
    help: "File descriptors that may be open.",
    kind: Kind::Gauge,
};
const WORKERS: Metric = Metric {
    name: "tokio_workers",
    help: "Threads that run tasks.",
    kind: Kind::Gauge,
};
const ALIVE_TASKS: Metric = Metric {
    name: "tokio_alive_tasks",
    help: "Tasks that have not ended.",
    kind: Kind::Gauge,
};
const GLOBAL_QUEUE: Metric = Metric {
    name: "tokio_global_queue_depth",
    help: "Tasks that are ready and that no thread has taken over.",
    kind: Kind::Gauge,
};

/// Appends what the system and the runtime tell of this process, under the names that Prometheus' own
/// client libraries use. What they do not tell here is left out. `start_time` is in Unix seconds.
pub fn put_process(out: &mut Vec<u8>, start_time: i64) {
    START_TIME.put_alone(out, start_time);
    let taken = clock_gettime(ClockId::ProcessCPUTime);
    CPU.put_alone(out, format_args!("{}.{:09}", taken.tv_sec, taken.tv_nsec));
    if let Some((size, resident)) = memory_bytes() {
        VIRTUAL.put_alone(out, size);
        RESIDENT.put_alone(out, resident);
    }
    if let Some(count) = open_files() {
        OPEN_FDS.put_alone(out, count);
    }
    if let Some(count) = getrlimit(Resource::Nofile).current {
        MAX_FDS.put_alone(out, count);
    }
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let runtime = runtime.metrics();
        WORKERS.put_alone(out, runtime.num_workers());
        ALIVE_TASKS.put_alone(out, runtime.num_alive_tasks());
        GLOBAL_QUEUE.put_alone(out, runtime.global_queue_depth());
    }
}

/// Address space and resident memory.
fn memory_bytes() -> Option<(u64, u64)> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = statm
        .split_whitespace()
        .map_while(|pages| pages.parse::<u64>().ok());
    let bytes = |pages: u64| pages.saturating_mul(rustix::param::page_size() as u64);
    Some((bytes(pages.next()?), bytes(pages.next()?)))
}

fn open_files() -> Option<u64> {
    let directory = "/proc/self/fd";
    // The size of the directory is their number, on a kernel (6.2) that does not make one count them.
    match std::fs::metadata(directory).ok()?.len() {
        0 => Some(std::fs::read_dir(directory).ok()?.count() as u64),
        count => Some(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_tells_of_itself() {
        let mut out = Vec::new();
        put_process(&mut out, 1_795_190_179);
        let text = String::from_utf8(out).unwrap();
        for line in [
            "process_start_time_seconds 1795190179",
            "# TYPE process_cpu_seconds_total counter",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is missing in {text}"
            );
        }
        for name in [CPU, RESIDENT, VIRTUAL, OPEN_FDS, MAX_FDS].map(|metric| metric.name) {
            let sample = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            assert!(sample.trim().parse::<f64>().unwrap() > 0.0, "{name}{sample}");
        }
    }

    #[tokio::test]
    async fn the_runtime_tells_of_itself() {
        let mut out = Vec::new();
        put_process(&mut out, 0);
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("\ntokio_workers 1\n"), "{text}");
    }
}
