use nsq_auth::Secret;
use proptest::prelude::*;

use super::*;

/// What pynsqauthd ships for its own tests.
const UPSTREAM: &str = "\
login,ip,tls_required,topic,channel,subscribe,publish
,127.0.0.3,false,test,test,subscribe,
test,,false,test,test,subscribe,
test_local,127.0.0.1,true,local,.*,subscribe,publish
test_publish,127.0.0.1,false,test_publish,,,publish
";

const TOML: &str = r#"
[[identity]]
name = "billing"
url = "https://wiki/billing"
secret = "hunter2"
networks = ["10.0.0.0/8", "::1"]
tls_required = true

[[identity.allow]]
topic = "orders"
permissions = ["subscribe", "publish"]
channels = ["billing", "b.*"]

[[identity.allow]]
topic = "invoices|credits"
permissions = ["publish"]

[[identity]]
name = "audit"
common_name = "audit.example.com"

[[identity.allow]]
topic = ".*"
permissions = ["subscribe"]
"#;

fn question(secret: &str, ip: &str, tls: bool) -> Question {
    Question {
        common_name: String::new(),
        remote_ip: ip.to_owned(),
        secret: Secret::new(secret.as_bytes()),
        tls,
    }
}

#[track_caller]
fn answer(policy: &Policy, question: &Question) -> Answer {
    match policy.decide(question, 60) {
        Verdict::Answer(answer) => answer,
        Verdict::NotAuthorized => panic!("not authorized"),
    }
}

fn json(policy: &Policy, question: &Question) -> String {
    serde_json::to_string(&answer(policy, question).authorizations).unwrap()
}

fn csv(rows: &str) -> Result<Policy, PolicyError> {
    Policy::from_csv(
        &format!("login,ip,tls_required,topic,channel,subscribe,publish\n{rows}"),
        false,
    )
}

fn toml_refusal(text: &str) -> String {
    Policy::from_toml(text).unwrap_err().to_string()
}

#[test]
fn upstreams_file_says_what_it_says_to_upstream() {
    let policy = Policy::from_csv(UPSTREAM, false).unwrap();
    assert_eq!(
        json(&policy, &question("test", "1.2.3.4", false)),
        r#"[{"topic":"test","channels":["test"],"permissions":["subscribe"]}]"#
    );
    assert_eq!(
        json(&policy, &question("test_local", "127.0.0.1", true)),
        r#"[{"topic":"local","channels":[".*"],"permissions":["subscribe","publish"]}]"#
    );
    assert_eq!(
        json(&policy, &question("test_publish", "127.0.0.1", false)),
        r#"[{"topic":"test_publish","channels":[""],"permissions":["publish"]}]"#
    );
    assert_eq!(
        json(&policy, &question("", "127.0.0.3", false)),
        r#"[{"topic":"test","channels":["test"],"permissions":["subscribe"]}]"#
    );
    for (secret, ip, tls) in [
        ("test_local", "127.0.0.1", false),
        ("test_local", "127.0.0.2", true),
        ("test_local", "", true),
        ("test_publish", "nonsense", false),
        ("unknown", "127.0.0.1", true),
    ] {
        assert_eq!(
            json(&policy, &question(secret, ip, tls)),
            "[]",
            "{secret} {ip} {tls}"
        );
    }
    assert_eq!(
        policy.decide(&question("", "127.0.0.1", false), 60),
        Verdict::NotAuthorized
    );
}

#[test]
fn rows_for_one_topic_and_the_same_rights_are_one_authorization() {
    let policy =
        csv("a,,,t,c1,subscribe,\na,,,t,c2,subscribe,\n,,,t,c1,subscribe,\na,,,t,,,publish\n").unwrap();
    assert_eq!(
        json(&policy, &question("a", "", false)),
        r#"[{"topic":"t","channels":["c1","c2"],"permissions":["subscribe"]},{"topic":"t","channels":[""],"permissions":["publish"]}]"#
    );
}

#[test]
fn a_row_that_permits_nothing_is_left_out_and_named() {
    let policy = csv("a,,,t,c,yes,no\nb,,,t,c,SUBSCRIBE,\n").unwrap();
    assert_eq!(
        policy.warnings(),
        ["line 2 permits neither to subscribe nor to publish"]
    );
    assert_eq!(policy.to_string(), "entries: 1, authorizations: 1");
    assert_eq!(json(&policy, &question("a", "", false)), "[]");
}

#[test]
fn patterns_of_csv_are_anchored_where_that_is_asked_for() {
    let text = "login,ip,tls_required,topic,channel,subscribe,publish\na,,,x|y,,,publish\n";
    let policy = Policy::from_csv(text, true).unwrap();
    let answer = answer(&policy, &question("a", "", false));
    assert_eq!(answer.authorizations[0].topic, "^(?:x|y)$");
    let rules = Rules::compile(&answer.authorizations).unwrap();
    assert!(rules.allow_publish("x") && !rules.allow_publish("xx"));
}

#[test]
fn the_other_name_of_the_tls_column_has_a_meaning_of_its_own() {
    let policy = |tls: &str| {
        let text = format!("login,ip,tls,topic,channel,subscribe,publish\na,,{tls},t,c,subscribe,\n");
        Policy::from_csv(&text, false).unwrap()
    };
    for (cell, plain, encrypted) in [
        ("true", false, true),
        ("false", true, false),
        ("both", true, true),
        ("", true, true),
    ] {
        let allowed = |tls| json(&policy(cell), &question("a", "", tls)) != "[]";
        assert_eq!((allowed(false), allowed(true)), (plain, encrypted), "{cell}");
    }
}

#[test]
fn csv_may_name_certificates_and_identities() {
    let text = "login,ip,tls_required,topic,channel,subscribe,publish,common_name,identity\n\
                ,,,t,c,subscribe,,joe.example.com,joe\n";
    let policy = Policy::from_csv(text, false).unwrap();
    let asked = Question {
        common_name: "joe.example.com".to_owned(),
        ..question("", "", true)
    };
    assert_eq!(answer(&policy, &asked).identity, "joe");
    let plain = Question { tls: false, ..asked };
    assert_eq!(policy.decide(&plain, 60), Verdict::NotAuthorized);
}

#[test]
fn what_is_wrong_with_csv_is_told_by_its_line() {
    for (text, reason) in [
        ("", "line 1: there is no column login"),
        ("login,ip\n", "line 1: there is no column tls_required"),
        (
            "login,ip,tls_required,topic,channel,subscribe\n",
            "line 1: there is no column publish",
        ),
    ] {
        assert_eq!(Policy::from_csv(text, false).unwrap_err().to_string(), reason);
    }
    for (rows, reason) in [
        ("a,,,t\n", "line 2: 4 columns instead of 7"),
        (
            "a,,,t,c,,\nb,host,,t,c,,\n",
            "line 3: ip is neither an address nor a prefix",
        ),
        ("a,,maybe,t,c,,\n", "line 2: tls is none of the words it may be"),
        (
            "hunter2,,,(,c,subscribe,\n",
            "unable to compile topic \"(\" unclosed group",
        ),
    ] {
        assert_eq!(csv(rows).unwrap_err().to_string(), reason);
    }
}

#[test]
fn toml_says_who_may_do_what_and_patterns_are_whole_names() {
    let policy = Policy::from_toml(TOML).unwrap();
    let billing = answer(&policy, &question("hunter2", "10.1.2.3", true));
    assert_eq!(
        (
            billing.identity.as_str(),
            billing.identity_url.as_str(),
            billing.ttl_s
        ),
        ("billing", "https://wiki/billing", 60)
    );
    let rules = Rules::compile(&billing.authorizations).unwrap();
    assert!(rules.allow_subscribe("orders", "billing") && rules.allow_subscribe("orders", "b2"));
    assert!(rules.allow_publish("orders") && rules.allow_publish("credits"));
    assert!(!rules.allow_subscribe("orders", "audit") && !rules.allow_subscribe("invoices", "billing"));
    assert!(!rules.allow_publish("orders2") && !rules.allow_publish("xcredits"));

    let audit = Question {
        common_name: "audit.example.com".to_owned(),
        ..question("", "", true)
    };
    let rules = Rules::compile(&answer(&policy, &audit).authorizations).unwrap();
    assert!(rules.allow_subscribe("anything", "any") && !rules.allow_publish("anything"));
}

#[test]
fn every_condition_of_an_identity_has_to_be_met() {
    let policy = Policy::from_toml(TOML).unwrap();
    for (secret, ip, tls) in [
        ("hunter2", "10.1.2.3", false),
        ("hunter2", "11.1.2.3", true),
        ("hunter2", "", true),
        ("hunter", "10.1.2.3", true),
        ("hunter22", "10.1.2.3", true),
    ] {
        assert_eq!(
            json(&policy, &question(secret, ip, tls)),
            "[]",
            "{secret} {ip} {tls}"
        );
    }
    assert_eq!(
        policy.decide(&question("", "10.1.2.3", true), 60),
        Verdict::NotAuthorized
    );
}

#[test]
fn a_secret_may_be_stored_as_its_digest() {
    let policy = Policy::from_toml(
        "[[identity]]\nname = 'a'\n\
         secret_sha256 = 'f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7'\n\
         allow = [{ topic = 't', permissions = ['publish'] }]\n",
    )
    .unwrap();
    assert_ne!(json(&policy, &question("hunter2", "", false)), "[]");
    assert_eq!(json(&policy, &question("hunter3", "", false)), "[]");
}

#[test]
fn what_is_wrong_with_toml_is_told_by_its_line() {
    let identity = |rest: &str| format!("\n[[identity]]\nname = 'a'\n{rest}\n");
    for (rest, reason) in [
        ("", "one of secret, common_name and networks is needed"),
        ("secret = ''", "a secret is not empty"),
        ("common_name = ''", "a common_name is not empty"),
        (
            "secret = 'hunter2'\nsecret_sha256 = 'x'",
            "secret and secret_sha256 exclude each other",
        ),
        (
            "secret_sha256 = 'hunter2'",
            "secret_sha256 is not 64 hexadecimal digits",
        ),
        (
            "networks = ['host']",
            "\"host\" is neither an address nor a prefix",
        ),
        (
            "secret = 'x'\nallow = [{ topic = 't', permissions = [] }]",
            "topic \"t\": permissions are not empty",
        ),
        (
            "secret = 'x'\nallow = [{ topic = 't', permissions = ['publish'], channels = ['c'] }]",
            "topic \"t\": channels are of no use without the permission to subscribe",
        ),
    ] {
        assert_eq!(toml_refusal(&identity(rest)), format!("line 2: \"a\": {reason}"));
    }
    let bad_pattern = identity("secret = 'x'\nallow = [{ topic = '(', permissions = ['publish'] }]");
    assert_eq!(
        toml_refusal(&bad_pattern),
        "identity \"a\": unable to compile topic \"^(?:()$\" unclosed group"
    );
    assert!(toml_refusal(&identity("colour = 'red'")).starts_with("line 4: unknown field"));
    assert!(toml_refusal("[[identity]]\nsecret = 'x'\n").contains("missing field `name`"));
}

#[test]
fn no_error_shows_a_secret() {
    for text in [
        "[[identity]]\nname = 'a'\nsecret = 'hunter2\n",
        "[[identity]]\nname = 'a'\nsecret = ['hunter2']\n",
        "[[identity]]\nname = 'a'\nsecret_sha256 = 'hunter2'\n",
        "[[identity]]\nname = 'a'\nsecret = 'hunter2'\ntls_required = 5\n",
        "[[identity]]\nname = 'a'\nsecret = 'hunter2' x\n",
    ] {
        let refusal = toml_refusal(text);
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }
    let refusal = csv("hunter2,hunter2,hunter2,t,c,subscribe,\n")
        .unwrap_err()
        .to_string();
    assert!(!refusal.contains("hunter2"), "{refusal}");
    let policy = Policy::from_toml(TOML).unwrap();
    assert!(!format!("{policy:?}").contains("hunter2"));
}

#[test]
fn a_file_is_read_by_the_end_of_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    fs::write(path("users.toml"), TOML).unwrap();
    fs::write(path("users.csv"), UPSTREAM).unwrap();
    fs::write(path("binary"), b"\xff").unwrap();
    let shown = |name| Policy::load(&path(name), false).map(|policy| policy.to_string());
    assert_eq!(shown("users.toml").unwrap(), "entries: 2, authorizations: 3");
    assert_eq!(shown("users.csv").unwrap(), "entries: 4, authorizations: 4");
    assert!(shown("binary").is_err() && shown("missing").is_err());
}

proptest! {
    #[test]
    fn no_file_upsets_the_reader(text in "(?s).{0,200}", rows in "[a-z,\"\n/.0-9(]{0,80}") {
        let _ = Policy::from_toml(&text);
        let _ = Policy::from_csv(&text, false);
        let _ = csv(&rows);
    }
}
