//! Equal answers, compiled once.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use nsq_auth::{Authorization, Rules, RulesError};
use parking_lot::Mutex;

/// The rules that connections hold, by the authorizations they were compiled from.
///
/// Thousands of connections usually share a few answers, and each of them is repeated when it has expired.
#[derive(Debug, Default)]
pub(super) struct RulesPool {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    rules: HashMap<Vec<Authorization>, Weak<Rules>>,
    /// Rules that nobody holds any more are looked for when there are this many.
    swept_at: usize,
}

impl RulesPool {
    /// The rules for `authorizations`, compiled if nobody holds them.
    pub(super) fn rules(&self, authorizations: Vec<Authorization>) -> Result<Arc<Rules>, RulesError> {
        let known = self
            .known
            .lock()
            .rules
            .get(&authorizations)
            .and_then(Weak::upgrade);
        if let Some(rules) = known {
            return Ok(rules);
        }
        // Not under the lock: it may take long.
        let rules = Arc::new(Rules::compile(&authorizations)?);
        self.known.lock().insert(authorizations, &rules);
        Ok(rules)
    }
}

impl Known {
    fn insert(&mut self, authorizations: Vec<Authorization>, rules: &Arc<Rules>) {
        if self.rules.len() >= self.swept_at {
            self.rules.retain(|_, rules| rules.strong_count() > 0);
            // In proportion to what is left, so that sweeping costs each insertion the same.
            self.swept_at = 2 * self.rules.len() + 8;
        }
        self.rules.insert(authorizations, Arc::downgrade(rules));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorizations(topic: &str) -> Vec<Authorization> {
        vec![Authorization {
            topic: topic.to_owned(),
            ..Authorization::default()
        }]
    }

    #[test]
    fn equal_authorizations_share_their_rules() {
        let pool = RulesPool::default();
        let rules = pool.rules(authorizations("a")).unwrap();
        assert!(Arc::ptr_eq(&rules, &pool.rules(authorizations("a")).unwrap()));
        assert!(!Arc::ptr_eq(&rules, &pool.rules(authorizations("b")).unwrap()));
    }

    #[test]
    fn rules_that_nobody_holds_are_forgotten() {
        let pool = RulesPool::default();
        let held = pool.rules(authorizations("held")).unwrap();
        for number in 0..1000 {
            drop(pool.rules(authorizations(&number.to_string())).unwrap());
        }
        assert!(pool.known.lock().rules.len() < 20);
        assert!(Arc::ptr_eq(&held, &pool.rules(authorizations("held")).unwrap()));
    }

    #[test]
    fn bad_patterns_are_not_kept() {
        let pool = RulesPool::default();
        assert!(pool.rules(authorizations("(")).is_err());
        assert!(pool.known.lock().rules.is_empty());
    }
}
