//! The NSQ admin daemon.

use std::fmt::Display;
use std::process::ExitCode;

use nsq_app::{Exit, Log};
use nsq_runtime::Clock;
use nsqadmin::daemon;
use nsqadmin::options::{Options, RawOptions};

fn main() -> ExitCode {
    let clock = Clock::system();
    run(&clock).unwrap_or_else(|exit| exit.report(&clock))
}

fn run(clock: &Clock) -> Result<ExitCode, Exit> {
    let raw = RawOptions::load(std::env::args_os().skip(1))?;
    let options = Options::validate(raw).map_err(not_instantiated)?;
    let log = Log::stderr(options.log_prefix.as_str(), options.log_level, clock.clone());
    log.install().map_err(not_instantiated)?;
    nsq_app::run(|shutdown| async move {
        let daemon = daemon::start(options, log, clock.clone())
            .await
            .map_err(not_instantiated)?;
        Ok(daemon.serve(shutdown).await)
    })
    .map_err(not_instantiated)?
}

fn not_instantiated(cause: impl Display) -> Exit {
    Exit::fatal("nsqadmin", format!("failed to instantiate nsqadmin - {cause}"))
}
