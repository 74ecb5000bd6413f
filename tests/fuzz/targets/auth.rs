//! Both sides of authorization: an answer and a question are read again from their own encodings, and whatever patterns
//! an answer has are compiled within their bounds or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsq_auth::{Answer, Question, Rules};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(answer) = Answer::from_json(bytes) {
        let json = serde_json::to_vec(&answer).expect("it is JSON");
        assert_eq!(Answer::from_json(&json).ok(), Some(answer.clone()));
        if let Ok(rules) = Rules::compile(&answer.authorizations) {
            let may_publish = answer.authorizations.iter().any(|one| one.permissions.publish);
            let may_subscribe = answer.authorizations.iter().any(|one| one.permissions.subscribe);
            assert!(may_publish || !rules.allow_publish("orders"));
            assert!(may_subscribe || !rules.allow_subscribe("orders", "billing"));
        }
    }

    let asked = str::from_utf8(bytes)
        .ok()
        .and_then(|form| Question::from_form(form).ok())
        .or_else(|| Question::from_json(bytes).ok());
    if let Some(question) = asked {
        assert_eq!(Question::from_form(&question.to_query()), Ok(question.clone()));
        let json = serde_json::to_vec(&question).expect("it is JSON");
        let again = Question::from_json(&json).expect("it was just written");
        if str::from_utf8(question.secret.reveal()).is_ok() {
            assert_eq!(again, question);
        }
    }
});
