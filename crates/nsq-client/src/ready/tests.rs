use proptest::prelude::*;

use super::*;

const NOW: Moment = Moment::START;

fn ready(max_in_flight: u32) -> Ready {
    Ready::new(&Config {
        max_in_flight,
        ..Config::default()
    })
}

/// Adds a connection as a consumer does, and returns what is sent.
fn connect(ready: &mut Ready, id: u64) -> Vec<(u64, u32)> {
    ready.add(MemberId(id), 2500, NOW);
    ready.distribute(NOW);
    changes(ready)
}

fn changes(ready: &mut Ready) -> Vec<(u64, u32)> {
    let changes = ready.take_changes();
    changes
        .into_iter()
        .map(|(MemberId(id), count)| (id, count))
        .collect()
}

fn at_secs(secs: u64) -> Moment {
    NOW + Duration::from_secs(secs)
}

#[test]
fn new_connections_find_what_the_others_gave_up_for_them() {
    let mut ready = ready(10);
    assert_eq!(connect(&mut ready, 1), [(1, 10)]);
    assert_eq!(connect(&mut ready, 2), [(1, 5), (2, 5)]);
    assert_eq!(connect(&mut ready, 3), [(1, 3), (2, 3), (3, 3)]);
}

#[test]
fn a_connection_for_which_nothing_is_left_waits() {
    let mut ready = ready(2);
    assert_eq!(connect(&mut ready, 1), [(1, 2)]);
    assert_eq!(connect(&mut ready, 2), [(1, 1), (2, 1)]);
    assert_eq!(connect(&mut ready, 3), []);
    assert_eq!(ready.next_retry(), at_secs(5));
    ready.remove(MemberId(1), false);
    ready.retry(at_secs(5));
    assert_eq!(changes(&mut ready), [(3, 1)]);
    assert_eq!(ready.next_retry(), Moment::FAR);
}

#[test]
fn the_share_of_a_lost_connection_goes_to_the_others_at_once() {
    let mut ready = ready(10);
    for id in 1..=3 {
        connect(&mut ready, id);
    }
    ready.remove(MemberId(1), false);
    ready.distribute(NOW);
    let mut changes = changes(&mut ready);
    changes.sort_unstable();
    assert_eq!(changes, [(2, 5), (3, 5)]);
}

#[test]
fn nobody_gets_more_than_nsqd_allows() {
    let mut ready = ready(200);
    ready.add(MemberId(1), 100, NOW);
    ready.distribute(NOW);
    assert_eq!(changes(&mut ready), [(1, 100)]);
}

#[test]
fn nothing_is_sent_twice() {
    let mut ready = ready(10);
    connect(&mut ready, 1);
    ready.distribute(NOW);
    assert_eq!(changes(&mut ready), []);
}

#[test]
fn zero_in_flight_pauses_and_more_resumes() {
    let mut ready = ready(10);
    connect(&mut ready, 1);
    connect(&mut ready, 2);
    ready.set_max_in_flight(0);
    ready.distribute(NOW);
    assert_eq!(changes(&mut ready), [(1, 0), (2, 0)]);
    ready.set_max_in_flight(6);
    ready.distribute(NOW);
    assert_eq!(changes(&mut ready), [(1, 3), (2, 3)]);
}

#[test]
fn after_a_pause_one_connection_is_tried() {
    let mut ready = ready(10);
    connect(&mut ready, 1);
    connect(&mut ready, 2);
    ready.pause(NOW);
    assert_eq!(changes(&mut ready), [(1, 0), (2, 0)]);
    assert!(ready.test(NOW));
    let changes = changes(&mut ready);
    assert!(changes == [(1, 1)] || changes == [(2, 1)], "{changes:?}");
}

#[test]
fn with_nothing_connected_there_is_nothing_to_try() {
    assert!(!ready(10).test(NOW));
}

#[test]
fn turns_move_on_when_a_connection_is_idle() {
    let mut ready = ready(1);
    for id in 1..=3 {
        connect(&mut ready, id);
    }
    changes(&mut ready);
    // Busy: nothing changes.
    ready.redistribute(at_secs(11), false, |_| at_secs(11));
    assert_eq!(changes(&mut ready), []);
    // Idle for longer than low_rdy_idle_timeout.
    ready.redistribute(at_secs(11), false, |_| NOW);
    let changed = changes(&mut ready);
    assert_eq!(changed[0], (1, 0));
    assert_eq!(
        (changed.len(), changed[1].1),
        (2, 1),
        "one of the three has the turn"
    );
}

#[test]
fn turns_move_on_after_a_while_even_from_a_busy_connection() {
    let mut ready = ready(1);
    connect(&mut ready, 1);
    connect(&mut ready, 2);
    changes(&mut ready);
    ready.redistribute(at_secs(31), false, |_| at_secs(31));
    assert_eq!(changes(&mut ready)[0], (1, 0));
}

#[test]
fn with_enough_for_all_there_are_no_turns() {
    let mut ready = ready(4);
    connect(&mut ready, 1);
    connect(&mut ready, 2);
    changes(&mut ready);
    ready.redistribute(at_secs(100), false, |_| NOW);
    assert_eq!(changes(&mut ready), []);
}

#[test]
fn in_backoff_one_message_goes_round() {
    let mut ready = ready(10);
    connect(&mut ready, 1);
    connect(&mut ready, 2);
    ready.pause(NOW);
    changes(&mut ready);
    ready.redistribute(at_secs(1), true, |_| NOW);
    assert_eq!(changes(&mut ready).len(), 1);
    // It is held by a connection that has been idle: it moves on.
    ready.redistribute(at_secs(60), true, |_| NOW);
    let changed = changes(&mut ready);
    let total: u32 = [1, 2].into_iter().map(|id| ready.count_of(MemberId(id))).sum();
    assert_eq!((total, changed[0].1), (1, 0));
}

#[test]
fn the_one_message_of_a_backoff_is_not_lost_with_its_connection() {
    let mut ready = ready(10);
    connect(&mut ready, 1);
    ready.pause(NOW);
    ready.test(NOW);
    ready.remove(MemberId(1), true);
    ready.redistribute(at_secs(1), true, |_| NOW);
    ready.add(MemberId(2), 2500, at_secs(2));
    changes(&mut ready);
    ready.redistribute(at_secs(5), true, |_| NOW);
    assert_eq!(changes(&mut ready), [(2, 1)]);
}

#[test]
fn a_connection_that_is_being_closed_gets_nothing() {
    let mut ready = ready(10);
    connect(&mut ready, 1);
    ready.close(MemberId(1));
    ready.distribute(NOW);
    ready.pause(NOW);
    assert_eq!(changes(&mut ready), []);
}

#[test]
fn with_less_in_flight_than_connections_some_have_to_wait() {
    let mut ready = ready(3);
    for id in 1..=3 {
        connect(&mut ready, id);
    }
    changes(&mut ready);
    ready.set_max_in_flight(2);
    ready.distribute(NOW);
    assert_eq!(changes(&mut ready).iter().map(|(_, count)| count).sum::<u32>(), 0);
    let total: u32 = (1..=3).map(|id| ready.count_of(MemberId(id))).sum();
    assert_eq!(total, 2);
}

/// What may happen to a consumer.
#[derive(Clone, Debug)]
enum Action {
    Connect(u32),
    Lose(usize),
    Change(u32),
    Pause,
    Test,
    Resume,
    /// So many seconds pass.
    Wait(u64),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (0_u32..20).prop_map(Action::Connect),
        2 => (0_usize..8).prop_map(Action::Lose),
        1 => (0_u32..30).prop_map(Action::Change),
        1 => Just(Action::Pause),
        1 => Just(Action::Test),
        1 => Just(Action::Resume),
        3 => (1_u64..40).prop_map(Action::Wait),
    ]
}

proptest! {
    #[test]
    fn no_more_is_given_than_may_be_in_flight_nor_than_nsqd_allows(
        actions in prop::collection::vec(action(), 0..60)
    ) {
        let mut ready = ready(10);
        let mut connected: Vec<(u64, u32)> = Vec::new();
        let mut told = std::collections::HashMap::new();
        let (mut next, mut seconds, mut in_backoff) = (0, 0, false);
        for action in actions {
            let now = at_secs(seconds);
            match action {
                Action::Connect(max_rdy) => {
                    next += 1;
                    connected.push((next, max_rdy));
                    ready.add(MemberId(next), max_rdy, now);
                }
                Action::Lose(at) if at < connected.len() => {
                    let (id, _) = connected.remove(at);
                    told.remove(&id);
                    ready.remove(MemberId(id), in_backoff);
                }
                Action::Change(max_in_flight) => ready.set_max_in_flight(max_in_flight),
                Action::Pause => {
                    in_backoff = true;
                    ready.pause(now);
                }
                Action::Test if in_backoff => {
                    ready.pause(now);
                    ready.test(now);
                }
                Action::Lose(_) | Action::Test => {}
                Action::Resume => in_backoff = false,
                Action::Wait(secs) => {
                    seconds += secs;
                    ready.retry(at_secs(seconds));
                    ready.redistribute(at_secs(seconds), in_backoff, |_| NOW);
                }
            }
            if !in_backoff {
                ready.distribute(at_secs(seconds));
            }
            told.extend(changes(&mut ready));
            let total: u32 = told.values().sum();
            let bound = if in_backoff { 1 } else { ready.max_in_flight() };
            prop_assert!(total <= bound, "{total} of {bound}");
            for (id, max_rdy) in &connected {
                let count = ready.count_of(MemberId(*id));
                prop_assert_eq!(told.get(id).copied().unwrap_or_default(), count, "what was sent");
                prop_assert!(count <= *max_rdy);
            }
        }
    }
}
