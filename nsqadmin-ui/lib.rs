//! The built web pages of nsqadmin, embedded.
//!
//! `dist/` holds what the web build leaves, and is committed: building this crate needs no other toolchain. Any
//! set of files may be in it, flat; all but [`INDEX`] have a hash of their content in their names, so that a
//! browser may keep them for good.
//!
//! How the files are served, and what is put into the page, is left to the daemon.

/// The name of the page in which the application starts. It is a template: see [`HEAD`].
pub const INDEX: &str = "index.html";

/// What stands in the head of [`INDEX`], once and before anything that names a URL. The daemon puts the base URL
/// and the boot data there.
pub const HEAD: &str = "<!--nsqadmin-head-->";

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its name, which has no directories.
    pub name: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
    /// Its content in gzip's form, if that is smaller.
    pub gzip: Option<&'static [u8]>,
    /// A name of its content, for `ETag`, with its quotes.
    pub etag: &'static str,
}

/// Every file, by name.
static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Every file, by name.
pub fn all() -> &'static [Asset] {
    ASSETS
}

/// The file called `name`.
pub fn get(name: &str) -> Option<&'static Asset> {
    let at = ASSETS.binary_search_by(|asset| asset.name.cmp(name)).ok()?;
    ASSETS.get(at)
}

/// The media type that the extension of a file name stands for.
pub fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_one_place_for_what_the_daemon_adds_before_any_url() {
        let page = str::from_utf8(get(INDEX).unwrap().bytes).unwrap();
        let (before, after) = page.split_once(HEAD).unwrap();
        assert!(!after.contains(HEAD));
        for naming in ["href=", "src="] {
            assert!(!before.contains(naming), "{before}");
        }
    }

    #[test]
    fn every_file_is_found_by_its_name_and_no_other_name_is() {
        for asset in all() {
            assert_eq!(get(asset.name).unwrap().bytes, asset.bytes);
        }
        for name in ["", "nothing", "../Cargo.toml", "index.html/"] {
            assert!(get(name).is_none(), "{name}");
        }
    }

    #[test]
    fn every_file_has_a_known_type() {
        for asset in all() {
            assert_ne!(
                media_type(asset.name),
                "application/octet-stream",
                "{}",
                asset.name
            );
        }
    }
}
