//! The HTTP dialect NSQ speaks.
