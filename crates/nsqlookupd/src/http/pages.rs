//! Listings that are made while they are sent.

use std::iter;

use bytes::Bytes;
use nsq_http::{Body, Response, reply};

/// Pages are joined until there is this much to send at once, in bytes: a lookup with a thousand producers. It
/// bounds what a client that reads slowly keeps in memory.
const PIECE_LEN: usize = 256 * 1024;

/// The inside of a JSON array or object, which gets its commas here.
#[derive(Debug)]
pub(super) struct Items {
    json: Vec<u8>,
    is_first: bool,
}

impl Items {
    /// An array or object that begins with `opening`.
    pub(super) fn after(opening: impl Into<Vec<u8>>) -> Self {
        Self {
            json: opening.into(),
            is_first: true,
        }
    }

    /// Makes room for `len` more bytes, as far as they are sent at once.
    pub(super) fn reserve(&mut self, len: usize) {
        self.json.reserve(len.min(PIECE_LEN));
    }

    /// Adds the item that `put` appends.
    pub(super) fn push(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        if !std::mem::take(&mut self.is_first) {
            self.json.push(b',');
        }
        put(&mut self.json);
    }

    /// Adds the name of a topic or a channel, which has nothing to escape.
    pub(super) fn push_name(&mut self, name: &str) {
        self.push(|json| {
            json.push(b'"');
            json.extend_from_slice(name.as_bytes());
            json.push(b'"');
        });
    }

    /// All of it, followed by `closing`.
    pub(super) fn close(mut self, closing: &str) -> Vec<u8> {
        self.json.extend_from_slice(closing.as_bytes());
        self.json
    }
}

/// Answers with `items`, to which `add_page` adds a page at a time and tells whether another one follows, and
/// `closing`.
///
/// What fits in one piece is sent with its length; more is never in memory all at once.
pub(super) fn paged(
    items: Items,
    closing: &'static str,
    add_page: impl FnMut(&mut Items) -> bool + Send + Unpin + 'static,
) -> Response {
    let mut pieces = pieces(items, closing, add_page);
    let first = pieces.next().unwrap_or_default();
    match pieces.next() {
        None => reply::json_bytes(first),
        Some(second) => reply::json_bytes(Body::pieces([first, second].into_iter().chain(pieces))),
    }
}

fn pieces(
    mut items: Items,
    closing: &'static str,
    mut add_page: impl FnMut(&mut Items) -> bool,
) -> impl Iterator<Item = Bytes> {
    let mut is_open = true;
    iter::from_fn(move || {
        if !is_open {
            return None;
        }
        while is_open && items.json.len() < PIECE_LEN {
            is_open = add_page(&mut items);
        }
        if !is_open {
            items.json.extend_from_slice(closing.as_bytes());
        }
        Some(std::mem::take(&mut items.json).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(pages: Vec<Vec<&str>>) -> Vec<Bytes> {
        let mut pages = pages.into_iter();
        pieces(Items::after("["), "]", move |items| {
            for name in pages.next().unwrap() {
                items.push_name(name);
            }
            pages.len() > 0
        })
        .collect()
    }

    #[test]
    fn what_is_short_is_one_piece() {
        assert_eq!(listing(vec![vec![]]), ["[]"]);
        assert_eq!(listing(vec![vec!["a", "b"]]), [r#"["a","b"]"#]);
        assert_eq!(
            listing(vec![vec![], vec!["a"], vec![], vec!["b"]]),
            [r#"["a","b"]"#]
        );
    }

    #[test]
    fn what_is_long_comes_in_pieces_with_commas_across_them() {
        let long = "x".repeat(PIECE_LEN);
        let pieces = listing(vec![vec![&long], vec![&long, "a"], vec![]]);
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces.concat(), format!(r#"["{long}","{long}","a"]"#).as_bytes());
    }
}
