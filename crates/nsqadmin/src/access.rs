//! Who may do what.

use nsq_http::{ApiError, StatusCode};

use crate::caller::Caller;
use crate::daemon::Admin;
use crate::options::Access;

const FORBIDDEN: &str = "FORBIDDEN";

impl Admin {
    /// The name of the user, as the proxy in front says; empty if it does not.
    pub(crate) fn user<'r>(&self, caller: Caller<'r>) -> &'r str {
        caller.header(&self.options.acl_http_header)
    }

    /// Whether the sender may change things. Without any admin users, everyone may.
    pub(crate) fn is_admin(&self, caller: Caller<'_>) -> bool {
        let admins = &self.options.admin_users;
        let user = self.user(caller);
        admins.is_empty() || admins.iter().any(|admin| admin == user)
    }

    /// # Errors
    /// 403 `FORBIDDEN`: the sender may not change things.
    pub(crate) fn require_admin(&self, caller: Caller<'_>) -> Result<(), ApiError> {
        if self.is_admin(caller) {
            Ok(())
        } else {
            Err(forbidden())
        }
    }

    /// Whether the sender may do what `access` is about.
    pub(crate) fn may(&self, caller: Caller<'_>, access: Access) -> bool {
        match access {
            Access::All => true,
            Access::Off => false,
            Access::Admin => self.is_admin(caller),
        }
    }

    /// # Errors
    /// 403 `FORBIDDEN`: the sender is not in the network that may see the configuration. 400
    /// `INVALID_REMOTE_ADDR`: it has no address.
    pub(crate) fn require_config_network(&self, caller: Caller<'_>) -> Result<(), ApiError> {
        let Some(network) = &self.options.config_network else {
            return Ok(());
        };
        let address = caller.ip().ok_or(ApiError::bad_request("INVALID_REMOTE_ADDR"))?;
        if network.contains(address) {
            Ok(())
        } else {
            Err(forbidden())
        }
    }
}

pub(crate) fn forbidden() -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, FORBIDDEN)
}
