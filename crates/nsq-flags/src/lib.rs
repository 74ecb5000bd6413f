//! Go's flag dialect and TOML, resolved as NSQ does: flag, file, default.
