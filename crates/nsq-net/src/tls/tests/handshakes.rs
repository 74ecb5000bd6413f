//! Who gets through to whom.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::coded::tests::{block_on, half};

fn required(pki: &Pki) -> ServerSettings {
    ServerSettings {
        client_auth: ClientAuth::Require,
        ..server_settings(pki)
    }
}

fn verified(pki: &Pki) -> ServerSettings {
    ServerSettings {
        client_auth: ClientAuth::RequireVerify,
        root_ca_file: Some(pki.authority()),
        ..server_settings(pki)
    }
}

/// Lets a client in with this certificate, or none, and returns what it is called.
#[track_caller]
fn accepted(
    server: ServerSettings,
    pki: &Pki,
    cert_and_key: Option<(PathBuf, PathBuf)>,
    min_version: MinVersion,
) -> Result<Option<String>, String> {
    let client = ClientSettings {
        cert_and_key,
        min_version,
        ..client_settings(pki)
    };
    block_on(async {
        match meet(server, client).await {
            (Ok((_, session)), Ok(_)) => Ok(session.peer_common_name),
            (Err(refused), _) => Err(refused.to_string()),
            (Ok(_), Err(refused)) => panic!("the client refused: {refused}"),
        }
    })
}

/// Like `accepted`, with TLS 1.2 and 1.3, which have to agree.
#[track_caller]
fn judgement(
    server: &ServerSettings,
    pki: &Pki,
    cert_and_key: Option<(PathBuf, PathBuf)>,
) -> Result<Option<String>, String> {
    let newest = accepted(server.clone(), pki, cert_and_key.clone(), MinVersion::Tls13);
    let older = block_on(async {
        let client = ClientSettings {
            cert_and_key,
            ..client_settings(pki)
        };
        match meet_with_tls12(server.clone(), client).await {
            (Ok((_, session)), _) => Ok(session.peer_common_name),
            (Err(refused), _) => Err(refused.to_string()),
        }
    });
    assert_eq!(newest, older);
    newest
}

/// Lets a client connect that speaks nothing newer than TLS 1.2.
async fn meet_with_tls12(server: ServerSettings, client: ClientSettings) -> (Outcome, Outcome) {
    let (one, other) = pair(16 * 1024);
    let acceptor = Acceptor::load(server).unwrap();
    let connector = Connector::of_tls12(client).unwrap();
    tokio::join!(
        accept(&acceptor, one, Vec::new()),
        connect(&connector, other, "localhost"),
    )
}

#[test]
fn what_was_agreed_is_told() {
    let pki = Pki::new();
    let session = |version, suite: &str| Session {
        version,
        cipher_suite: suite.to_owned(),
        peer_common_name: None,
    };
    block_on(async {
        let (server, client) = meet(server_settings(&pki), client_settings(&pki)).await;
        let expected = session("TLS1.3", "TLS_AES_256_GCM_SHA384");
        assert_eq!(server.unwrap().1, expected);
        let of_server = client.unwrap().1;
        assert_eq!(of_server.peer_common_name.as_deref(), Some("localhost"));
        assert_eq!(of_server.cipher_suite, expected.cipher_suite);

        let (server, client) = meet_with_tls12(server_settings(&pki), client_settings(&pki)).await;
        assert_eq!(
            server.unwrap().1,
            session("TLS1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
        );
        assert_eq!(client.unwrap().1.version, "TLS1.2");
    });
}

#[test]
fn require_takes_any_certificate_but_not_none() {
    let pki = Pki::new();
    let stranger = Pki::of_stranger();
    let server = required(&pki);
    for (cert_and_key, name) in [
        (pki.client("consumer"), "consumer"),
        (stranger.client("stranger"), "stranger"),
        (stranger.self_signed("myself"), "myself"),
        (pki.expired_client(), "late"),
        (version_1(&pki), "consumer.example"),
    ] {
        assert_eq!(
            judgement(&server, &pki, Some(cert_and_key)),
            Ok(Some(name.to_owned()))
        );
    }
    assert_eq!(
        judgement(&server, &pki, None),
        Err("tls: client didn't provide a certificate".to_owned())
    );
}

#[test]
fn require_verify_takes_what_the_authority_has_signed_and_is_valid() {
    let pki = Pki::new();
    let stranger = Pki::of_stranger();
    // An authority of the same name.
    let impostor = Pki::new();
    let server = verified(&pki);
    assert_eq!(
        judgement(&server, &pki, Some(pki.client("consumer"))),
        Ok(Some("consumer".to_owned()))
    );
    for (cert_and_key, reason) in [
        (
            stranger.client("stranger"),
            "x509: certificate signed by unknown authority",
        ),
        (
            stranger.self_signed("myself"),
            "x509: certificate signed by unknown authority",
        ),
        (
            impostor.client("impostor"),
            "x509: certificate signed by unknown authority",
        ),
        (version_1(&pki), "x509: certificate signed by unknown authority"),
        (
            pki.expired_client(),
            "x509: certificate has expired or is not yet valid",
        ),
        (
            pki.server("localhost"),
            "x509: certificate specifies an incompatible key usage",
        ),
    ] {
        let judged = judgement(&server, &pki, Some(cert_and_key)).unwrap_err();
        assert_eq!(judged, format!("tls: failed to verify certificate: {reason}"));
    }
    assert_eq!(
        judgement(&server, &pki, None),
        Err("tls: client didn't provide a certificate".to_owned())
    );
}

#[test]
fn a_certificate_of_version_1_is_taken_if_the_authority_has_signed_it() {
    let pki = Pki::new();
    let authority = pki.directory().join("version-1-authority.pem");
    std::fs::write(&authority, include_str!("authority.pem")).unwrap();
    let server = ServerSettings {
        root_ca_file: Some(authority),
        ..verified(&pki)
    };
    assert_eq!(
        judgement(&server, &pki, Some(version_1(&pki))),
        Ok(Some("consumer.example".to_owned()))
    );
}

#[test]
fn a_certificate_that_is_its_own_authority_is_taken_if_it_is_trusted() {
    let pki = Pki::new();
    let (cert, key) = pki.self_signed("localhost");
    let server = ServerSettings {
        client_auth: ClientAuth::RequireVerify,
        root_ca_file: Some(cert.clone()),
        cert: cert.clone(),
        key: key.clone(),
        ..ServerSettings::default()
    };
    let client = ClientSettings {
        root_ca_file: Some(cert.clone()),
        cert_and_key: Some((cert, key)),
        ..ClientSettings::default()
    };
    block_on(async {
        let (server, client) = meet(server, client).await;
        assert_eq!(server.unwrap().1.peer_common_name.as_deref(), Some("localhost"));
        client.unwrap();
    });
}

#[test]
fn a_client_refuses_a_server_that_it_does_not_know_or_that_is_called_otherwise() {
    let pki = Pki::new();
    let stranger = Pki::of_stranger();
    let (cert, key) = pki.self_signed("example.org");
    let pinned = ClientSettings {
        root_ca_file: Some(cert.clone()),
        ..ClientSettings::default()
    };
    let self_signed = ServerSettings {
        cert,
        key,
        ..ServerSettings::default()
    };
    block_on(async {
        let (server, client) = meet(server_settings(&pki), client_settings(&stranger)).await;
        assert_eq!(
            refusal(client),
            "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        );
        assert_eq!(
            refusal(server),
            "remote error: tls: unknown certificate authority"
        );

        let (cert, key) = pki.server("example.org");
        let other_name = ServerSettings {
            cert,
            key,
            ..ServerSettings::default()
        };
        for (settings, client) in [(other_name, client_settings(&pki)), (self_signed, pinned)] {
            let (_, client) = meet(settings.clone(), client).await;
            let reason = refusal(client);
            assert!(reason.contains("not valid for name"), "{reason}");
            let anyone = ClientSettings {
                insecure_skip_verify: true,
                ..ClientSettings::default()
            };
            meet(settings, anyone).await.1.unwrap();
        }
    });
}

#[test]
fn a_server_may_have_a_certificate_of_version_1() {
    let pki = Pki::new();
    let (cert, key) = version_1(&pki);
    let server = ServerSettings {
        cert,
        key,
        ..ServerSettings::default()
    };
    let client = ClientSettings {
        insecure_skip_verify: true,
        ..ClientSettings::default()
    };
    block_on(async {
        meet(server.clone(), client.clone()).await.1.unwrap();
        meet_with_tls12(server, client).await.1.unwrap();
    });
}

#[test]
fn the_minimum_version_is_kept_to() {
    let pki = Pki::new();
    let server = ServerSettings {
        min_version: MinVersion::Tls13,
        ..server_settings(&pki)
    };
    block_on(async {
        let (server, client) = meet_with_tls12(server, client_settings(&pki)).await;
        assert_eq!(refusal(server), "tls: client offered only unsupported versions");
        assert_eq!(
            refusal(client),
            "remote error: tls: protocol version not supported"
        );
    });
}

#[test]
fn a_client_that_comes_back_resumes_its_session() {
    let pki = Pki::new();
    let server = verified(&pki);
    let client = ClientSettings {
        cert_and_key: Some(pki.client("consumer")),
        ..client_settings(&pki)
    };
    block_on(async {
        let acceptor = Acceptor::load(server).unwrap();
        let connector = Connector::load(client).unwrap();
        for _ in 0..3 {
            let (one, other) = pair(16 * 1024);
            let (server, client) = tokio::join!(
                accept(&acceptor, one, Vec::new()),
                connect(&connector, other, "localhost"),
            );
            let (mut server, session) = server.unwrap();
            assert_eq!(session.peer_common_name.as_deref(), Some("consumer"));
            let mut client = client.unwrap().0;
            crate::coded::tests::carry(&mut server, &mut client, &[b"hello".to_vec()], 64).await;
        }
    });
}

#[test]
fn what_is_not_tls_is_told_apart_and_the_stream_given_back() {
    let pki = Pki::new();
    let acceptor = Acceptor::load(server_settings(&pki)).unwrap();
    block_on(async {
        for (sent, is_http) in [
            (&b"GET /ping HTTP/1.1\r\n"[..], true),
            (b"OPTIONS * HTTP/1.1\r\n", true),
            (b"PUB topic\n", false),
            (b"\x16\x50\x00\x00\x00", false),
            (b"\x80\x2e\x01\x03\x01", false),
        ] {
            let (mut stream, mut peer) = half(1024);
            peer.write_all(sent).await.unwrap();
            let refused = acceptor
                .accept(&mut stream, Vec::new(), PATIENCE, &Clock::system())
                .await
                .unwrap_err();
            assert_eq!(
                refused.to_string(),
                "tls: first record does not look like a TLS handshake"
            );
            assert_eq!(refused.is_http(), is_http);
            stream.write_all(b"in plain text").await.unwrap();
            drop(stream);
            let mut received = Vec::new();
            peer.read_to_end(&mut received).await.unwrap();
            assert_eq!(received, b"in plain text");
        }
    });
}

#[test]
fn a_peer_that_goes_away_or_sends_garbage_ends_the_handshake() {
    let pki = Pki::new();
    let acceptor = Acceptor::load(server_settings(&pki)).unwrap();
    block_on(async {
        for (sent, reason) in [
            (&b""[..], "EOF"),
            (b"\x16\x03\x01", "EOF"),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01", "EOF"),
            // An alert, and a record that is longer than records are.
            (
                b"\x15\x03\x01\x00\x02\x02\x2a",
                "remote error: tls: bad certificate",
            ),
            (
                b"\x16\x03\x01\xff\xff\x01",
                "tls: received corrupt message of type MessageTooLarge",
            ),
            // A message that is none, and one that should not come first.
            (
                b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
                "tls: received corrupt message of type MissingData(\"ProtocolVersion\")",
            ),
        ] {
            let (beneath, mut peer) = half(1024);
            peer.write_all(sent).await.unwrap();
            // The writing side only: the answer has to go somewhere.
            peer.shutdown().await.unwrap();
            let refused = accept(&acceptor, beneath, Vec::new()).await.unwrap_err();
            assert_eq!(refused.to_string(), reason, "{}", sent.escape_ascii());
        }
    });
}

#[test]
fn a_peer_that_stalls_is_given_up() {
    let pki = Pki::new();
    let acceptor = Acceptor::load(server_settings(&pki)).unwrap();
    let manual = nsq_runtime::ManualClock::new();
    let clock = manual.clock();
    block_on(async {
        let (mut stream, mut peer) = half(1024);
        peer.write_all(b"\x16\x03\x01").await.unwrap();
        let (refused, ()) = tokio::join!(
            acceptor.accept(&mut stream, Vec::new(), Duration::from_secs(5), &clock),
            async { manual.advance(Duration::from_secs(5)) },
        );
        let refused = refused.unwrap_err();
        assert_eq!(refused.to_string(), "read unix ->@: i/o timeout");
        drop(stream);
        assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    });
}

#[test]
fn a_handshake_that_never_makes_sense_is_bounded() {
    let pki = Pki::new();
    let acceptor = Acceptor::load(server_settings(&pki)).unwrap();
    block_on(async {
        let (beneath, mut peer) = half(1024);
        // The first part of a client's hello of 16 MiB, again and again.
        let record = [&b"\x16\x03\x01\x40\x00\x01\xff\xff\xff"[..], &[0; 16 * 1024 - 4]].concat();
        let send = async {
            let mut sent = 0;
            while peer.write_all(&record).await.is_ok() {
                sent += record.len();
            }
            sent
        };
        let accept = async {
            let refused = accept(&acceptor, beneath, Vec::new()).await;
            drop(refused.unwrap_err());
        };
        let (sent, ()) = tokio::join!(send, accept);
        assert!(sent < 200_000, "{sent}");
    });
}

#[test]
fn what_was_received_before_is_part_of_the_handshake() {
    let pki = Pki::new();
    let acceptor = Acceptor::load(server_settings(&pki)).unwrap();
    let connector = Connector::load(client_settings(&pki)).unwrap();
    block_on(async {
        let (one, mut peer) = half(16 * 1024);
        let (between, other) = pair(16 * 1024);
        let serve = async {
            // The hello arrives behind something else, all in one read.
            let mut received = vec![0; 16 * 1024];
            let mut between = between;
            let len = between.read(&mut received).await.unwrap();
            received.truncate(len);
            let accept = accept(&acceptor, one, received);
            let relay = tokio::io::copy_bidirectional(&mut between, &mut peer);
            tokio::select! {
                accepted = accept => accepted.unwrap().0,
                _ = relay => panic!("the connection ended"),
            }
        };
        let connect = connect(&connector, other, "localhost");
        let (_, client) = tokio::join!(serve, connect);
        client.unwrap();
    });
}

/// A certificate of version 1 and its key. See `tests/README.md`.
fn version_1(pki: &Pki) -> (PathBuf, PathBuf) {
    pki.write(
        "version-1",
        include_str!("version_1.pem"),
        include_str!("version_1.key"),
    )
}
