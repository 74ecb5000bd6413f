//! In which order runs happen.

use crate::error::{Error, Result};
use crate::limit::Limit;
use crate::process::target::Target;
use crate::workload::{Bench, Figures, Settings, Workload};

/// What is measured, against what, and how often.
#[derive(Debug, Clone)]
pub(crate) struct Contest {
    /// What is measured.
    pub(crate) subject: Target,
    /// What it is compared with.
    pub(crate) rival: Option<Target>,
    /// Whether the limit server of each workload runs too.
    pub(crate) with_limit: bool,
    /// Runs of each.
    pub(crate) runs: u32,
    /// What holds for all of them.
    pub(crate) settings: Settings,
}

/// The runs of one workload.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Which.
    pub(crate) workload: Workload,
    /// The subject's, in order.
    pub(crate) subject: Vec<Figures>,
    /// The rival's; the one at the same place ran beside the subject's.
    pub(crate) rival: Vec<Figures>,
    /// The limit server's.
    pub(crate) limit: Vec<Figures>,
}

/// Whether every target can run the workload: a limit server cannot do what only a daemon does, and one that already
/// runs cannot be started with a workload's flags but is driven all the same.
pub(crate) fn suits(workload: &Workload, contest: &Contest) -> bool {
    let can_run = |target: &Target| match target {
        Target::Binary(_) | Target::Running { .. } if workload.is_about_lookupd() => {
            target.beside("nsqlookupd").is_some()
        }
        Target::Binary(_) | Target::Running { .. } => {
            workload.special_flag().is_none_or(|flag| target.has_flag(flag))
        }
        Target::Limit(Limit::Relay) => workload.limit.is_some(),
        Target::Limit(limit) => workload.limit == Some(*limit),
    };
    can_run(&contest.subject) && contest.rival.as_ref().is_none_or(can_run)
}

/// Runs a workload as often as the contest says, in the order A B L B A L …, so that a drift of the machine's speed
/// touches all alike.
pub(crate) fn run(contest: &Contest, workload: &Workload, progress: impl Fn(&str)) -> Result<Entry> {
    let mut entry = Entry {
        workload: *workload,
        subject: Vec::new(),
        rival: Vec::new(),
        limit: Vec::new(),
    };
    let limit = workload.limit.filter(|_| contest.with_limit).map(Target::Limit);
    let once = |target: &Target, number: u32| {
        progress(&format!(
            "{} {}/{} {}",
            workload.name,
            number + 1,
            contest.runs,
            target.label()
        ));
        let bench = Bench {
            target,
            settings: &contest.settings,
        };
        (workload.run)(&bench).map_err(|error| in_context(workload, target, error))
    };
    for number in 0..contest.runs {
        let rival_first = number % 2 == 1;
        if !rival_first {
            entry.subject.push(once(&contest.subject, number)?);
        }
        if let Some(rival) = &contest.rival {
            entry.rival.push(once(rival, number)?);
        }
        if rival_first {
            entry.subject.push(once(&contest.subject, number)?);
        }
        if let Some(limit) = &limit {
            entry.limit.push(once(limit, number)?);
        }
    }
    Ok(entry)
}

fn in_context(workload: &Workload, target: &Target, error: Error) -> Error {
    let context = format!("{} against {}", workload.name, target.label());
    match error {
        Error::Io { doing, source } => Error::Io {
            doing: format!("{context}: {doing}"),
            source,
        },
        Error::TooSlow { doing, limit } => Error::TooSlow {
            doing: format!("{context}: {doing}"),
            limit,
        },
        Error::Protocol(what) => Error::Protocol(format!("{context}: {what}")),
        Error::Mismatch(what) => Error::Mismatch(format!("{context}: {what}")),
        Error::Server(what) => Error::Server(format!("{context}: {what}")),
        Error::Usage(what) => Error::Usage(what),
    }
}
