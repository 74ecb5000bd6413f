//! The contract between nsqd and authorization servers, both sides.
//!
//! nsqd puts a [`Question`]: a secret, and what else it knows of the client that presented it. The server
//! gives an [`Answer`]: who that is, what it may publish and subscribe to, and for how long. nsqd compiles
//! the answer into [`Rules`] and asks them.
//!
//! HTTP, time, and which server is asked when are left to nsqd; who has which secret is left to the server.
//!
//! ```
//! use nsq_auth::{Answer, Rules};
//!
//! let answer = Answer::from_json(br#"{"ttl":60,"identity":"billing","authorizations":[
//!     {"topic":"^orders$","channels":["^billing$"],"permissions":["subscribe"]}]}"#)?;
//! let rules = Rules::compile(&answer.authorizations)?;
//!
//! assert!(rules.allow_subscribe("orders", "billing"));
//! assert!(!rules.allow_subscribe("orders", "archive"));
//! assert!(!rules.allow_publish("orders"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod form;
mod pattern;
mod question;
mod rules;
mod secret;

pub use answer::{Answer, AnswerError, Authorization, Permissions};
pub use pattern::PatternError;
pub use question::{Question, QuestionError};
pub use rules::{Rules, RulesError};
pub use secret::Secret;
