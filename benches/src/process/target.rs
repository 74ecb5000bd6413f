//! What is measured.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;

use crate::client::Addresses;
use crate::limit::Limit;

/// A server to measure, as named on the command line.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// An nsqd binary, started afresh for every run.
    Binary(PathBuf),
    /// A limit server of this program, started as a process of its own.
    Limit(Limit),
    /// A server that already runs. It is neither started nor stopped, and metered only if its process is known.
    Running {
        /// Where it listens.
        addresses: Addresses,
        /// Its process on this machine.
        pid: Option<u32>,
    },
}

impl Target {
    /// Another program in the directory of the binary, if there is one.
    pub(crate) fn beside(&self, name: &str) -> Option<PathBuf> {
        match self {
            Self::Binary(path) => Some(path.with_file_name(name)).filter(|path| path.is_file()),
            Self::Limit(_) | Self::Running { .. } => None,
        }
    }

    /// Whether its help names `flag`. One that already runs cannot be given any.
    pub(crate) fn has_flag(&self, flag: &str) -> bool {
        let Self::Binary(path) = self else { return false };
        // Upstream's help is on standard error, and ends with 0 or 2.
        Command::new(path)
            .arg("--help")
            .output()
            .is_ok_and(|help| [help.stdout, help.stderr].iter().any(|text| contains(text, flag)))
    }

    /// A short name for tables.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Binary(path) => path.display().to_string(),
            Self::Limit(limit) => format!("limit:{limit}"),
            Self::Running { addresses, .. } => addresses.tcp.to_string(),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(limit) = text.strip_prefix("limit:") {
            return limit.parse().map(Self::Limit);
        }
        if text.starts_with("tcp=") {
            return running(text);
        }
        let path = PathBuf::from(text);
        if path.is_file() {
            Ok(Self::Binary(path))
        } else {
            Err(format!("{text} is not a file"))
        }
    }
}

fn contains(text: &[u8], flag: &str) -> bool {
    let name = flag.trim_start_matches('-');
    String::from_utf8_lossy(text)
        .split(|c: char| !(c.is_alphanumeric() || c == '-'))
        .any(|word| word.trim_start_matches('-') == name)
}

fn running(text: &str) -> Result<Target, String> {
    let (mut tcp, mut http, mut pid) = (None, None, None);
    let address = |value: &str| {
        value
            .parse::<SocketAddr>()
            .map_err(|error| format!("{value}: {error}"))
    };
    for part in text.split(',') {
        match part.split_once('=') {
            Some(("tcp", value)) => tcp = Some(address(value)?),
            Some(("http", value)) => http = Some(address(value)?),
            Some(("pid", value)) => pid = Some(value.parse().map_err(|error| format!("{value}: {error}"))?),
            _ => return Err(format!("{part} is none of tcp=, http=, pid=")),
        }
    }
    match (tcp, http) {
        (Some(tcp), Some(http)) => Ok(Target::Running {
            addresses: Addresses { tcp, http },
            pid,
        }),
        _ => Err("a running server is named as tcp=HOST:PORT,http=HOST:PORT[,pid=N]".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_servers_and_running_servers_are_recognised() {
        assert!(matches!("limit:relay".parse(), Ok(Target::Limit(Limit::Relay))));
        let running: Target = "tcp=127.0.0.1:4150,http=127.0.0.1:4151,pid=7".parse().unwrap();
        let Target::Running { addresses, pid } = running else {
            panic!("parsed as {running:?}")
        };
        assert_eq!((addresses.http.port(), pid), (4151, Some(7)));
    }

    #[test]
    fn a_flag_is_found_in_help_of_either_style() {
        assert!(contains(b"  -durability string\n  \tgo, disk", "--durability"));
        assert!(contains(b"      --durability=LEVEL ", "--durability"));
        assert!(!contains(b"  -durability-x string", "--durability"));
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for text in [
            "limit:drain",
            "/no/such/nsqd",
            "tcp=127.0.0.1:4150",
            "tcp=127.0.0.1:4150,port=1",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
