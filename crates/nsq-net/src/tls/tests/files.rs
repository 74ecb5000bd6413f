//! What may be wrong with the files, and how it is said.

use std::fs;

use super::*;
use crate::coded::tests::block_on;

fn server_error(cert: PathBuf, key: PathBuf) -> String {
    let settings = ServerSettings {
        cert,
        key,
        ..ServerSettings::default()
    };
    Acceptor::load(settings).unwrap_err().to_string()
}

#[test]
fn files_that_do_not_exist_are_named() {
    let pki = Pki::new();
    let (cert, _) = pki.server("localhost");
    let none = PathBuf::from("/nonexistent/x.pem");
    let expected = "open /nonexistent/x.pem: no such file or directory";
    assert_eq!(server_error(none.clone(), none.clone()), expected);
    assert_eq!(server_error(cert.clone(), none), expected);
    assert_eq!(
        server_error(cert, PathBuf::new()),
        "open : no such file or directory"
    );
    let directory = pki.directory().to_owned();
    assert_eq!(
        server_error(directory.clone(), directory.clone()),
        format!("read {}: is a directory", directory.display())
    );
}

#[test]
fn files_that_hold_something_else_are_told_apart_as_in_go() {
    let pki = Pki::new();
    let (cert, key) = pki.server("localhost");
    let (_, other_key) = pki.client("client");
    let file = |content: &str| {
        let path = pki.directory().join("other");
        fs::write(&path, content).unwrap();
        path
    };
    for (content, expected) in [
        ("", "tls: failed to find any PEM data in certificate input"),
        ("no PEM", "tls: failed to find any PEM data in certificate input"),
        (
            "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n",
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the \
             following types: [DH PARAMETERS]",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "x509: malformed certificate",
        ),
    ] {
        assert_eq!(server_error(file(content), key.clone()), expected, "{content}");
    }
    for (content, expected) in [
        ("", "tls: failed to find any PEM data in key input"),
        (
            "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n",
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM \
             blocks of the following types: [DH PARAMETERS]",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "tls: failed to parse private key",
        ),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "tls: failed to parse private key",
        ),
    ] {
        assert_eq!(server_error(cert.clone(), file(content)), expected, "{content}");
    }
    assert_eq!(
        server_error(key.clone(), cert.clone()),
        "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs \
         may have been switched"
    );
    assert_eq!(
        server_error(cert.clone(), cert.clone()),
        "tls: found a certificate rather than a key in the PEM for the private key"
    );
    assert_eq!(
        server_error(cert, other_key),
        "tls: private key does not match public key"
    );
}

#[test]
fn authorities_that_cannot_be_used_are_refused_even_where_nobody_is_verified() {
    let pki = Pki::new();
    let empty = pki.directory().join("empty");
    fs::write(&empty, "").unwrap();
    for (file, expected) in [
        (
            PathBuf::from("/nonexistent"),
            "open /nonexistent: no such file or directory",
        ),
        (empty, "failed to append certificate to pool"),
    ] {
        let server = ServerSettings {
            root_ca_file: Some(file.clone()),
            ..server_settings(&pki)
        };
        assert_eq!(Acceptor::load(server).unwrap_err().to_string(), expected);
        let client = ClientSettings {
            root_ca_file: Some(file),
            insecure_skip_verify: true,
            ..ClientSettings::default()
        };
        assert_eq!(Connector::load(client).unwrap_err().to_string(), expected);
    }
}

#[test]
fn one_file_may_hold_both_and_text_around_them() {
    let pki = Pki::new();
    let (cert, key) = pki.server("localhost");
    let both = pki.directory().join("both.pem");
    let content = format!(
        "Some words\n{}\n{}",
        fs::read_to_string(key).unwrap(),
        fs::read_to_string(cert).unwrap()
    );
    fs::write(&both, content).unwrap();
    let settings = ServerSettings {
        cert: both.clone(),
        key: both,
        ..ServerSettings::default()
    };
    Acceptor::load(settings).unwrap();
}

#[test]
fn a_certificate_that_is_read_again_is_shown_to_new_connections_only() {
    block_on(async {
        let pki = Pki::new();
        let acceptor = Acceptor::load(server_settings(&pki)).unwrap();
        let connector = Connector::load(client_settings(&pki)).unwrap();
        let connect = async |host: &str| {
            let (one, other) = pair(16 * 1024);
            tokio::join!(
                accept(&acceptor, one, Vec::new()),
                connect(&connector, other, host),
            )
        };
        let (server, client) = connect("localhost").await;
        let ((mut server, _), (mut client, _)) = (server.unwrap(), client.unwrap());

        // A new certificate, in the same files.
        pki.server("example.org");
        acceptor.reload().unwrap();
        assert!(connect("localhost").await.1.is_err());
        let (new_server, new_client) = connect("example.org").await;
        assert!(new_server.is_ok() && new_client.is_ok());
        crate::coded::tests::carry(&mut server, &mut client, &[b"still here".to_vec()], 64).await;

        // Files that cannot be used change nothing.
        fs::write(pki.directory().join("server.pem"), "").unwrap();
        assert_eq!(
            acceptor.reload().unwrap_err().to_string(),
            "tls: failed to find any PEM data in certificate input"
        );
        assert!(connect("example.org").await.1.is_ok());
    });
}
