//! What can be measured: one table entry per workload, one file per group.

mod bench;
mod client;
mod deferred;
mod disk;
mod drain;
mod durability;
mod end_to_end;
mod fan_out;
mod figures;
mod http;
mod interference;
mod latency;
mod layers;
mod lifecycle;
mod lookup;
mod memory;
mod publish;
mod reliability;
mod sizes;
mod timeouts;
mod topics;

pub(crate) use bench::{Bench, Settings};
pub(crate) use figures::{Better, Figure, Figures};

use crate::error::{Error, Result};
use crate::limit::Limit;

/// One thing to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    /// How it is called on the command line.
    pub(crate) name: &'static str,
    /// What it does and what its figures mean.
    pub(crate) about: &'static str,
    /// The limit server that serves the same clients; `None` where the workload is about something only a daemon has.
    pub(crate) limit: Option<Limit>,
    /// Runs it once against a fresh server.
    pub(crate) run: fn(&Bench<'_>) -> Result<Figures>,
}

impl Workload {
    /// Whether it measures the nsqlookupd in the directory of the nsqd.
    pub(crate) fn is_about_lookupd(&self) -> bool {
        lookup::GROUP
            .workloads
            .iter()
            .any(|workload| workload.name == self.name)
    }

    /// A flag that it gives to the nsqd and not every nsqd has.
    pub(crate) fn special_flag(&self) -> Option<&'static str> {
        durability::GROUP
            .workloads
            .iter()
            .any(|workload| workload.name == self.name)
            .then_some("--durability")
    }
}

/// Workloads that belong together and can be run by one name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// How it is called on the command line.
    pub(crate) name: &'static str,
    /// Its members.
    pub(crate) workloads: &'static [Workload],
}

/// Every workload.
pub(crate) const GROUPS: &[Group] = &[
    publish::GROUP,
    http::GROUP,
    drain::GROUP,
    end_to_end::GROUP,
    fan_out::GROUP,
    layers::GROUP,
    latency::GROUP,
    disk::GROUP,
    durability::GROUP,
    memory::GROUP,
    topics::GROUP,
    deferred::GROUP,
    timeouts::GROUP,
    lifecycle::GROUP,
    sizes::GROUP,
    interference::GROUP,
    reliability::GROUP,
    lookup::GROUP,
    client::GROUP,
];

/// The workloads that `names` stand for: each the name of a workload, of a group, or `all`.
///
/// # Errors
///
/// [`Error::Usage`] for a name that stands for nothing.
pub(crate) fn select(names: &[String]) -> Result<Vec<Workload>> {
    let every = || GROUPS.iter().flat_map(|group| group.workloads);
    let mut selected = Vec::new();
    for name in names {
        let before = selected.len();
        if name == "all" {
            selected.extend(every());
        } else if let Some(group) = GROUPS.iter().find(|group| group.name == name) {
            selected.extend(group.workloads);
        } else {
            selected.extend(every().filter(|workload| workload.name == name));
        }
        if selected.len() == before {
            return Err(Error::Usage(format!(
                "there is no workload {name}; `nsq-bench list` names them all"
            )));
        }
    }
    Ok(selected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(names: &[&str]) -> Vec<&'static str> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        select(&names)
            .unwrap()
            .iter()
            .map(|workload| workload.name)
            .collect()
    }

    #[test]
    fn a_name_stands_for_a_workload_or_a_group() {
        assert_eq!(selected(&["drain-4"]), ["drain-4"]);
        assert_eq!(selected(&["drain"]), ["drain-1", "drain-4"]);
        assert!(select(&["drian".to_owned()]).is_err());
    }

    #[test]
    fn names_are_unique() {
        let mut names = selected(&["all"]);
        names.extend(
            GROUPS
                .iter()
                .filter(|group| group.workloads.len() > 1)
                .map(|group| group.name),
        );
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
