//! Every byte of both NSQ TCP protocols, encoded and decoded; no I/O, no clock.
