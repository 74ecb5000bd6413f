//! The NSQ queue daemon.

use std::fmt::Display;
use std::process::ExitCode;

use nsq_app::{Exit, Hangups, Log};
use nsq_runtime::Clock;
use nsqd::daemon;
use nsqd::dirlock::DirLock;
use nsqd::options::{Options, RawOptions};
use nsqd::tls::Tls;

fn main() -> ExitCode {
    let clock = Clock::system();
    run(&clock).unwrap_or_else(|exit| exit.report(&clock))
}

fn run(clock: &Clock) -> Result<ExitCode, Exit> {
    let raw = RawOptions::load(std::env::args_os().skip(1))?;
    let lock = DirLock::acquire(raw.data_path.as_ref()).map_err(not_instantiated)?;
    let (options, tls) = Options::validate(raw, Tls::load).map_err(not_instantiated)?;
    let log = Log::stderr(options.log_prefix.as_str(), options.log_level, clock.clone());
    log.install().map_err(not_instantiated)?;
    nsq_app::run(|shutdown| async move {
        let hangups = Hangups::take_over().map_err(not_instantiated)?;
        let daemon = daemon::start(options, tls, lock, log, clock.clone())
            .await
            .map_err(|error| Exit::fatal("nsqd", error.to_string()))?;
        Ok(daemon.serve(shutdown, hangups).await)
    })
    .map_err(not_instantiated)?
}

fn not_instantiated(cause: impl Display) -> Exit {
    Exit::fatal("nsqd", format!("failed to instantiate nsqd - {cause}"))
}
