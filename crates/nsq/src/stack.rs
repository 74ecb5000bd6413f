//! The daemons, started and stopped together.

use std::fmt;
use std::process::ExitCode;

use nsq_app::{Hangups, Log};
use nsq_net::LocalAddr;
use nsq_runtime::{Clock, Shutdown};
use nsqd::dirlock::DirLock;
use nsqd::tls::Tls;

use crate::options::Options;
use crate::welcome::{Welcome, reachable};

/// All daemons, their listeners open, about to serve.
#[derive(Debug)]
pub(crate) struct Stack {
    nsqlookupd: nsqlookupd::daemon::Daemon,
    nsqadmin: nsqadmin::daemon::Daemon,
    nsqd: nsqd::daemon::Daemon,
    hangups: Hangups,
}

impl Stack {
    /// Starts the daemons. nsqd, which alone has something to lose, is the last: when it begins, nothing else can
    /// fail any more.
    ///
    /// # Errors
    /// One of them cannot be started. Nothing has been served and no file of a queue touched then.
    pub(crate) async fn start(
        options: &Options,
        lock: DirLock,
        log: Log,
        clock: &Clock,
    ) -> Result<Self, StartError> {
        let hangups = Hangups::take_over().map_err(StartError::new("nsq"))?;
        let nsqlookupd_options = nsqlookupd::options::Options::validate(nsqlookupd_options(options))
            .map_err(StartError::new("nsqlookupd"))?;
        let nsqlookupd = nsqlookupd::daemon::start(nsqlookupd_options, log.clone(), clock.clone())
            .await
            .map_err(StartError::new("nsqlookupd"))?;
        let raw = nsqadmin_options(options, nsqlookupd.http_addr());
        let nsqadmin_options =
            nsqadmin::options::Options::validate(raw).map_err(StartError::new("nsqadmin"))?;
        let nsqadmin = nsqadmin::daemon::start(nsqadmin_options, log.clone(), clock.clone())
            .await
            .map_err(StartError::new("nsqadmin"))?;
        let raw = nsqd_options(options, nsqlookupd.tcp_addr());
        let (nsqd_options, tls) =
            nsqd::options::Options::validate(raw, Tls::load).map_err(StartError::new("nsqd"))?;
        let nsqd = nsqd::daemon::start(nsqd_options, tls, lock, log, clock.clone())
            .await
            .map_err(StartError::new("nsqd"))?;
        Ok(Self {
            nsqlookupd,
            nsqadmin,
            nsqd,
            hangups,
        })
    }

    /// What whoever started them has to know.
    pub(crate) fn welcome(&self, options: &Options) -> Welcome {
        let listening = self.nsqd.nsqd().listening();
        Welcome {
            nsqd_tcp: listening.tcp.clone(),
            nsqd_http: listening.http.clone(),
            nsqlookupd_tcp: self.nsqlookupd.tcp_addr().clone(),
            nsqlookupd_http: self.nsqlookupd.http_addr().clone(),
            nsqadmin_http: self.nsqadmin.http_addr().clone(),
            data_path: options.data_path.clone(),
        }
    }

    /// Serves until `shutdown`, and then stops. If one of them cannot go on, none does.
    ///
    /// nsqlookupd is the last to stop, so that nsqd can take its leave of it.
    pub(crate) async fn serve(self, shutdown: Shutdown) -> ExitCode {
        let stop_nsqlookupd = Shutdown::new();
        let nsqlookupd = async {
            let code = self.nsqlookupd.serve(stop_nsqlookupd.clone()).await;
            shutdown.trigger();
            code
        };
        let nsqadmin = async {
            let code = self.nsqadmin.serve(shutdown.clone()).await;
            shutdown.trigger();
            code
        };
        let nsqd = async {
            let code = self.nsqd.serve(shutdown.clone(), self.hangups).await;
            stop_nsqlookupd.trigger();
            code
        };
        let codes = tokio::join!(Box::pin(nsqlookupd), Box::pin(nsqadmin), Box::pin(nsqd));
        if codes == (ExitCode::SUCCESS, ExitCode::SUCCESS, ExitCode::SUCCESS) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn nsqlookupd_options(options: &Options) -> nsqlookupd::options::RawOptions {
    let default = nsqlookupd::options::RawOptions::default();
    nsqlookupd::options::RawOptions {
        log_level: options.log_level,
        tcp_address: options.nsqlookupd_tcp.to_string(),
        http_address: options.nsqlookupd_http.to_string(),
        broadcast_address: options
            .broadcast_address
            .clone()
            .unwrap_or(default.broadcast_address),
        ..default
    }
}

fn nsqadmin_options(options: &Options, nsqlookupd: &LocalAddr) -> nsqadmin::options::RawOptions {
    nsqadmin::options::RawOptions {
        log_level: options.log_level,
        http_address: options.nsqadmin_http.to_string(),
        nsqlookupd_http_addresses: [reachable(nsqlookupd)].into_iter().collect(),
        ..nsqadmin::options::RawOptions::default()
    }
}

fn nsqd_options(options: &Options, nsqlookupd: &LocalAddr) -> nsqd::options::RawOptions {
    let default = nsqd::options::RawOptions::default();
    nsqd::options::RawOptions {
        log_level: options.log_level,
        tcp_address: options.nsqd_tcp.to_string(),
        http_address: options.nsqd_http.to_string(),
        https_address: String::new(),
        broadcast_address: options
            .broadcast_address
            .clone()
            .unwrap_or(default.broadcast_address),
        nsqlookupd_tcp_addresses: [reachable(nsqlookupd)].into_iter().collect(),
        data_path: options.data_path.display().to_string(),
        ..default
    }
}

/// Why the daemons could not be started: which one, and what it says.
#[derive(Debug)]
pub(crate) struct StartError {
    program: &'static str,
    cause: String,
}

impl StartError {
    /// Makes an error of `program` from its own one.
    fn new<E: fmt::Display>(program: &'static str) -> impl FnOnce(E) -> Self {
        move |cause| Self {
            program,
            cause: cause.to_string(),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = self
            .cause
            .strip_prefix("failed to instantiate nsqd - ")
            .unwrap_or(&self.cause);
        write!(f, "{}: {cause}", self.program)?;
        if self.cause.contains(": bind: address already in use") {
            write!(
                f,
                "; end what listens there, or choose another port with --{}-",
                self.program
            )?;
            f.write_str(if self.program == "nsqadmin" {
                "http-port"
            } else {
                "tcp-port or -http-port"
            })?;
        }
        Ok(())
    }
}
