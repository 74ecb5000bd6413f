//! Load generation and limit servers for measuring NSQ daemons.
