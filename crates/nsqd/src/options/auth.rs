//! How authorization servers are asked.

/// The HTTP method of a question to an authorization server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthMethod {
    /// The question is in the query string.
    #[default]
    Get,
    /// The question is in a form body.
    Post,
}

impl AuthMethod {
    /// `get` or `post`, in small letters only.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "get" => Some(Self::Get),
            "post" => Some(Self::Post),
            _ => None,
        }
    }
}
