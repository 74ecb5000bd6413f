//! Which NSQ this is.

/// The version of NSQ whose behaviour, wire protocol and files these programs keep to.
///
/// Clients, `nsqlookupd` and `nsqadmin` compare it, so it is not the version of this implementation.
pub const VERSION: &str = "1.3.0";

/// What `--version` prints, and the first line of the log and of the text statistics:
/// `nsqd v1.3.0 (built w/rust1.95.0)`.
pub fn version_line(program: &str) -> String {
    format!("{program} v{VERSION} (built w/{})", env!("NSQ_TOOLCHAIN"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_line_has_upstreams_shape() {
        let line = version_line("nsqd");
        let toolchain = line
            .strip_prefix("nsqd v1.3.0 (built w/rust")
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap();
        assert!(toolchain.starts_with(|c: char| c.is_ascii_digit()), "{line}");
        assert!(!toolchain.contains(char::is_whitespace), "{line}");
    }
}
