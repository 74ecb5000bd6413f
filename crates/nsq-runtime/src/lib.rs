//! The only crate that reads a clock or spawns a task.
