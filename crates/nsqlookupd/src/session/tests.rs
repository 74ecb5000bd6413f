//! What takes too long for a test of the whole daemon, on a clock that the test moves.

use nsq_net::{Address, Listener};
use nsq_protocol::lookup::{encode_identify, encode_register};
use nsq_protocol::name::TopicRef;
use nsq_runtime::{ManualClock, TaskGroup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::registration_db::{Limits, RegistrationDb, Visibility};

const INACTIVE: Duration = Duration::from_secs(300);
const OK: &[u8] = b"\0\0\0\x02OK";

/// One session and the peer at its other end.
struct Scene {
    manual: ManualClock,
    lookupd: Arc<Lookupd>,
    stop: Shutdown,
    sessions: TaskGroup,
    peer: TcpStream,
}

impl Scene {
    async fn new(limits: Limits) -> Self {
        let manual = ManualClock::new();
        let visibility = Visibility {
            inactive_producer_timeout: INACTIVE,
            tombstone_lifetime: Duration::ZERO,
        };
        let lookupd = Arc::new(Lookupd {
            db: RegistrationDb::new(visibility, limits, manual.clock()),
            clock: manual.clock(),
            started_at: 0,
            identify_reply: b"{}".as_slice().into(),
            silence_max: silence_max(INACTIVE),
        });
        let listener = Listener::bind(&Address::parse("127.0.0.1:0")).await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().to_string())
            .await
            .unwrap();
        let socket = listener.accept().await.unwrap();
        let (stop, sessions) = (Shutdown::new(), TaskGroup::new("sessions"));
        sessions.spawn(serve(Arc::clone(&lookupd), socket, stop.clone()));
        // The session looks at the clock when it begins, which is now.
        yield_now().await;
        Self {
            manual,
            lookupd,
            stop,
            sessions,
            peer,
        }
    }

    async fn identified(limits: Limits) -> Self {
        let mut scene = Self::new(limits).await;
        let mut commands = MAGIC_V1.to_vec();
        let info = nsq_protocol::lookup::PeerInfo {
            broadcast_address: "n1".to_owned(),
            http_port: 4151,
            tcp_port: 4150,
            version: "1.3.0".to_owned(),
            ..Default::default()
        };
        encode_identify(&mut commands, &info);
        scene.ask(&commands, b"\0\0\0\x02{}").await;
        scene
    }

    async fn ask(&mut self, commands: &[u8], answers: &[u8]) {
        self.peer.write_all(commands).await.unwrap();
        let mut received = vec![0; answers.len()];
        self.peer.read_exact(&mut received).await.unwrap();
        assert_eq!(
            received.escape_ascii().to_string(),
            answers.escape_ascii().to_string()
        );
    }

    /// Waits for the end of the session, which sends nothing more.
    async fn expect_end(mut self) {
        // The system says so when the session has not read everything.
        let ended = self.peer.read(&mut [0]).await;
        assert!(
            ended.as_ref().is_ok_and(|read| *read == 0)
                || ended
                    .as_ref()
                    .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset),
            "{ended:?}"
        );
        let left = self
            .sessions
            .wait(&Clock::system(), Duration::from_secs(60))
            .await;
        assert_eq!(left, 0);
        assert!(self.stop.is_triggered() || self.lookupd.db.nodes(None).items.is_empty());
    }
}

fn register(topic: &str) -> Vec<u8> {
    let mut command = Vec::new();
    encode_register(&mut command, TopicRef::parse(topic.as_bytes()).unwrap(), None);
    command
}

#[test]
fn a_connection_outlives_the_time_after_which_its_producer_is_hidden() {
    assert_eq!(silence_max(Duration::ZERO), SILENCE_MIN);
    assert_eq!(silence_max(INACTIVE * 10), INACTIVE * 20);
    assert_eq!(silence_max(Duration::MAX), Duration::MAX);
}

#[tokio::test]
async fn a_peer_that_names_no_protocol_is_cut_off() {
    let mut scene = Scene::new(Limits::default()).await;
    scene.peer.write_all(b"  V").await.unwrap();
    scene.manual.advance(MAGIC_TIME);
    scene.expect_end().await;
}

#[tokio::test]
async fn a_producer_that_falls_silent_is_cut_off_and_taken_out() {
    let mut scene = Scene::identified(Limits::default()).await;
    scene.ask(&register("t"), OK).await;
    for _ in 0..3 {
        scene.manual.advance(SILENCE_MIN / 2);
        scene.ask(b"PING\n", OK).await;
    }
    assert_eq!(scene.lookupd.db.nodes(None).items.len(), 1);
    scene.manual.advance(SILENCE_MIN);
    scene.expect_end().await;
}

#[tokio::test]
async fn bytes_that_complete_no_command_are_no_sign_of_life() {
    let mut scene = Scene::identified(Limits::default()).await;
    scene.manual.advance(SILENCE_MIN / 2);
    scene.peer.write_all(b"PIN").await.unwrap();
    scene.manual.advance(SILENCE_MIN / 2);
    scene.expect_end().await;
}

#[tokio::test]
async fn a_registration_without_room_is_refused_and_keeps_the_connection() {
    let limits = Limits {
        registrations_max: 1,
        ..Limits::default()
    };
    let mut scene = Scene::identified(limits).await;
    scene.ask(&register("t"), OK).await;
    let mut refused = Vec::new();
    put_reply(
        &mut refused,
        b"E_INVALID REGISTER too many registrations of this producer",
    );
    scene.ask(&register("u"), &refused).await;
    scene.ask(&register("t"), OK).await;
    assert_eq!(scene.lookupd.db.topics(None).items.len(), 1);
}

#[tokio::test]
async fn a_stop_ends_a_session_at_once() {
    let scene = Scene::identified(Limits::default()).await;
    scene.stop.trigger();
    scene.expect_end().await;
}
