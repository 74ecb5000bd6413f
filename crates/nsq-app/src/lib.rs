//! The shell of every process: log, signals, version line, exit codes.
