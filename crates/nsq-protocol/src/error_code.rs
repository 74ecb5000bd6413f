//! The `E_*` codes and which of them end the connection.

use std::fmt;

/// The first word of an error text.
///
/// Upstream: the codes are string literals throughout `nsqd/protocol_v2.go` and
/// `nsqlookupd/lookup_protocol_v1.go`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The first four bytes named no protocol this server speaks. Always sent without a description.
    BadProtocol,
    /// An unknown command, wrong parameters, or a command the connection's state does not allow.
    Invalid,
    /// A body that is missing, of a refused size, or not what its command asks for.
    BadBody,
    /// A message that is missing or of a refused size.
    BadMessage,
    /// A topic name that breaks the rule.
    BadTopic,
    /// A channel name that breaks the rule.
    BadChannel,
    /// A command that needs a successful AUTH before it.
    AuthFirst,
    /// The auth server did not answer validly.
    AuthFailed,
    /// AUTH sent to a server that has no auth server.
    AuthDisabled,
    /// The answer to AUTH could not be sent.
    AuthError,
    /// The secret does not permit the command.
    Unauthorized,
    /// The negotiated features exclude each other, or an upgrade failed.
    IdentifyFailed,
    /// The subscription was refused.
    SubFailed,
    /// The message of a PUB could not be queued.
    PubFailed,
    /// The messages of an MPUB could not be queued.
    MpubFailed,
    /// The message of a DPUB could not be queued.
    DpubFailed,
    /// The message of a FIN is not in flight to this client.
    FinFailed,
    /// The message of a REQ is not in flight to this client, or could not be requeued.
    ReqFailed,
    /// The message of a TOUCH is not in flight to this client.
    TouchFailed,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 19] = [
        Self::BadProtocol,
        Self::Invalid,
        Self::BadBody,
        Self::BadMessage,
        Self::BadTopic,
        Self::BadChannel,
        Self::AuthFirst,
        Self::AuthFailed,
        Self::AuthDisabled,
        Self::AuthError,
        Self::Unauthorized,
        Self::IdentifyFailed,
        Self::SubFailed,
        Self::PubFailed,
        Self::MpubFailed,
        Self::DpubFailed,
        Self::FinFailed,
        Self::ReqFailed,
        Self::TouchFailed,
    ];

    /// The code as it travels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadProtocol => "E_BAD_PROTOCOL",
            Self::Invalid => "E_INVALID",
            Self::BadBody => "E_BAD_BODY",
            Self::BadMessage => "E_BAD_MESSAGE",
            Self::BadTopic => "E_BAD_TOPIC",
            Self::BadChannel => "E_BAD_CHANNEL",
            Self::AuthFirst => "E_AUTH_FIRST",
            Self::AuthFailed => "E_AUTH_FAILED",
            Self::AuthDisabled => "E_AUTH_DISABLED",
            Self::AuthError => "E_AUTH_ERROR",
            Self::Unauthorized => "E_UNAUTHORIZED",
            Self::IdentifyFailed => "E_IDENTIFY_FAILED",
            Self::SubFailed => "E_SUB_FAILED",
            Self::PubFailed => "E_PUB_FAILED",
            Self::MpubFailed => "E_MPUB_FAILED",
            Self::DpubFailed => "E_DPUB_FAILED",
            Self::FinFailed => "E_FIN_FAILED",
            Self::ReqFailed => "E_REQ_FAILED",
            Self::TouchFailed => "E_TOUCH_FAILED",
        }
    }

    /// Whether nsqd closes the connection after sending this code.
    ///
    /// Only an answer about a single message leaves the connection open: the client may have lost a race with
    /// the message's timeout, which is no reason to lose everything else it holds.
    pub const fn is_fatal(self) -> bool {
        !matches!(self, Self::FinFailed | Self::ReqFailed | Self::TouchFailed)
    }

    /// The code that an error text received from a peer begins with, or `None` for one this crate does not
    /// know.
    ///
    /// ```
    /// use nsq_protocol::error_code::ErrorCode;
    ///
    /// assert_eq!(ErrorCode::of(b"E_INVALID cannot SUB in current state"), Some(ErrorCode::Invalid));
    /// ```
    pub fn of(text: &[u8]) -> Option<Self> {
        let word = text.split(|&byte| byte == b' ').next()?;
        Self::ALL
            .into_iter()
            .find(|code| code.as_str().as_bytes() == word)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_about_one_message_keep_the_connection() {
        let kept = ErrorCode::ALL
            .into_iter()
            .filter(|code| !code.is_fatal())
            .map(ErrorCode::as_str);
        assert_eq!(
            kept.collect::<Vec<_>>(),
            ["E_FIN_FAILED", "E_REQ_FAILED", "E_TOUCH_FAILED"]
        );
    }

    #[test]
    fn every_code_is_found_at_the_front_of_a_text() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::of(code.as_str().as_bytes()), Some(code));
            assert_eq!(
                ErrorCode::of(format!("{code} what happened").as_bytes()),
                Some(code)
            );
        }
    }

    #[test]
    fn other_first_words_are_no_code() {
        for text in [
            "",
            "OK",
            " E_INVALID",
            "E_INVALIDATED",
            "e_invalid",
            "E_BAD_TOPICS x",
        ] {
            assert_eq!(ErrorCode::of(text.as_bytes()), None);
        }
    }
}
