use proptest::prelude::*;
use rcgen::{CertificateParams, DnType, DnValue, KeyPair, date_time_ymd};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::*;

fn unix(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// The encoding of a self-signed certificate.
fn encoding(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    certificate.der().to_vec()
}

#[test]
fn the_fields_are_where_the_format_has_them() {
    let encoding = encoding(|params| {
        params.not_before = date_time_ymd(2000, 2, 29);
        params.not_after = date_time_ymd(2100, 3, 1);
    });
    let certificate = Certificate::parse(&encoding).unwrap();
    assert!(!certificate.is_version_1);
    assert_eq!(certificate.issuer, certificate.subject);
    assert!(!certificate.is_valid_at(unix(951_782_399)));
    assert!(certificate.is_valid_at(unix(951_782_400)));
    assert!(certificate.is_valid_at(unix(4_107_542_400)));
    assert!(!certificate.is_valid_at(unix(4_107_542_401)));
}

#[test]
fn a_certificate_of_version_1_is_read_as_well() {
    let encoding = CertificateDer::from_pem_slice(include_bytes!("../tests/version_1.pem")).unwrap();
    let certificate = Certificate::parse(&encoding).unwrap();
    assert!(certificate.is_version_1);
    assert_eq!(certificate.common_name().as_deref(), Some("consumer.example"));
    assert!(certificate.is_valid_at(unix(1_577_836_800)));
    assert!(!certificate.is_valid_at(unix(1_577_836_799)));
}

#[test]
fn a_common_name_is_read_in_each_of_its_encodings() {
    for value in [
        DnValue::Utf8String("größe".to_owned()),
        DnValue::PrintableString("größe".replace('ö', "o").replace('ß', "ss").try_into().unwrap()),
        DnValue::BmpString("größe".try_into().unwrap()),
    ] {
        let expected = if matches!(value, DnValue::PrintableString(_)) {
            "grosse"
        } else {
            "größe"
        };
        let encoding = encoding(|params| {
            params.distinguished_name.remove(DnType::CommonName);
            params
                .distinguished_name
                .push(DnType::OrganizationName, "not this");
            params.distinguished_name.push(DnType::CommonName, value);
        });
        let certificate = Certificate::parse(&encoding).unwrap();
        assert_eq!(certificate.common_name().as_deref(), Some(expected));
    }
}

#[test]
fn days_are_counted_through_leap_years() {
    for (date, days) in [
        ((1970, 1, 1), 0),
        ((1970, 12, 31), 364),
        ((2000, 2, 29), 11_016),
        ((2000, 3, 1), 11_017),
        ((2026, 11, 20), 20_777),
        ((2100, 2, 28), 47_540),
        ((2100, 3, 1), 47_541),
        ((1950, 1, 1), 0),
        ((0, 1, 1), 0),
    ] {
        let (year, month, day) = date;
        assert_eq!(days_since_1970(year, month, day), days, "{date:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Certificate::parse(&bytes);
    }

    #[test]
    fn no_change_makes_it_panic(at in 0..400_usize, by in 1..=255_u8, cut in 0..400_usize) {
        let mut bytes = CertificateDer::from_pem_slice(include_bytes!("../tests/version_1.pem"))
            .unwrap()
            .to_vec();
        let at = at % bytes.len();
        bytes[at] ^= by;
        let _ = Certificate::parse(&bytes).and_then(|certificate| certificate.common_name());
        bytes.truncate(cut);
        let _ = Certificate::parse(&bytes);
    }
}
