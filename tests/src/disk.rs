//! A file system of a test's own, which can be full or lose its power.
//!
//! It needs the right to mount. Where that is missing the test is left out, and says so.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The request `FS_IOC_SHUTDOWN`, with which file systems are tested for the loss of power: from then on nothing
/// reaches the device, and what is not on it is gone. 2 says that the journal is not to be written before.
const LOSE_POWER: &str = "open(my $root, '<', $ARGV[0]) or die $!; my $how = pack('L', 2); \
                          ioctl($root, 0x8004587d, $how) or die $!;";

/// A mounted file system. Dropping it unmounts it.
#[derive(Debug)]
pub struct Disk {
    directory: TempDir,
    /// What is mounted: a device, an image, or nothing that is a file.
    source: PathBuf,
    options: String,
}

impl Disk {
    /// A tmpfs of so many KiB. `None` if it cannot be mounted here.
    pub fn in_memory(size_kib: u32) -> Option<Self> {
        let directory = TempDir::with_prefix("nsq-disk-").expect("create a directory");
        Self::mounted(directory, "tmpfs".into(), format!("size={size_kib}k"))
    }

    /// An ext4 of so many MiB, in an image. `None` if it cannot be made or mounted here.
    pub fn in_image(size_mib: u64) -> Option<Self> {
        let directory = TempDir::with_prefix("nsq-disk-").expect("create a directory");
        let image = directory.path().join("image");
        let file = File::create(&image).expect("create an image");
        file.set_len(size_mib << 20).expect("set the size of an image");
        let made = run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), image.as_ref()]);
        made.map_err(|reason| left_out(&reason)).ok()?;
        Self::mounted(directory, image, "loop".to_owned())
    }

    fn mounted(directory: TempDir, source: PathBuf, options: String) -> Option<Self> {
        let disk = Self {
            directory,
            source,
            options,
        };
        std::fs::create_dir(disk.path()).expect("create a mount point");
        disk.mount().map_err(|reason| left_out(&reason)).ok()?;
        Some(disk)
    }

    fn mount(&self) -> Result<(), String> {
        let root = self.path();
        let kind = if self.source.as_os_str() == "tmpfs" {
            "tmpfs"
        } else {
            "ext4"
        };
        run(
            "mount",
            &[
                "-t".as_ref(),
                kind.as_ref(),
                "-o".as_ref(),
                self.options.as_ref(),
                self.source.as_ref(),
                root.as_ref(),
            ],
        )
    }

    /// Its root.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Loses what is not synced. Whoever writes or reads from now on gets an error.
    #[track_caller]
    pub fn lose_power(&self) {
        let lost = run(
            "perl",
            &["-e".as_ref(), LOSE_POWER.as_ref(), self.path().as_ref()],
        );
        lost.expect("shut a file system down");
    }

    /// Has its power again, once nobody uses it: its journal is applied.
    #[track_caller]
    pub fn regain_power(&self) {
        run("umount", &[self.path().as_ref()]).expect("unmount");
        self.mount().expect("mount again");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A process of a failing test may still use it.
        let _ = run("umount", &["--lazy".as_ref(), self.path().as_ref()]);
    }
}

fn run(program: &str, arguments: &[&Path]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(format!("{program}: {}", complaint.trim()))
    }
}

/// Written past the capture of the test harness: a test that was left out must be seen.
fn left_out(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(
        std::io::stderr(),
        "LEFT OUT: {test}: no file system of its own: {reason}"
    );
}
