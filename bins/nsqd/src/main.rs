//! The NSQ queue daemon.

use std::process::ExitCode;

use nsq_app::{Exit, Log};
use nsq_runtime::{Clock, Shutdown};
use nsqd::daemon;
use nsqd::dirlock::DirLock;
use nsqd::options::{Options, RawOptions, TABLE};

const PROGRAM: &str = "nsqd";

fn main() -> ExitCode {
    let clock = Clock::system();
    match prepare() {
        Ok((options, lock)) => run(options, lock, clock),
        Err(exit) => exit.report(&clock),
    }
}

fn prepare() -> Result<(Options, DirLock), Exit> {
    let args = std::env::args_os().skip(1);
    let raw: RawOptions = nsq_app::load(PROGRAM, &TABLE, args, |raw| raw.version, |raw| raw.config.clone())?;
    let failed = |cause: String| Exit::fatal(PROGRAM, format!("failed to instantiate nsqd - {cause}"));
    let lock = DirLock::acquire(raw.data_path.as_ref()).map_err(|error| failed(error.to_string()))?;
    let (options, ()) = Options::validate(raw, |_| Ok(())).map_err(|error| failed(error.to_string()))?;
    Ok((options, lock))
}

fn run(options: Options, lock: DirLock, clock: Clock) -> ExitCode {
    let log = Log::stderr(&*options.log_prefix, options.log_level, clock.clone());
    let startup_log = log.clone();
    let work = |shutdown: Shutdown| async move {
        match daemon::start(options, lock, log.clone(), clock).await {
            Ok(daemon) => daemon.serve(shutdown).await,
            Err(error) => {
                log.fatal(error);
                ExitCode::FAILURE
            }
        }
    };
    let installed = startup_log.install().map_err(|error| error.to_string());
    match installed.and_then(|()| nsq_app::run(work).map_err(|error| error.to_string())) {
        Ok(code) => code,
        Err(error) => {
            startup_log.fatal(error);
            ExitCode::FAILURE
        }
    }
}
