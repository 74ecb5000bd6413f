//! Embeds every file of `dist/`, and its compressed form where that is smaller.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=dist");
    println!("cargo:rerun-if-changed=build.rs");
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist");
    let out = PathBuf::from(
        env::var_os("OUT_DIR")
            .ok_or_else(|| io::Error::other("cargo sets the directory for what is made"))?,
    );

    let mut paths: Vec<PathBuf> = fs::read_dir(&dist)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    // The order of a directory is not the same everywhere; a build should be. It is also searched by name.
    paths.sort();
    let mut table = String::from("&[\n");
    for path in paths {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        // Dot-files belong to tools, and directories to nobody: the names are flat.
        if name.starts_with('.') || !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path)?;
        let gzip = compress(&bytes)?;
        let gzip = if gzip.len() < bytes.len() {
            fs::write(out.join(format!("{name}.gz")), gzip)?;
            format!("Some(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.gz\")))")
        } else {
            "None".to_owned()
        };
        let etag = format!("\"{:08x}-{:x}\"", crc32fast::hash(&bytes), bytes.len());
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "Asset {{ name: {name:?}, bytes: include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/dist/{name}\")), \
             gzip: {gzip}, etag: {etag:?} }},"
        );
    }
    table.push(']');
    fs::write(out.join("assets.rs"), table)
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
