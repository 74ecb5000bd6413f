//! `/debug/*`: routes that operators' tools probe; their content belongs to the runtime behind them.

use nsq_tests::{Nsqd, deviates};

#[test]
fn the_profile_index_is_a_page_and_its_directory_is_redirected() {
    let nsqd = Nsqd::start();

    let response = nsqd.http().get("/debug/pprof/");
    assert_eq!(response.status(), 200, "{response:?}");
    let response = nsqd.http().get("/debug/pprof");
    assert_eq!(
        (response.status(), response.header("Location")),
        (301, Some("/debug/pprof/"))
    );
}

#[test]
fn the_command_line_is_given_with_nul_between_arguments() {
    let nsqd = Nsqd::with(&["--node-id=7"]);

    let response = nsqd.http().get("/debug/pprof/cmdline");
    assert_eq!(response.status(), 200, "{response:?}");
    assert!(response.text().ends_with("\0--node-id=7"), "{response:?}");
}

#[test]
fn symbols_can_be_asked_for() {
    let nsqd = Nsqd::start();
    for method in ["GET", "POST"] {
        let response = nsqd.http().request(method, "/debug/pprof/symbol", "");
        assert_eq!(response.status(), 200, "{response:?}");
        assert!(response.text().starts_with("num_symbols: "), "{response:?}");
    }
}

#[test]
fn profiles_that_do_not_exist_are_not_found() {
    let nsqd = Nsqd::start();
    for profile in ["allocs", "mutex", "trace", "nope"] {
        nsqd.http()
            .get(&format!("/debug/pprof/{profile}"))
            .expect_error(404, "NOT_FOUND");
    }
}

#[test]
fn a_block_rate_is_an_integer() {
    let nsqd = Nsqd::start();
    let response = nsqd.http().put("/debug/setblockrate?rate=x", "");
    response.expect_text(
        400,
        r#"invalid block rate : strconv.Atoi: parsing "x": invalid syntax"#,
    );
}

#[test]
fn block_rate_and_free_memory_report_success() {
    deviates!(DebugEndpointsSucceed);
    let nsqd = Nsqd::start();

    nsqd.http()
        .put("/debug/setblockrate?rate=1", "")
        .expect_empty(200);
    nsqd.http().post("/debug/freememory", "").expect_empty(200);
}
