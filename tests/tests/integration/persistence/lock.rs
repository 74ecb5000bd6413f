//! One daemon per data directory.

use std::fs::File;

use nsq_tests::{Nsqd, Setup};
use rustix::fs::{FlockOperation, flock};

#[track_caller]
fn expect_refused(setup: &Setup) {
    let exit = setup.run();
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    let text = format!(
        "FATAL: failed to instantiate nsqd - failed to lock data-path: cannot flock directory {} - resource temporarily \
         unavailable (possibly in use by another instance of nsqd)\n",
        setup.data_path().display()
    );
    assert!(exit.stderr.ends_with(&text), "{}", exit.stderr);
}

#[test]
fn a_second_daemon_on_the_same_directory_is_refused_and_the_first_goes_on() {
    let nsqd = Nsqd::start();
    expect_refused(nsqd.setup());
    nsqd.publish("t", "hi");

    let nsqd = nsqd.stop().restart();
    nsqd.consumer("t", "c", 1).expect_message_of("hi", 1);
}

#[test]
fn the_lock_is_a_flock_on_the_directory_itself() {
    let setup = Setup::new();
    let directory = File::open(setup.data_path()).unwrap();
    flock(&directory, FlockOperation::NonBlockingLockExclusive).unwrap();
    expect_refused(&setup);
    assert_eq!(setup.files(), Vec::<String>::new());

    drop(directory);
    let nsqd = setup.start();
    let directory = File::open(nsqd.setup().data_path()).unwrap();
    flock(&directory, FlockOperation::NonBlockingLockExclusive).unwrap_err();
    nsqd.stop();
    flock(&directory, FlockOperation::NonBlockingLockExclusive).unwrap();
}

#[test]
fn a_killed_daemon_leaves_no_lock_behind() {
    let nsqd = Nsqd::start();
    let nsqd = nsqd.kill().restart();
    nsqd.publish("t", "hi");
}

#[test]
fn without_a_data_path_the_working_directory_is_used() {
    // The daemon is started in its data directory, and the last flag wins.
    let nsqd = Setup::new().flag("--data-path=").start();
    nsqd.publish("t", "hi");
    let again = nsqd.setup().run();
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    let stopped = nsqd.stop();
    assert!(
        stopped
            .setup
            .files()
            .contains(&"t.diskqueue.000000.dat".to_owned()),
        "{:?}",
        stopped.setup.files()
    );
    stopped.restart().consumer("t", "c", 1).expect_message_of("hi", 1);
}
