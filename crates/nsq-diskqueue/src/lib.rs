//! One FIFO of opaque records, byte-compatible with go-diskqueue; synchronous.
