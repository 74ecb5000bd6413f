//! Topics and channels: where a message waits, who holds it, when it returns.
