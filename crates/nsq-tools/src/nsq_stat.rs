//! Prints how a channel is doing, once per interval: rates, depths, counts.
//!
//! The rows are the original's, for scripts and for eyes; `--watch` keeps a table by node on the screen. Everything
//! is asked for over HTTP, each time anew, so that nsqds may come and go.
//!
//! Upstream: `apps/nsq_stat`.

mod ask;
mod options;
mod rows;
mod watch;

pub use options::{Count, RawOptions, TABLE};

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use nsq_app::{Exit, Hangups};
use nsq_clusterinfo::merge::ChannelStats;
use nsq_flags::text::os_error;
use nsq_runtime::{Clock, Shutdown};

use crate::shell::{self, fail};
use ask::{Look, Question};
use options::Options;

const PROGRAM: &str = "nsq_stat";

/// Runs the program with these arguments, its own name first.
///
/// # Errors
/// The command line does not say what to do, nobody or not everybody answers, or standard output is closed.
pub fn run(args: impl IntoIterator<Item = OsString>, clock: &Clock) -> Result<ExitCode, Exit> {
    let options = Options::load(args)?;
    shell::run(|shutdown| until_told(options, clock.clone(), shutdown))
}

/// Reports until there are enough reports, or a signal asks for the end. A hangup does as well.
async fn until_told(options: Options, clock: Clock, shutdown: Shutdown) -> Result<(), Exit> {
    let mut hangups = Hangups::take_over().map_err(fail)?;
    let question = Question::new(&options, &clock)?;
    let reporting = async {
        if options.is_watch {
            keep_watch(&question, &options, &clock).await
        } else {
            print_rows(&question, &options, &clock).await
        }
    };
    tokio::select! {
        reported = reporting => reported,
        () = shutdown.triggered() => Ok(()),
        () = hangups.next() => Ok(()),
    }
}

async fn print_rows(question: &Question, options: &Options, clock: &Clock) -> Result<(), Exit> {
    let mut before: Option<ChannelStats> = None;
    let mut round = 0;
    loop {
        let Look { channel, problem } = question.ask(now_s(clock)).await.map_err(fail)?;
        if let Some(problem) = problem {
            return Err(fail(problem));
        }
        if round % rows::ROWS_PER_HEADER == 0 {
            print(rows::HEADER)?;
        }
        if let Some(before) = before.replace(channel.clone()) {
            print(&rows::row(&before, &channel, options.interval))?;
        }
        if options.count == Some(round) {
            return Ok(());
        }
        round += 1;
        clock.sleep(options.interval).await;
    }
}

async fn keep_watch(question: &Question, options: &Options, clock: &Clock) -> Result<(), Exit> {
    let on_terminal = io::stdout().is_terminal();
    if on_terminal {
        print(watch::CLEAR_ALL)?;
    }
    let mut before: Option<(ChannelStats, _)> = None;
    let mut round = 0;
    loop {
        let asked_at = clock.now();
        let text = match question.ask(now_s(clock)).await {
            Ok(look) => {
                let elapsed = before
                    .as_ref()
                    .map_or(options.interval, |(_, at)| asked_at.since(*at));
                let earlier = before.as_ref().map(|(channel, _)| channel);
                let text = watch::table(earlier, &look, elapsed);
                before = Some((look.channel, asked_at));
                text
            }
            // Who watches wants to see it come back.
            Err(problem) => problem + "\n",
        };
        if on_terminal {
            print(&watch::over_the_last_one(&text))?;
        } else {
            print(&(text + "\n"))?;
        }
        if options.count == Some(round) {
            return Ok(());
        }
        round += 1;
        clock.sleep(options.interval).await;
    }
}

/// Unix seconds.
fn now_s(clock: &Clock) -> i64 {
    clock.wall_ns() / 1_000_000_000
}

fn print(text: &str) -> Result<(), Exit> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| {
            fail(format_args!(
                "ERROR: failed to write to os.Stdout - {}",
                os_error(&error)
            ))
        })
}
