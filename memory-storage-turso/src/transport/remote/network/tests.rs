use rustls::{CertRevocationListError, PeerIncompatible, PeerMisbehaved};

use super::*;

/// Checks a line of the table: whether it is permanent, and a part of the text.
#[track_caller]
fn says(found: &Diagnosis, is_permanent: bool, text: &str) {
    assert_eq!(found.is_permanent, is_permanent, "{found:?}");
    assert!(found.reason.contains(text), "{found:?} does not say `{text}`");
}

fn of(cause: &(dyn StdError + 'static)) -> Option<Diagnosis> {
    of_cause(cause, Phase::default())
}

#[test]
fn a_certificate_that_is_refused_is_permanent() {
    for (error, text) in [
        (CertificateError::UnknownIssuer, "does not trust"),
        (CertificateError::Expired, "has expired"),
        (CertificateError::NotValidYet, "not valid yet"),
        (CertificateError::NotValidForName, "another name"),
        (CertificateError::Revoked, "revoked"),
        (CertificateError::BadSignature, "not accepted"),
        (CertificateError::InvalidPurpose, "not accepted"),
    ] {
        says(&of(&TlsError::InvalidCertificate(error)).unwrap(), true, text);
    }
}

#[test]
fn an_error_of_tls_is_permanent_where_both_sides_would_do_the_same_again() {
    let alert = TlsError::AlertReceived;
    for (error, is_permanent, text) in [
        (TlsError::InvalidMessage(InvalidMessage::InvalidContentType), true, "use `http://`"),
        (TlsError::NoCertificatesPresented, true, "no certificate"),
        (TlsError::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon), true, "no version of TLS"),
        (TlsError::NoApplicationProtocol, true, "no version of TLS"),
        (TlsError::UnsupportedNameType, true, "check its name"),
        (alert(AlertDescription::HandshakeFailure), true, "refused the TLS connection"),
        (alert(AlertDescription::UnrecognisedName), true, "refused the TLS connection"),
        (alert(AlertDescription::InternalError), false, "ended the TLS connection"),
        (alert(AlertDescription::CloseNotify), false, "ended the TLS connection"),
        (TlsError::InvalidMessage(InvalidMessage::MissingData("x")), false, "broke"),
        (TlsError::PeerMisbehaved(PeerMisbehaved::BadCertChainExtensions), false, "broke"),
        (TlsError::InvalidCertRevocationList(CertRevocationListError::ParseError), false, "broke"),
        (TlsError::DecryptError, false, "broke"),
        (TlsError::FailedToGetRandomBytes, false, "broke"),
        (TlsError::General("x".to_owned()), false, "broke"),
    ] {
        says(&of(&error).unwrap(), is_permanent, text);
    }
    let name = rustls::pki_types::ServerName::try_from("two words").unwrap_err();
    says(&of(&name).unwrap(), true, "check its name");
}

#[test]
fn an_error_of_http2_says_whether_the_request_was_processed() {
    use h2::Reason;
    for (reason, is_permanent, is_undone, text) in [
        (Reason::REFUSED_STREAM, false, true, "refused the request"),
        (Reason::HTTP_1_1_REQUIRED, true, false, "HTTP/1.1"),
        (Reason::INADEQUATE_SECURITY, true, false, "cipher"),
        (Reason::ENHANCE_YOUR_CALM, false, false, "overloaded"),
        (Reason::INTERNAL_ERROR, false, false, "broke"),
        (Reason::PROTOCOL_ERROR, false, false, "broke"),
        // Not from the other side.
        (Reason::NO_ERROR, false, false, "broke"),
    ] {
        let found = of(&h2::Error::from(reason)).unwrap();
        says(&found, is_permanent, text);
        assert_eq!(found.is_undone, is_undone, "{reason:?}");
    }
}

#[test]
fn an_error_of_the_system_is_permanent_where_a_setting_forbids_the_connection() {
    let connecting = Phase { connecting: true, ..Phase::default() };
    for (kind, phase, is_permanent, text) in [
        (ErrorKind::ConnectionRefused, connecting, false, "refused"),
        (ErrorKind::ConnectionReset, connecting, false, "reset"),
        (ErrorKind::ConnectionAborted, Phase::default(), false, "reset"),
        (ErrorKind::BrokenPipe, Phase::default(), false, "reset"),
        (ErrorKind::UnexpectedEof, connecting, false, "TLS handshake"),
        (ErrorKind::UnexpectedEof, Phase::default(), false, "closed"),
        (ErrorKind::NotConnected, Phase::default(), false, "closed"),
        (ErrorKind::TimedOut, connecting, false, "timed out"),
        (ErrorKind::HostUnreachable, connecting, false, "cannot be reached"),
        (ErrorKind::NetworkUnreachable, connecting, false, "cannot be reached"),
        (ErrorKind::NetworkDown, connecting, false, "cannot be reached"),
        (ErrorKind::AddrNotAvailable, connecting, false, "no address or port"),
        (ErrorKind::PermissionDenied, connecting, true, "firewall"),
    ] {
        says(&of_cause(&io::Error::from(kind), phase).unwrap(), is_permanent, text);
    }
    assert_eq!(of(&io::Error::from(ErrorKind::InvalidData)), None);
    let decoding = Phase { decoding: true, ..Phase::default() };
    assert_eq!(of_cause(&io::Error::from(ErrorKind::UnexpectedEof), decoding), None);
    #[cfg(unix)]
    for (code, is_permanent, text) in [
        (libc::EMFILE, false, "open files"),
        (libc::ENFILE, false, "open files"),
        (libc::EAFNOSUPPORT, true, "kind of the address"),
    ] {
        says(&of(&io::Error::from_raw_os_error(code)).unwrap(), is_permanent, text);
    }
}

#[test]
fn a_name_that_does_not_exist_is_permanent_and_a_resolver_that_is_away_is_not() {
    let resolving = Phase { resolving: true, connecting: true, decoding: false };
    for (text, is_permanent) in [
        ("Name or service not known", true),
        ("No address associated with hostname", true),
        ("Name does not resolve", true),
        ("nodename nor servname provided, or not known", true),
        ("Temporary failure in name resolution", false),
        ("Try again", false),
        ("Non-recoverable failure in name resolution", false),
    ] {
        let error = io::Error::other(format!("failed to lookup address information: {text}"));
        says(&of_cause(&error, resolving).unwrap(), is_permanent, "host");
    }
    for (code, is_permanent) in [(11_001, true), (11_004, true), (11_002, false)] {
        says(&of_cause(&io::Error::from_raw_os_error(code), resolving).unwrap(), is_permanent, "host");
    }
}

#[test]
fn a_proxy_that_wants_credentials_is_known_by_its_text() {
    let error = io::Error::other("tunnel error: proxy authorization required");
    let inner = error.get_ref().unwrap();
    says(&of(inner as &(dyn StdError + 'static)).unwrap(), true, "HTTPS_PROXY");
}

/// An [`io::Error`] hides the error that it holds from its source.
#[test]
fn the_innermost_known_cause_decides() {
    let tls = TlsError::InvalidCertificate(CertificateError::Expired);
    let error = io::Error::new(ErrorKind::ConnectionReset, io::Error::new(ErrorKind::InvalidData, tls));
    let causes = causes(&error);
    assert_eq!(causes.len(), 3);
    says(&causes.iter().rev().find_map(|cause| of(*cause)).unwrap(), true, "has expired");
}
