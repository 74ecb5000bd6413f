//! A terminal for a program under test to run at.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use nsq_testkit::peer::PATIENCE;
use parking_lot::{Condvar, Mutex};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A pseudo-terminal. The program has one side of it, the test sees and types at the other.
pub struct Terminal {
    keyboard: File,
    path: PathBuf,
    screen: Arc<Screen>,
    /// As long as this is open, the terminal is, whoever is at it.
    _open: File,
}

/// What has been written to a terminal.
#[derive(Default)]
struct Screen {
    text: Mutex<String>,
    changed: Condvar,
}

impl Terminal {
    /// Opens a terminal that nobody is at.
    pub fn open() -> Self {
        let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("open a terminal");
        grantpt(&own).expect("own the terminal");
        unlockpt(&own).expect("unlock the terminal");
        let name = ptsname(&own, Vec::new()).expect("the name of a terminal");
        let path = PathBuf::from(name.to_str().expect("a name in UTF-8"));
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .expect("open the other side of the terminal");
        let keyboard = File::from(own);
        let mut output = keyboard.try_clone().expect("another handle of the terminal");
        let screen = Arc::new(Screen::default());
        let shown = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The terminal ends with an error when nobody is at it any more.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let text = String::from_utf8_lossy(bytes.get(..count).unwrap_or_default()).into_owned();
                shown.text.lock().push_str(&text);
                shown.changed.notify_all();
            }
        });
        Self {
            keyboard,
            path,
            screen,
            _open: open,
        }
    }

    /// What puts a program at this terminal, as a shell writes it, with all that it reads and writes.
    ///
    /// Its old standard error stays open, by which [`Process`](crate::process::Process) sees that it runs.
    pub fn redirections(&self) -> String {
        format!("3>&2 <{0} >{0} 2>{0}", self.path.display())
    }

    /// The same for standard error alone.
    pub fn of_errors(&self) -> String {
        format!("3>&2 2>{}", self.path.display())
    }

    /// Types a line.
    pub fn type_line(&self, line: &str) {
        writeln!(&self.keyboard, "{line}").expect("type at the terminal");
    }

    /// Waits until `is_enough` finds what it looks for in what has been written so far, and returns that.
    #[track_caller]
    pub fn await_text<T>(&self, is_enough: impl Fn(&str) -> Option<T>) -> T {
        let mut text = self.screen.text.lock();
        self.screen
            .changed
            .wait_while_for(&mut text, |text| is_enough(text).is_none(), PATIENCE);
        match is_enough(&text) {
            Some(found) => found,
            None => panic!("this is all that was written: {text:?}"),
        }
    }

    /// Waits until `part` has been written.
    #[track_caller]
    pub fn await_part(&self, part: &str) {
        self.await_text(|text| text.contains(part).then_some(()));
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
