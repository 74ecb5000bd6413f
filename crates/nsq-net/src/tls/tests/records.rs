//! What passes once a handshake is done.

use proptest::prelude::*;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::super::codec::Tls;
use super::*;
use crate::coded::Codec;
use crate::coded::tests::{block_on, carry, half, pieces};

/// Room between two ends: at least for the server's ticket, which is part of its handshake, and which a client reads
/// with the first data only.
const CAPACITY: std::ops::Range<usize> = 1_000..100_000;

/// Two ends of one connection, with room for `capacity` bytes between them.
async fn connected(capacity: usize) -> (Stream, Stream) {
    let pki = Pki::new();
    let acceptor = Acceptor::load(server_settings(&pki)).unwrap();
    let connector = Connector::load(client_settings(&pki)).unwrap();
    let (one, other) = pair(capacity);
    let (server, client) = tokio::join!(
        accept(&acceptor, one, Vec::new()),
        connect(&connector, other, "localhost"),
    );
    (server.unwrap().0, client.unwrap().0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn each_flushed_piece_arrives_whatever_passes_at_once(
        pieces in pieces(),
        capacity in CAPACITY,
        read_len in 1..70_000_usize,
    ) {
        block_on(async {
            let (mut server, mut client) = connected(capacity).await;
            carry(&mut server, &mut client, &pieces, read_len).await;
            carry(&mut client, &mut server, &pieces, read_len).await;
        });
    }

    #[test]
    fn compression_goes_above_it(pieces in pieces(), capacity in CAPACITY, snappy: bool) {
        block_on(async {
            let (mut server, mut client) = connected(capacity).await;
            for stream in [&mut server, &mut client] {
                if snappy {
                    stream.start_snappy(Vec::new());
                } else {
                    stream.start_deflate(6, Vec::new());
                }
            }
            carry(&mut server, &mut client, &pieces, 10_000).await;
            carry(&mut client, &mut server, &pieces, 10_000).await;
        });
    }
}

#[test]
fn one_side_may_end_while_the_other_goes_on() {
    block_on(async {
        let (mut server, mut client) = connected(1024).await;
        client.write_all(b"the last of it").await.unwrap();
        client.shutdown().await.unwrap();
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"the last of it");
        assert!(client.write_all(b"more").await.is_err());

        server.write_all(b"the answer").await.unwrap();
        server.shutdown().await.unwrap();
        received.clear();
        client.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"the answer");
    });
}

#[test]
fn a_peer_that_just_closes_ends_the_stream_as_in_go() {
    block_on(async {
        let (mut server, client) = connected(1024).await;
        drop(client);
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
    });
}

#[test]
fn a_record_that_was_changed_on_the_way_ends_the_connection() {
    block_on(async {
        let pki = Pki::new();
        let acceptor = Acceptor::load(server_settings(&pki)).unwrap();
        let connector = Connector::load(client_settings(&pki)).unwrap();
        let (beneath, mut peer) = half(16 * 1024);
        let (other, mut client_end) = half(16 * 1024);
        let handshake = async {
            tokio::join!(
                accept(&acceptor, beneath, Vec::new()),
                connect(&connector, other, "localhost"),
            )
        };
        let (server, client) = tokio::select! {
            ends = handshake => ends,
            _ = tokio::io::copy_bidirectional(&mut peer, &mut client_end) => panic!("the connection ended"),
        };
        let (mut server, mut client) = (server.unwrap().0, client.unwrap().0);
        client.write_all(b"fine").await.unwrap();
        client.write_all(b"attack at dawn").await.unwrap();
        let mut wire = vec![0; 1024];
        let len = client_end.read(&mut wire).await.unwrap();
        wire[len - 1] ^= 1;
        peer.write_all(&wire[..len]).await.unwrap();

        let mut received = [0; 64];
        assert_eq!(server.read(&mut received).await.unwrap(), 4);
        let error = server.read(&mut received).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(text(&error), "tls: cannot decrypt peer's message");
        assert!(server.write_all(b"anyone?").await.is_err());
        server.shutdown().await.unwrap();
    });
}

/// rustls keeps count of a handshake message that has come in part, and expects to see that part again
/// whenever it is asked to do anything, be it to encrypt.
#[test]
fn a_handshake_message_in_part_does_not_keep_data_from_being_sent() {
    let pki = Pki::new();
    let (cert, key) = pki.server("localhost");
    let certified = super::super::files::certified_key(&cert, &key, &provider()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    config.max_fragment_size = Some(32);
    config.ticketer = rustls::crypto::ring::Ticketer::new().unwrap();
    let mut server = rustls::ServerConnection::new(Arc::new(config)).unwrap();
    let connector = Connector::load(client_settings(&pki)).unwrap();
    let mut client = Tls::new(connector.engine("localhost").unwrap());

    let mut received = Vec::new();
    let mut is_done = false;
    while !is_done || server.is_handshaking() {
        is_done = is_done || client.advance_handshake(&mut received).unwrap();
        let mut outgoing = &client.take_outgoing()[..];
        while !outgoing.is_empty() {
            server.read_tls(&mut outgoing).unwrap();
            server.process_new_packets().unwrap();
        }
        if !is_done {
            while server.wants_write() {
                server.write_tls(&mut received).unwrap();
            }
        }
    }
    // What is left to be received are tickets, in pieces.
    let mut tickets = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut tickets).unwrap();
    }
    let mut output = vec![0; 1024];
    for byte in tickets {
        received.push(byte);
        let mut nothing = [0; 16];
        let used = client
            .decode(&mut received, &mut ReadBuf::new(&mut nothing))
            .unwrap();
        received.drain(..used);
        let (taken, encoded) = client.encode(b"ping", &mut output, &mut received).unwrap();
        assert_eq!(taken, 4);
        server.read_tls(&mut &output[..encoded]).unwrap();
        server.process_new_packets().unwrap();
        let mut ping = [0; 4];
        io::Read::read_exact(&mut server.reader(), &mut ping).unwrap();
        assert_eq!(&ping, b"ping");
    }
}
