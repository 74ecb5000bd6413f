//! An authorization server for nsqd: says from a file who may do what.
//!
//! nsqd asks at `GET /auth` or `POST /auth` with the secret that a client presented and where it comes from;
//! the [`Policy`] decides. The file is read again when it changes and at SIGHUP; one that cannot be used is
//! reported, and what was read before stays in force.
//!
//! Secrets are kept as digests only and compared in constant time, and nothing that is logged contains any.
//! TLS is left to whatever stands in front.
//!
//! Upstream: pynsqauthd in nsqio/nsqauth-contrib, whose files it reads. What is different: `docs/nsqauthd.md`.

mod options;
mod policy;
mod reload;
mod service;

pub use options::{RawOptions, TABLE};
pub use policy::{Policy, PolicyError, Verdict};

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use nsq_app::{Exit, Hangups, Log, version_line};
use nsq_http::Server;
use nsq_net::{Address, Listener, NetError};
use nsq_runtime::{Clock, Shutdown};
use parking_lot::RwLock;

use options::Options;
use reload::Signature;
use service::AuthService;

const PROGRAM: &str = "nsqauthd";

/// Runs the program with these arguments, its own name left out.
///
/// # Errors
/// It ends before it serves: by a flag that only asks, or because an option, the file or the address cannot be
/// used.
pub fn run(args: impl IntoIterator<Item = OsString>, clock: &Clock) -> Result<ExitCode, Exit> {
    let raw = RawOptions::load(args)?;
    let checks_only = raw.check;
    let options = Options::validate(raw)?;
    let path = options.data_file.display();
    let seen = Signature::of(&options.data_file);
    let policy = Policy::load(&options.data_file, options.anchor).map_err(|error| {
        let message = format!("failed to read {path} - {error}");
        if checks_only {
            Exit::Dated(message)
        } else {
            Exit::fatal(PROGRAM, message)
        }
    })?;
    if checks_only {
        return Ok(report(&policy, &format!("{path}: {policy}")));
    }
    let log = Log::stderr(options.log_prefix.as_str(), options.log_level, clock.clone());
    log.install().map_err(not_started)?;
    nsq_app::run(|shutdown| serve(options, seen, policy, clock.clone(), shutdown))
        .map_err(not_started)?
        .map_err(not_started)?;
    Ok(ExitCode::SUCCESS)
}

fn not_started(cause: impl fmt::Display) -> Exit {
    Exit::fatal(PROGRAM, format!("failed to start nsqauthd - {cause}"))
}

/// Prints what `--check` found. A standard output that cannot be written to is the only failure left.
fn report(policy: &Policy, summary: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    let lines = policy.warnings().iter().map(String::as_str).chain([summary]);
    for line in lines {
        if writeln!(out, "{line}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Serves until `shutdown`.
async fn serve(
    options: Options,
    seen: Option<Signature>,
    policy: Policy,
    clock: Clock,
    shutdown: Shutdown,
) -> Result<(), StartError> {
    tracing::info!("{}", version_line(PROGRAM));
    let hangups = Hangups::take_over().map_err(StartError::Signals)?;
    let listener = Listener::bind(&Address::parse(&options.http_address))
        .await
        .map_err(StartError::Listen)?;
    tracing::info!("{}: {policy}", options.data_file.display());
    policy.log_warnings();
    let policy = Arc::new(RwLock::new(Arc::new(policy)));
    let reloader = reload::start(&options, seen, Arc::clone(&policy)).map_err(StartError::Threads)?;
    tracing::info!("HTTP: listening on {}", listener.local_addr());
    let server = Server::with_limits(AuthService::new(policy, options.ttl_s), clock, service::LIMITS);
    tokio::select! {
        served = server.run(listener, shutdown) => served.map_err(StartError::Listen),
        never = reloader.reload_at(hangups) => match never {},
    }
}

/// Why it could not serve.
#[derive(Debug)]
enum StartError {
    Listen(NetError),
    Signals(io::Error),
    Threads(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(error) => error.fmt(f),
            Self::Signals(error) | Self::Threads(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}
