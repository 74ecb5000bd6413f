//! Every option, and what is refused.

use std::ffi::OsString;
use std::time::Duration;

use nsq_app::Exit;
use nsq_flags::{Flag, LogLevel};

use super::{Options, OptionsError, RawOptions, TABLE};

fn load(args: &[&str]) -> Result<RawOptions, Exit> {
    RawOptions::load(args.iter().map(OsString::from))
}

fn validate(args: &[&str]) -> Result<Options, OptionsError> {
    Options::validate(load(args).unwrap())
}

fn refusal(args: &[&str]) -> String {
    validate(args).unwrap_err().to_string()
}

#[test]
fn every_flag_of_upstream_is_there_under_its_key() {
    let flags: Vec<_> = TABLE
        .flags()
        .iter()
        .map(|flag: &Flag<RawOptions>| (flag.name(), flag.file_key()))
        .collect();
    let expected = [
        ("version", None),
        ("config", None),
        ("verbose", None),
        ("log-level", Some("log_level")),
        ("log-prefix", Some("log_prefix")),
        ("tcp-address", Some("tcp_address")),
        ("http-address", Some("http_address")),
        ("broadcast-address", Some("broadcast_address")),
        ("inactive-producer-timeout", Some("inactive_producer_timeout")),
        ("tombstone-lifetime", Some("tombstone_lifetime")),
    ];
    assert_eq!(flags, expected.map(|(name, key)| (name, key.map(str::to_owned))));
}

#[test]
fn the_defaults_are_upstreams() {
    let options = validate(&[]).unwrap();
    assert_eq!(options.log_level, LogLevel::Info);
    assert_eq!(options.log_prefix, "[nsqlookupd] ");
    assert_eq!(options.tcp_address.to_string(), "0.0.0.0:4160");
    assert_eq!(options.http_address.to_string(), "0.0.0.0:4161");
    assert_eq!(options.broadcast_address, nsq_app::hostname());
    assert_eq!(options.inactive_producer_timeout, Duration::from_secs(300));
    assert_eq!(options.tombstone_lifetime, Duration::from_secs(45));
}

#[test]
fn every_flag_lands_in_its_option() {
    let options = validate(&[
        "--log-level=debug",
        "--log-prefix=",
        "--tcp-address=127.0.0.1:1",
        "--http-address",
        "[::1]:2",
        "-broadcast-address=lk",
        "--inactive-producer-timeout=1m30s",
        "--tombstone-lifetime=0",
        "--verbose",
    ])
    .unwrap();
    assert_eq!(options.log_level, LogLevel::Debug);
    assert_eq!(options.log_prefix, "");
    assert_eq!(options.tcp_address.to_string(), "127.0.0.1:1");
    assert_eq!(options.http_address.to_string(), "[::1]:2");
    assert_eq!(options.broadcast_address, "lk");
    assert_eq!(options.inactive_producer_timeout, Duration::from_secs(90));
    assert_eq!(options.tombstone_lifetime, Duration::ZERO);
}

#[test]
fn an_empty_address_is_every_interface_and_any_port() {
    let options = validate(&["--tcp-address="]).unwrap();
    assert_eq!(options.tcp_address.to_string(), ":0");
}

#[test]
fn an_address_without_a_port_is_no_unix_socket_here() {
    assert_eq!(
        refusal(&["--tcp-address=/run/lookupd.sock"]),
        "listen (/run/lookupd.sock) failed - listen tcp: address /run/lookupd.sock: missing port in address"
    );
    assert_eq!(
        refusal(&["--http-address=a:b:c"]),
        "listen (a:b:c) failed - listen tcp: address a:b:c: too many colons in address"
    );
}

#[test]
fn negative_times_are_refused() {
    assert_eq!(
        refusal(&["--inactive-producer-timeout=-1s"]),
        "--inactive-producer-timeout must be zero or more"
    );
    assert_eq!(
        refusal(&["--tombstone-lifetime=-1ns"]),
        "--tombstone-lifetime must be zero or more"
    );
}

#[test]
fn a_bad_flag_ends_with_its_line_and_the_usage() {
    let Err(Exit::Usage { line, usage }) = load(&["--inactive-producer-timeout", "10"]) else {
        panic!("a duration without a unit is accepted");
    };
    assert_eq!(
        line,
        "invalid value \"10\" for flag -inactive-producer-timeout: parse error"
    );
    assert!(
        usage.starts_with("Usage of nsqlookupd:\n  -broadcast-address string\n"),
        "{usage}"
    );
}
