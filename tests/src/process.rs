//! A program as a child process that cannot outlive its test.

use std::ffi::OsStr;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nsq_testkit::peer::{PATIENCE, Stopwatch};
use parking_lot::{Condvar, Mutex};
use rustix::process::{Pid, Signal, kill_process};

/// A child that runs longer than this is killed, and its test fails on whatever it was waiting for.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How much of its log a process shows when its test fails: the end, where the trouble is.
const LOG_SHOWN_MAX: usize = 60;

/// A running child process. Dropping it kills it; when the test is failing, its log is printed.
pub struct Process {
    child: Child,
    program: PathBuf,
    stdout: Arc<Log>,
    stderr: Arc<Log>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Exit {
    /// The exit status; a signal that killed the process is in it.
    pub status: ExitStatus,
    /// From the wait, or from the signal that asked it to end, to the end.
    pub took: Duration,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl Process {
    /// Starts `program` in `directory`.
    pub fn start<S: AsRef<OsStr>>(program: &Path, directory: &Path, arguments: &[S]) -> Self {
        Self::start_with_limit(program, directory, arguments, TIME_LIMIT)
    }

    /// Starts `program` in `directory` with a time limit of its own.
    pub fn start_with_limit<S: AsRef<OsStr>>(
        program: &Path,
        directory: &Path,
        arguments: &[S],
        limit: Duration,
    ) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|err| panic!("cannot start {}: {err}", program.display()));
        let stdout = Log::collect(child.stdout.take().expect("standard output is piped"));
        let stderr = Log::collect(child.stderr.take().expect("standard error is piped"));
        let watched = Arc::clone(&stderr);
        let pid = Pid::from_child(&child);
        thread::spawn(move || {
            if !watched.ends_within(limit) {
                // The child cannot have been replaced by another process of the same id: it still holds
                // its standard error open.
                let _ = kill_process(pid, Signal::KILL);
                watched.push(format!("HARNESS: killed after the time limit of {limit:?}"));
            }
        });
        Self {
            child,
            program: program.to_owned(),
            stdout,
            stderr,
        }
    }

    /// Runs `program` to its end.
    pub fn run<S: AsRef<OsStr>>(program: &Path, directory: &Path, arguments: &[S]) -> Exit {
        Self::start(program, directory, arguments).wait()
    }

    /// Starts `program` with its standard input, output or both redirected as a shell writes it: `<in >out`.
    pub fn start_redirected<S: AsRef<OsStr>>(
        program: &Path,
        directory: &Path,
        arguments: &[S],
        redirections: &str,
        limit: Duration,
    ) -> Self {
        let script = format!("exec \"$0\" \"$@\" {redirections}");
        let shell = [OsStr::new("-c"), script.as_ref(), program.as_os_str()];
        let arguments: Vec<&OsStr> = shell
            .into_iter()
            .chain(arguments.iter().map(AsRef::as_ref))
            .collect();
        Self::start_with_limit(Path::new("/bin/sh"), directory, &arguments, limit)
    }

    /// What it has written to standard error so far, by line.
    pub fn log(&self) -> &Log {
        &self.stderr
    }

    /// What it has written to standard output so far, by line.
    pub fn output(&self) -> &Log {
        &self.stdout
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal)
            .expect("signal a child that has not been waited for");
    }

    /// Waits for the end; the time limit bounds it.
    pub fn wait(mut self) -> Exit {
        let stopwatch = Stopwatch::start();
        let status = self.child.wait().expect("wait for a child");
        let took = stopwatch.elapsed();
        Exit {
            status,
            took,
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
        }
    }

    /// Resident memory in bytes, as the kernel counts it now.
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&path).expect("read the status of a child");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("VmRSS of a live process");
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("VmRSS in kB");
        kibibytes * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the child has already been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.stderr.ends_within(PATIENCE);
            let lines = self.stderr.lines();
            let hidden = lines.len().saturating_sub(LOG_SHOWN_MAX);
            eprintln!(
                "--- log of {}, without {hidden} earlier lines ---",
                self.program.display()
            );
            for line in lines.iter().skip(hidden) {
                eprintln!("{line}");
            }
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("program", &self.program)
            .field("id", &self.child.id())
            .finish_non_exhaustive()
    }
}

/// The lines a process has written to one of its outputs.
#[derive(Default)]
pub struct Log {
    state: Mutex<LogState>,
    changed: Condvar,
}

#[derive(Default)]
struct LogState {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    /// Reads `output` on a thread that ends with it.
    fn collect(output: impl Read + Send + 'static) -> Arc<Self> {
        let log = Arc::new(Self::default());
        let writer = Arc::clone(&log);
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while output.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
                writer.push(text.into_owned());
                line.clear();
            }
            writer.state.lock().ended = true;
            writer.changed.notify_all();
        });
        log
    }

    fn push(&self, line: String) {
        self.state.lock().lines.push(line);
        self.changed.notify_all();
    }

    fn ends_within(&self, limit: Duration) -> bool {
        let mut state = self.state.lock();
        self.changed
            .wait_while_for(&mut state, |state| !state.ended, limit);
        state.ended
    }

    /// Everything up to the end of the output.
    fn text(&self) -> String {
        self.ends_within(PATIENCE);
        let mut text = self.state.lock().lines.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    /// Waits for a line that contains `part`, among those already written and those to come.
    #[track_caller]
    pub fn await_line(&self, part: &str) -> String {
        self.await_lines(part, 1).swap_remove(0)
    }

    /// Waits until `count` lines contain `part`, and returns them.
    #[track_caller]
    pub fn await_lines(&self, part: &str, count: usize) -> Vec<String> {
        self.await_lines_within(PATIENCE, part, count)
    }

    /// The same for what takes longer, such as a client that only looks around from time to time.
    #[track_caller]
    pub fn await_lines_within(&self, limit: Duration, part: &str, count: usize) -> Vec<String> {
        let matching = |state: &LogState| -> Vec<String> {
            state
                .lines
                .iter()
                .filter(|line| line.contains(part))
                .cloned()
                .collect()
        };
        let mut state = self.state.lock();
        self.changed.wait_while_for(
            &mut state,
            |state| matching(state).len() < count && !state.ended,
            limit,
        );
        let lines = matching(&state);
        assert!(
            lines.len() >= count,
            "found {} of {count} log lines with {part:?} in:\n{}",
            lines.len(),
            state.lines.join("\n")
        );
        lines
    }

    /// Whether a line written so far contains `part`.
    pub fn contains(&self, part: &str) -> bool {
        self.state.lock().lines.iter().any(|line| line.contains(part))
    }

    /// The lines written so far.
    pub fn lines(&self) -> Vec<String> {
        self.state.lock().lines.clone()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}
