//! The command line.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use rustix::process::{Resource, Rlimit};

use crate::error::{Doing, Error, Result};
use crate::library;
use crate::limit::{self, Limit};
use crate::process::target::Target;
use crate::report::{self, Report};
use crate::runner::{self, Contest};
use crate::workload::{self, GROUPS, Settings};

/// Measures NSQ-compatible nsqd servers.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    measure: Option<Measure>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the workloads
    List,
    /// Run a tiny version of every workload; fails on errors only, never on figures
    Smoke {
        /// What to run against, as for measuring
        #[arg(long)]
        nsqd: Target,
        /// Flags for the server
        #[arg(last = true)]
        flags: Vec<String>,
    },
    /// Serve as a limit server: sink, source or relay
    #[command(hide = true)]
    Limit {
        kind: Limit,
        /// The flags of an nsqd, of which a limit server has none
        #[arg(last = true)]
        _flags: Vec<String>,
    },
    /// Publish or consume with the client library, in step with the process that measures it
    #[command(hide = true, name = library::COMMAND)]
    Client(library::Job),
}

#[derive(Debug, Args)]
struct Measure {
    /// Workloads or groups of them, or `all`; see `nsq-bench list`
    #[arg(required = true)]
    workloads: Vec<String>,
    /// What to measure: the path of an nsqd, `limit:sink|source|relay`, or `tcp=HOST:PORT,http=HOST:PORT[,pid=N]`
    #[arg(long)]
    nsqd: Target,
    /// What to compare it with; the two take turns: A B B A
    #[arg(long)]
    vs: Option<Target>,
    /// Runs of each
    #[arg(long, default_value_t = 2)]
    runs: u32,
    /// Multiplies the number of messages and the length of timed phases
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Leave the limit servers out
    #[arg(long)]
    no_limit: bool,
    /// Write the figures of every run to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Where data directories are made; the file system under test for the disk workloads
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    data_dir: PathBuf,
    /// A program to take the place of the client library in the client workloads
    #[arg(long)]
    client: Option<PathBuf>,
    /// Flags for every nsqd, after the workload's own
    #[arg(last = true)]
    flags: Vec<String>,
}

/// A step of a workload that takes longer than this has failed.
const STEP_MAX: Duration = Duration::from_secs(180);

/// Parses the command line and does what it says.
pub(crate) fn run() -> Result<()> {
    let cli = Cli::parse();
    raise_descriptor_limit();
    match (cli.command, cli.measure) {
        (Some(Command::List), _) => list(),
        (Some(Command::Smoke { nsqd, flags }), _) => smoke(nsqd, flags),
        (Some(Command::Limit { kind, .. }), _) => limit::serve(kind),
        (Some(Command::Client(job)), _) => library::run(&job),
        (None, Some(measure)) => self::measure(measure),
        (None, None) => Err(Error::Usage("nothing to do; try --help".to_owned())),
    }
}

/// Thousands of connections need as many descriptors; children inherit the limit. Where it cannot be raised the
/// workloads that need more fail with the system's own words.
fn raise_descriptor_limit() {
    const WANTED: u64 = 65_536;
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: Some(WANTED),
        maximum: limit.maximum.map(|maximum| maximum.max(WANTED)),
    };
    if rustix::process::setrlimit(Resource::Nofile, raised).is_err() {
        let _ = rustix::process::setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limit.maximum,
                ..limit
            },
        );
    }
}

fn list() -> Result<()> {
    let mut out = std::io::stdout().lock();
    for group in GROUPS {
        writeln!(out, "{}", group.name).doing(|| "writing the list")?;
        for workload in group.workloads {
            writeln!(out, "  {:<22}{}", workload.name, workload.about).doing(|| "writing the list")?;
        }
    }
    Ok(())
}

fn measure(measure: Measure) -> Result<()> {
    if !(measure.scale > 0.0 && measure.scale <= 100.0) {
        return Err(Error::Usage(
            "--scale takes a number above 0 and up to 100".to_owned(),
        ));
    }
    let workloads = workload::select(&measure.workloads)?;
    let settings = Settings {
        scale: measure.scale,
        data_root: measure.data_dir,
        flags: measure.flags,
        client: measure.client,
        step_max: STEP_MAX.max(STEP_MAX.mul_f64(measure.scale)),
    };
    let contest = Contest {
        subject: measure.nsqd,
        rival: measure.vs,
        with_limit: !measure.no_limit,
        runs: measure.runs.max(1),
        settings,
    };
    let mut report = Report::new(&contest);
    for workload in workloads
        .iter()
        .filter(|workload| runner::suits(workload, &contest))
    {
        let entry = runner::run(&contest, workload, progress)?;
        show(&report::table(&contest, &entry))?;
        report.add(&entry);
        // Written after every workload, so that a long run that is interrupted leaves what it found.
        if let Some(path) = &measure.json {
            write_json(path, &report)?;
        }
    }
    Ok(())
}

fn smoke(nsqd: Target, flags: Vec<String>) -> Result<()> {
    let settings = Settings {
        scale: 0.001,
        data_root: std::env::temp_dir(),
        flags,
        client: None,
        step_max: Duration::from_secs(20),
    };
    let contest = Contest {
        subject: nsqd,
        rival: None,
        with_limit: false,
        runs: 1,
        settings,
    };
    for workload in workload::select(&["all".to_owned()])? {
        if runner::suits(&workload, &contest) {
            runner::run(&contest, &workload, |_| {})?;
            show(&format!("ok  {}\n", workload.name))?;
        }
    }
    Ok(())
}

fn progress(line: &str) {
    // Progress is a courtesy; a closed standard error does not end the run.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn show(text: &str) -> Result<()> {
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .doing(|| "writing to standard output")
}

fn write_json(path: &Path, report: &Report) -> Result<()> {
    let json = serde_json::to_vec_pretty(report)
        .map_err(|error| Error::Usage(format!("the report is not JSON: {error}")))?;
    fs::write(path, json).doing(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_of_the_server_come_after_two_dashes() {
        let line = [
            "nsq-bench",
            "drain",
            "--nsqd",
            "limit:relay",
            "--runs",
            "3",
            "--",
            "--verbose",
        ];
        let measure = Cli::try_parse_from(line).unwrap().measure.unwrap();
        assert_eq!((measure.runs, measure.flags), (3, vec!["--verbose".to_owned()]));
    }

    #[test]
    fn a_limit_server_accepts_the_flags_of_an_nsqd() {
        let line = ["nsq-bench", "limit", "sink", "--", "--tcp-address=127.0.0.1:0"];
        assert!(Cli::try_parse_from(line).is_ok());
    }

    #[test]
    fn no_command_is_called_as_a_workload_is() {
        let command = Cli::command();
        let commands: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        for group in GROUPS {
            let workloads = group.workloads.iter().map(|workload| workload.name);
            for name in workloads.chain([group.name]) {
                assert!(!commands.contains(&name), "{name}");
            }
        }
    }

    #[test]
    fn a_measurement_without_a_target_is_refused() {
        assert!(Cli::try_parse_from(["nsq-bench", "drain"]).is_err());
    }
}
