//! How every utility begins and ends: its command line, and the line it ends with.

use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use nsq_app::{Exit, VERSION};
use nsq_flags::{Given, GoDuration, StringList, Table};
use nsq_runtime::Shutdown;

/// Reads the command line of the utility `name`. `args` begin with what the process was called as, which the
/// usage text shows.
///
/// # Errors
/// There is nothing to run: `--version`, `-h`, a bad flag.
pub(crate) fn load<O: Default>(
    name: &str,
    table: &Table<O>,
    args: impl IntoIterator<Item = OsString>,
    is_version: impl FnOnce(&O) -> bool,
) -> Result<(O, Given), Exit> {
    let mut args = args.into_iter();
    let called_as = args.next().unwrap_or_else(|| name.into());
    let mut options = O::default();
    let given = table
        .parse(args, &mut options)
        .map_err(|error| Exit::from_parse(error, || table.usage(&called_as.to_string_lossy())))?;
    if is_version(&options) {
        return Err(version(name));
    }
    Ok((options, given))
}

/// What `--version` of the utility `name` ends with.
pub(crate) fn version(name: &str) -> Exit {
    Exit::Version(format!("{name} v{VERSION}"))
}

/// A duration that has to be more than nothing.
///
/// # Errors
/// It is not.
pub(crate) fn positive(flag: &str, duration: GoDuration) -> Result<Duration, Exit> {
    duration
        .to_std()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| fail(format_args!("--{flag} should be positive")))
}

/// The end of a utility that cannot go on: a line with date and time, and code 1.
pub(crate) fn fail(cause: impl fmt::Display) -> Exit {
    Exit::Dated(cause.to_string())
}

/// Runs `work` until it ends, which it does soon after SIGINT or SIGTERM.
///
/// # Errors
/// Those of `work`, or the system refuses threads or signal handlers.
pub(crate) fn run<F>(work: impl FnOnce(Shutdown) -> F) -> Result<ExitCode, Exit>
where
    F: Future<Output = Result<(), Exit>>,
{
    nsq_app::run(work).map_err(fail)??;
    Ok(ExitCode::SUCCESS)
}

/// Where a utility finds the nsqds it works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// These nsqds.
    Nsqds(Vec<String>),
    /// Those that these nsqlookupds name.
    Nsqlookupds(Vec<String>),
}

impl Source {
    /// The one of the two lists that was given. `nsqd_flag` is the name of the first one's flag.
    ///
    /// # Errors
    /// None was given, or both.
    pub(crate) fn choose(
        nsqd_flag: &str,
        nsqds: &StringList,
        nsqlookupds: &StringList,
    ) -> Result<Self, Exit> {
        match (nsqds.as_slice(), nsqlookupds.as_slice()) {
            ([], []) => Err(fail(format_args!(
                "--{nsqd_flag} or --lookupd-http-address required"
            ))),
            (nsqds, []) => Ok(Self::Nsqds(nsqds.to_vec())),
            ([], nsqlookupds) => Ok(Self::Nsqlookupds(nsqlookupds.to_vec())),
            _ => Err(fail(format_args!(
                "use --{nsqd_flag} or --lookupd-http-address not both"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_of_source_is_needed() {
        let none = StringList::default();
        let one: StringList = ["h:1"].into_iter().collect();
        let choose = |nsqds, nsqlookupds| Source::choose("nsqd-tcp-address", nsqds, nsqlookupds);
        assert_eq!(choose(&one, &none), Ok(Source::Nsqds(vec!["h:1".to_owned()])));
        assert_eq!(
            choose(&none, &one),
            Ok(Source::Nsqlookupds(vec!["h:1".to_owned()]))
        );
        assert_eq!(
            choose(&none, &none),
            Err(Exit::Dated(
                "--nsqd-tcp-address or --lookupd-http-address required".to_owned()
            ))
        );
        assert_eq!(
            choose(&one, &one),
            Err(Exit::Dated(
                "use --nsqd-tcp-address or --lookupd-http-address not both".to_owned()
            ))
        );
    }
}
