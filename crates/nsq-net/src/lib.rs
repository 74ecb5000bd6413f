//! Listeners and byte streams for servers and clients alike.
