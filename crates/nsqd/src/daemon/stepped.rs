//! A wall clock that was set back while nsqd was not running.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use nsq_flags::GoDuration;

use super::Nsqd;

/// Dates of files are those of the last tick of the kernel, which may have been this long ago.
const DATE_LAG_NS: i64 = 100_000_000;

/// Lets ids go on behind those of the messages in the files, if files are newer than the present: the messages of
/// one queue must not share an id, and who has seen one must not take another for it.
///
/// # Differs from upstream
/// There, such a restart hands out ids a second time.
pub(super) fn keep_ids_apart(nsqd: &Nsqd) {
    let data_path = &nsqd.options.data_path;
    let Some(newest_ns) = newest_file_ns(data_path) else {
        return;
    };
    let ahead_ns = newest_ns.saturating_sub(nsqd.clock.wall_ns());
    if let Ok(ahead_ns @ 1..) = u64::try_from(ahead_ns) {
        tracing::warn!(
            "NSQ: files in {} are {} newer than now: was the clock set back?",
            data_path.display(),
            GoDuration::from(Duration::from_nanos(ahead_ns))
        );
        nsqd.core.begin_ids_behind(newest_ns.saturating_add(DATE_LAG_NS));
    }
}

/// The date of the newest file of a data directory, in nanoseconds since the Unix epoch. What cannot be read says
/// nothing: it will be found by who needs it.
fn newest_file_ns(data_path: &Path) -> Option<i64> {
    let dates = std::fs::read_dir(data_path).ok()?.flatten().filter_map(|entry| {
        let is_ours = Path::new(&entry.file_name()).extension() == Some("dat".as_ref());
        let modified = is_ours.then(|| entry.metadata())?.ok()?.modified().ok()?;
        let since = modified.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_nanos()).ok()
    });
    dates.max()
}
