//! Which crate may know which: the invariants of the workspace as its manifests show them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::{directories, relative, root};

/// Every library crate with the crates of this workspace that it may use.
const USES: &[(&str, &[&str])] = &[
    ("nsq-protocol", &[]),
    ("nsq-diskqueue", &[]),
    ("nsq-runtime", &[]),
    ("nsq-flags", &[]),
    ("nsq-auth", &[]),
    ("nsq-core", &["nsq-protocol", "nsq-diskqueue", "nsq-runtime"]),
    ("nsq-net", &["nsq-runtime"]),
    ("nsq-http", &["nsq-net", "nsq-runtime"]),
    // The shell prints the usage and the version, which it takes from the flag set.
    ("nsq-app", &["nsq-runtime", "nsq-flags"]),
    ("nsq-clusterinfo", &["nsq-http", "nsq-protocol"]),
    (
        "nsq-client",
        // Options are given as text in Go's forms of numbers and durations.
        &["nsq-protocol", "nsq-net", "nsq-http", "nsq-runtime", "nsq-flags"],
    ),
    (
        "nsqd",
        &[
            "nsq-core",
            "nsq-auth",
            "nsq-protocol",
            "nsq-net",
            "nsq-http",
            "nsq-runtime",
            "nsq-flags",
            "nsq-app",
        ],
    ),
    (
        "nsqlookupd",
        &[
            "nsq-protocol",
            "nsq-net",
            "nsq-http",
            "nsq-runtime",
            "nsq-flags",
            "nsq-app",
        ],
    ),
    ("nsqadmin-ui", &[]),
    (
        "nsqadmin",
        &[
            "nsqadmin-ui",
            "nsq-clusterinfo",
            // Watching the messages of a topic is consuming them.
            "nsq-client",
            "nsq-net",
            "nsq-http",
            "nsq-protocol",
            "nsq-runtime",
            "nsq-flags",
            "nsq-app",
        ],
    ),
    (
        "nsq-tools",
        &[
            "nsq-client",
            "nsq-clusterinfo",
            // nsqauthd is a server.
            "nsq-net",
            "nsq-http",
            "nsq-auth",
            // nsq_diskqueue reads the files of an nsqd that is not running.
            "nsq-diskqueue",
            "nsq-protocol",
            "nsq-runtime",
            "nsq-flags",
            "nsq-app",
        ],
    ),
    (
        // The one place where the daemons meet, and only to be started.
        "nsq",
        &[
            "nsqd",
            "nsqlookupd",
            "nsqadmin",
            "nsq-net",
            "nsq-runtime",
            "nsq-flags",
            "nsq-app",
        ],
    ),
    (
        "nsq-testkit",
        &["nsq-protocol", "nsq-diskqueue", "nsq-net", "nsq-runtime"],
    ),
];

/// Crates that must compile where there is no asynchronous runtime.
const WITHOUT_TOKIO: &[&str] = &["nsq-protocol", "nsq-diskqueue", "nsq-flags"];

/// What the main of a program may use beside the crate that is the program.
const USED_BY_MAINS: &[&str] = &["nsq-app", "nsq-runtime"];

/// The one crate that only tests may use.
const TEST_ONLY: &str = "nsq-testkit";

fn manifest(directory: &Path) -> Table {
    let path = directory.join("Cargo.toml");
    let text =
        fs::read_to_string(&path).unwrap_or_else(|err| panic!("cannot read {}: {err}", relative(&path)));
    text.parse()
        .unwrap_or_else(|err| panic!("{}: {err}", relative(&path)))
}

fn package_name(manifest: &Table) -> &str {
    manifest["package"]["name"].as_str().unwrap()
}

/// The names in one dependency table of a manifest, on every platform.
fn dependencies(manifest: &Table, table: &str) -> BTreeSet<String> {
    let on_platforms = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::values);
    let tables = on_platforms.filter_map(Value::as_table).chain([manifest]);
    tables
        .filter_map(|holder| holder.get(table)?.as_table())
        .flat_map(Table::keys)
        .cloned()
        .collect()
}

/// The dependencies that are crates of this workspace.
fn own(manifest: &Table, table: &str) -> BTreeSet<String> {
    let own: BTreeSet<_> = USES.iter().map(|(name, _)| *name).collect();
    dependencies(manifest, table)
        .into_iter()
        .filter(|name| own.contains(name.as_str()))
        .collect()
}

#[test]
fn library_crates_use_each_other_only_as_designed() {
    for directory in directories("crates") {
        let manifest = manifest(&directory);
        let name = package_name(&manifest);
        assert_eq!(
            directory.file_name().unwrap(),
            name,
            "a crate lives in the directory of its name"
        );
        let (_, allowed) = USES.iter().find(|(known, _)| *known == name).unwrap_or_else(|| {
            panic!("{name} has no place in the design: give it one in this table and in the documents")
        });
        for used in own(&manifest, "dependencies")
            .iter()
            .chain(&own(&manifest, "build-dependencies"))
        {
            assert!(allowed.contains(&used.as_str()), "{name} must not use {used}");
        }
    }
}

#[test]
fn what_only_tests_may_use_is_used_by_tests_alone() {
    for parent in ["crates", "bins"] {
        for directory in directories(parent) {
            let manifest = manifest(&directory);
            let name = package_name(&manifest);
            let used = own(&manifest, "dependencies");
            assert!(
                name == TEST_ONLY || !used.contains(TEST_ONLY),
                "{name} must use {TEST_ONLY} in its tests alone"
            );
        }
    }
}

#[test]
fn parsers_and_files_need_no_asynchronous_runtime() {
    for name in WITHOUT_TOKIO {
        let manifest = manifest(&root().join("crates").join(name));
        for used in dependencies(&manifest, "dependencies") {
            let asynchronous = ["tokio", "hyper", "axum", "tower", "mio"]
                .iter()
                .any(|crate_| used.starts_with(crate_));
            assert!(!asynchronous, "{name} must not use {used}");
        }
    }
}

#[test]
fn every_program_is_a_package_with_one_main() {
    for directory in directories("bins") {
        let manifest = manifest(&directory);
        let program = directory.file_name().unwrap().to_str().unwrap();
        assert_eq!(package_name(&manifest), format!("{program}-bin"));
        let targets = manifest["bin"].as_array().unwrap();
        assert_eq!(targets.len(), 1, "{program}");
        assert_eq!(targets[0]["name"].as_str(), Some(program));
        assert_eq!(
            targets[0]["doc"].as_bool(),
            Some(false),
            "the page of {program} is that of its library"
        );
    }
}

#[test]
fn a_main_parses_builds_runs_and_does_nothing_else() {
    let named_as_their_crates = BTreeSet::from(["nsqd", "nsqlookupd", "nsqadmin", "nsq"]);
    for directory in directories("bins") {
        let manifest = manifest(&directory);
        let program = directory.file_name().unwrap().to_str().unwrap();
        let behind: Vec<String> = own(&manifest, "dependencies")
            .into_iter()
            .filter(|used| !USED_BY_MAINS.contains(&used.as_str()))
            .collect();
        match program {
            _ if named_as_their_crates.contains(program) => assert_eq!(behind, [program]),
            _ => assert_eq!(behind, ["nsq-tools"], "{program}"),
        }
    }
}

#[test]
fn versions_and_lints_are_those_of_the_workspace() {
    let packages = directories("crates")
        .into_iter()
        .chain(directories("bins"))
        .chain(["nsqadmin-ui", "tests", "benches"].map(|name| root().join(name)));
    for directory in packages {
        let manifest = manifest(&directory);
        let name = package_name(&manifest);
        assert_eq!(
            manifest["lints"]["workspace"].as_bool(),
            Some(true),
            "{name} must inherit the lints"
        );
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(table).and_then(Value::as_table) else {
                continue;
            };
            for (used, how) in dependencies {
                let inherited = how.get("workspace").and_then(Value::as_bool) == Some(true);
                assert!(
                    inherited,
                    "{name} must take the version of {used} from the workspace"
                );
            }
        }
    }
}
