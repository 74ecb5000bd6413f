//! What is printed once everything listens.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use nsq_app::version_line;
use nsq_net::{HostPort, LocalAddr};

/// Where everything is, and what to try first.
#[derive(Debug)]
pub(crate) struct Welcome {
    pub(crate) nsqd_tcp: Option<LocalAddr>,
    pub(crate) nsqd_http: Option<LocalAddr>,
    pub(crate) nsqlookupd_tcp: LocalAddr,
    pub(crate) nsqlookupd_http: LocalAddr,
    pub(crate) nsqadmin_http: LocalAddr,
    pub(crate) data_path: PathBuf,
}

/// Prints `welcome`. A standard output that cannot be written to changes nothing: nobody reads it.
pub(crate) fn print(welcome: &Welcome) {
    let mut out = io::stdout().lock();
    let _ = write!(out, "{welcome}").and_then(|()| out.flush());
}

impl fmt::Display for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nsqd_http = self.nsqd_http.as_ref().map(reachable).unwrap_or_default();
        writeln!(f, "{}", version_line(super::PROGRAM))?;
        writeln!(
            f,
            "  nsqd        {}, http://{nsqd_http}",
            self.nsqd_tcp.as_ref().map(reachable).unwrap_or_default()
        )?;
        writeln!(
            f,
            "  nsqlookupd  {}, http://{}",
            reachable(&self.nsqlookupd_tcp),
            reachable(&self.nsqlookupd_http)
        )?;
        writeln!(f, "  nsqadmin    http://{}", reachable(&self.nsqadmin_http))?;
        writeln!(f, "  data        {}", self.data_path.display())?;
        writeln!(
            f,
            "Publish a message: curl -d hello 'http://{nsqd_http}/pub?topic=test'"
        )?;
        writeln!(f, "Stop with Ctrl-C.")
    }
}

/// An address that can be connected to from this machine.
pub(crate) fn reachable(address: &LocalAddr) -> String {
    match (address.ip(), address.port()) {
        (Some(ip), Some(port)) if ip.is_unspecified() => HostPort::new("127.0.0.1", port).to_string(),
        _ => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(address: &str) -> LocalAddr {
        LocalAddr::Tcp(address.parse().unwrap())
    }

    #[test]
    fn every_interface_is_reached_by_the_one_of_this_machine() {
        assert_eq!(reachable(&listening("[::]:4150")), "127.0.0.1:4150");
        assert_eq!(reachable(&listening("0.0.0.0:4150")), "127.0.0.1:4150");
        assert_eq!(reachable(&listening("[::1]:4150")), "[::1]:4150");
    }

    #[test]
    fn the_welcome_says_where_everything_is_and_what_to_try() {
        let welcome = Welcome {
            nsqd_tcp: Some(listening("127.0.0.1:4150")),
            nsqd_http: Some(listening("127.0.0.1:4151")),
            nsqlookupd_tcp: listening("127.0.0.1:4160"),
            nsqlookupd_http: listening("127.0.0.1:4161"),
            nsqadmin_http: listening("127.0.0.1:4171"),
            data_path: "/data".into(),
        };
        assert_eq!(
            welcome.to_string(),
            format!(
                "{}\n  \
                 nsqd        127.0.0.1:4150, http://127.0.0.1:4151\n  \
                 nsqlookupd  127.0.0.1:4160, http://127.0.0.1:4161\n  \
                 nsqadmin    http://127.0.0.1:4171\n  \
                 data        /data\n\
                 Publish a message: curl -d hello 'http://127.0.0.1:4151/pub?topic=test'\n\
                 Stop with Ctrl-C.\n",
                version_line("nsq")
            )
        );
    }
}
