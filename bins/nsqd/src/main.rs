//! The NSQ queue daemon.

fn main() {}
