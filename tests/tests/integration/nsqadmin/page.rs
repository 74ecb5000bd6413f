//! The page of the web application, its files, and the base path.

use nsq_tests::{Cluster, Nsqadmin};
use serde_json::Value;

fn admin(flags: &[&str]) -> Nsqadmin {
    Cluster::start(1, 0).nsqadmin(flags)
}

/// The data that a page brings with it.
fn boot(page: &str) -> Value {
    let (_, rest) = page
        .split_once("<script type=\"application/json\" id=\"nsqadmin-boot\">")
        .unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(data).unwrap()
}

#[test]
fn every_page_is_the_application_with_a_strict_policy() {
    let admin = admin(&["--acl-http-header=X-User"]);
    for target in [
        "/",
        "/topics",
        "/topics/t",
        "/topics/t%23ephemeral/c",
        "/nodes",
        "/nodes/127.0.0.1:1",
        "/counter",
        "/lookup",
        "/channels",
        "/clients",
    ] {
        let page = admin.request("GET", target, "X-User: </script><b>\r\n", "");
        assert_eq!(page.status(), 200, "{target}");
        assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
        let policy = page.header("Content-Security-Policy").unwrap();
        assert!(
            policy.starts_with(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
            )
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(page.header("Cache-Control"), Some("no-cache"));
        assert_eq!(page.text().matches("<base href=\"/\">").count(), 1);
        assert_eq!(
            boot(page.text())["meta"]["user"],
            "</script><b>",
            "names cannot end the data"
        );
    }
}

#[test]
fn files_are_kept_for_ever_and_compressed() {
    let admin = admin(&[]);
    let page = admin.http().get("/");
    let (_, rest) = page.text().split_once("static/").unwrap();
    let name = rest.split(['"', '?']).next().unwrap();
    let target = format!("/static/{name}");
    let file = admin.http().get(&target);
    assert_eq!(file.status(), 200, "{target}");
    assert_eq!(
        file.header("Cache-Control"),
        Some("public, max-age=31536000, immutable")
    );
    let compressed = admin.request("GET", &target, "Accept-Encoding: gzip;q=1.0, br\r\n", "");
    assert_eq!(compressed.header("Content-Encoding"), Some("gzip"));
    assert!(compressed.body.len() < file.body.len());
    let etag = file.header("ETag").unwrap();
    let known = admin.request(
        "GET",
        &target,
        &format!("If-None-Match: {etag}\r\nConnection: close\r\n"),
        "",
    );
    assert_eq!((known.status(), known.body.len()), (304, 0));
    for missing in [
        "/static/nope.js",
        "/static/index.html",
        "/static/..%2Findex.html",
        "/fonts/x.woff2",
    ] {
        admin.http().get(missing).expect_text(404, "NOT_FOUND");
    }
}

#[test]
fn the_page_is_the_same_while_nobody_changes_anything() {
    let cluster = Cluster::start(1, 1);
    let admin = cluster.nsqadmin(&["--stats-interval=1s"]);
    let first = admin.await_ext("meta", |data| data["history"]["bytes"].as_u64() > Some(0));
    let etag = admin.http().get("/").header("ETag").unwrap().to_owned();
    cluster.create(0, "orders/billing");
    admin.await_ext("meta", |data| {
        data["history"]["series"].as_u64() > first["data"]["history"]["series"].as_u64()
    });
    let headers = format!("If-None-Match: {etag}\r\nConnection: close\r\n");
    assert_eq!(admin.request("GET", "/", &headers, "").status(), 304);
    assert_eq!(boot(admin.http().get("/").text())["meta"]["history"], Value::Null);
}

#[test]
fn everything_is_below_the_base_path() {
    let admin = admin(&["--base-path=a/b/"]);
    let page = admin.http().get("/a/b");
    assert_eq!(page.text().matches("<base href=\"/a/b/\">").count(), 1);
    assert_eq!(boot(page.text())["base_path"], "/a/b");
    admin.http().get("/a/b/ping").expect_text(200, "OK");
    assert_eq!(admin.http().get("/a/b/api/ext/overview").status(), 200);
    for outside in ["/", "/ping", "/api/topics", "/a", "/a/bc/ping"] {
        assert_eq!(admin.http().get(outside).status(), 404, "{outside}");
    }
    for (target, location) in [("/a/b/?x=1", "/a/b?x=1"), ("/a/b/topics/", "/a/b/topics")] {
        let moved = admin.http().get(target);
        assert_eq!((moved.status(), moved.header("Location")), (301, Some(location)));
    }
}

#[test]
fn large_answers_are_compressed_for_who_takes_it() {
    let admin = admin(&[]);
    let plain = admin.http().get("/");
    assert_eq!(plain.header("Content-Encoding"), None);
    assert_eq!(
        admin.http().get("/api/ext/meta").header("Cache-Control"),
        Some("no-store")
    );
    let compressed = admin.request("GET", "/", "Accept-Encoding: gzip\r\n", "");
    assert_eq!(compressed.header("Content-Encoding"), Some("gzip"));
    assert_eq!(compressed.body[..2], [0x1f, 0x8b]);
    let small = admin.request("GET", "/api/topics", "Accept-Encoding: gzip\r\n", "");
    assert_eq!(small.header("Content-Encoding"), None);
}

#[test]
fn a_directory_replaces_the_built_files_while_developing() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("main.js"), "1").unwrap();
    std::fs::write(directory.path().join("index.html"), "<!--nsqadmin-head-->mine").unwrap();
    let admin = admin(&[&format!("--dev-static-dir={}", directory.path().display())]);
    let file = admin.http().get("/static/main.js");
    assert_eq!(
        (file.text(), file.header("Cache-Control")),
        ("1", Some("no-cache"))
    );
    assert!(admin.http().get("/").text().ends_with("mine"));
    for outside in ["/static/..%2F..%2Fetc%2Fpasswd", "/static/.hidden", "/static/%00"] {
        assert_eq!(admin.http().get(outside).status(), 404, "{outside}");
    }
}
