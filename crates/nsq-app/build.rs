//! Tells the crate which compiler builds it, for the version line.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!(
        "cargo::rustc-env=NSQ_TOOLCHAIN={}",
        toolchain().unwrap_or_else(|| "rust".to_owned())
    );
}

/// The compiler's version without spaces, as in `rust1.95.0`.
fn toolchain() -> Option<String> {
    let compiler = std::env::var_os("RUSTC")?;
    let output = Command::new(compiler).arg("--version").output().ok()?;
    let shown = String::from_utf8(output.stdout).ok()?;
    Some(format!("rust{}", shown.split_whitespace().nth(1)?))
}
