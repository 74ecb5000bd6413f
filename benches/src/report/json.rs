//! Every run, for programs.

use std::fs;

use serde::Serialize;

use crate::runner::{Contest, Entry};
use crate::workload::{Better, Figures};

/// The whole invocation.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    subject: String,
    rival: Option<String>,
    scale: f64,
    flags: Vec<String>,
    workloads: Vec<Measured>,
}

#[derive(Debug, Serialize)]
struct Machine {
    cpu: String,
    cpus: usize,
    kernel: String,
}

#[derive(Debug, Serialize)]
struct Measured {
    name: &'static str,
    about: &'static str,
    limit: Option<String>,
    figures: Vec<Series>,
}

/// One figure over all runs.
#[derive(Debug, Serialize)]
struct Series {
    name: &'static str,
    unit: &'static str,
    better: &'static str,
    subject: Vec<f64>,
    rival: Vec<f64>,
    limit: Vec<f64>,
}

impl Report {
    /// Without workloads yet.
    pub(crate) fn new(contest: &Contest) -> Self {
        Self {
            machine: Machine::this(),
            subject: contest.subject.label(),
            rival: contest.rival.as_ref().map(crate::process::target::Target::label),
            scale: contest.settings.scale,
            flags: contest.settings.flags.clone(),
            workloads: Vec::new(),
        }
    }

    /// Adds the runs of one workload.
    pub(crate) fn add(&mut self, entry: &Entry) {
        let values = |runs: &[Figures], name| super::summary::values(runs, name);
        let figures = entry
            .subject
            .first()
            .into_iter()
            .flat_map(|figures| figures.iter())
            .map(|figure| Series {
                name: figure.name,
                unit: figure.unit,
                better: match figure.better {
                    Better::Lower => "lower",
                    Better::Higher => "higher",
                    Better::Neither => "neither",
                },
                subject: values(&entry.subject, figure.name),
                rival: values(&entry.rival, figure.name),
                limit: values(&entry.limit, figure.name),
            });
        self.workloads.push(Measured {
            name: entry.workload.name,
            about: entry.workload.about,
            limit: entry.workload.limit.map(|limit| limit.to_string()),
            figures: figures.collect(),
        });
    }
}

impl Machine {
    fn this() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Self {
            cpu: model.map_or_else(String::new, |(_, model)| model.trim().to_owned()),
            cpus: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .unwrap_or_default()
                .trim()
                .to_owned(),
        }
    }
}
