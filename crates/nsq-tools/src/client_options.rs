//! `--consumer-opt` and `--producer-opt`: options of the client library.

use nsq_app::{Exit, VERSION};
use nsq_client::Config;
use nsq_flags::{ConfigValue, SetError, Value};

use crate::shell::fail;

/// What the flag has set so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientOptions(Config);

impl ClientOptions {
    /// The configuration of a client of the utility `name`.
    pub(crate) fn config(&self, name: &str) -> Config {
        let mut config = self.0.clone();
        config.user_agent = format!("{name}/{VERSION} nsq-rs/{}", env!("CARGO_PKG_VERSION"));
        config
    }

    /// The configuration of a consumer, for which `--max-in-flight` wins over what the flag has set.
    ///
    /// # Errors
    /// A number that is not to be had, in upstream's words.
    pub(crate) fn consumer_config(&self, name: &str, max_in_flight: i64) -> Result<Config, Exit> {
        let mut config = self.config(name);
        config.max_in_flight = u32::try_from(max_in_flight.min(u32::MAX.into()))
            .map_err(|_| fail(format_args!("invalid MaxInFlight ! {max_in_flight} < 0")))?;
        config.validate().map_err(fail)?;
        Ok(config)
    }
}

impl Value for ClientOptions {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        self.0
            .set_pair(text)
            .map_err(|error| SetError::Invalid(error.to_string()))
    }

    fn kind(&self) -> &'static str {
        "list of `key,value`"
    }

    fn text(&self) -> String {
        String::new()
    }

    fn is_zero(&self) -> bool {
        true
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Text(String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_the_utility_win() {
        let mut options = ClientOptions::default();
        options.set("max-in-flight,5").unwrap();
        options.set("user_agent,mine").unwrap();
        let config = options.consumer_config("nsq_tail", 7).unwrap();
        assert_eq!(config.max_in_flight, 7);
        assert!(config.user_agent.starts_with("nsq_tail/1.3.0 "));
    }

    #[test]
    fn what_cannot_be_is_refused_in_upstreams_words() {
        let mut options = ClientOptions::default();
        assert_eq!(
            options.set("nope,1").unwrap_err().to_string(),
            "invalid option nope"
        );
        assert_eq!(
            options.consumer_config("nsq_tail", -1),
            Err(Exit::Dated("invalid MaxInFlight ! -1 < 0".to_owned()))
        );
        options.set("heartbeat_interval,90s").unwrap();
        assert_eq!(
            options.consumer_config("nsq_tail", 1),
            Err(Exit::Dated(
                "HeartbeatInterval 1m30s must be less than ReadTimeout 1m0s".to_owned()
            ))
        );
    }
}
