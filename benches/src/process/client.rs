//! A client under measurement: a process of its own, told when to begin.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;

use super::usage::Meter;
use crate::clock::Deadline;
use crate::error::{Doing, Error, Result};
use crate::library::{self, Work};

/// A started client; dropping it kills it. [`crate::library`] says what passes between it and this process.
#[derive(Debug)]
pub(crate) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    meter: Meter,
}

impl Client {
    /// Starts `program`, or this program's own client, and waits until it is connected.
    pub(crate) fn start(
        program: Option<&Path>,
        work: Work,
        arguments: [&str; 3],
        deadline: Deadline,
    ) -> Result<Self> {
        let own = std::env::current_exe().doing(|| "finding this program's own file")?;
        let mut command = Command::new(program.unwrap_or(&own));
        if program.is_none() {
            command.arg(library::COMMAND);
        }
        let mut child = command
            .arg(work.name())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .doing(|| "starting a client")?;
        let (sender, lines) = mpsc::sync_channel(1);
        let output = child.stdout.take();
        let client = Self {
            meter: Meter::of(child.id()),
            input: child.stdin.take(),
            child,
            lines,
        };
        let output =
            output.ok_or_else(|| Error::Server("the client's output could not be taken".to_owned()))?;
        thread::Builder::new()
            .name("client-output".to_owned())
            .spawn(move || {
                let lines = BufReader::new(output).lines().map_while(std::result::Result::ok);
                // It ends with the client, or when nobody listens any more.
                for line in lines {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            })
            .doing(|| "starting a thread")?;
        client.expect("ready", deadline)?;
        Ok(client)
    }

    /// Its counters.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Lets it begin, and waits until it is done. Returns what it says beside that.
    pub(crate) fn run(&mut self, line: &[u8], deadline: Deadline) -> Result<String> {
        if let Some(input) = &mut self.input {
            input
                .write_all(&[line, b"\n"].concat())
                .doing(|| "telling the client to begin")?;
        }
        self.expect("done", deadline)
    }

    /// Lets it end in good order.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.input = None;
        let status = self.child.wait().doing(|| "waiting for the client to end")?;
        if status.success() {
            Ok(())
        } else {
            Err(Error::Server(format!("the client ended with {status}")))
        }
    }

    /// Waits for a line that begins with `word`, and returns the rest of it.
    fn expect(&self, word: &str, deadline: Deadline) -> Result<String> {
        match self.lines.recv_timeout(deadline.remaining()) {
            Ok(line) => match line.strip_prefix(word) {
                Some(rest) => Ok(rest.trim().to_owned()),
                None => Err(Error::Server(format!(
                    "the client says {line:?} instead of {word:?}"
                ))),
            },
            Err(RecvTimeoutError::Timeout) => deadline
                .check(|| format!("awaiting {word:?} of the client"))
                .map(|()| String::new()),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Error::Server(format!("the client ended without saying {word:?}")))
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Both fail only if the child has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
