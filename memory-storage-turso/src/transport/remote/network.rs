//! Network errors, classified.
//!
//! One table for every error that reqwest, rustls, hyper, h2 and the system
//! give. A permanent error is not retried and not transient, and its text says
//! what to check. An error that is not listed is transient.
//!
//! | error | permanent | text |
//! |---|---|---|
//! | certificate refused: unknown issuer, expired, not yet valid, wrong name, revoked, other | yes | the reason, and how to mend it |
//! | plain text where TLS was expected | yes | use `http://` |
//! | no common TLS version or cipher, a TLS alert that refuses | yes | the reason |
//! | other TLS errors: a damaged record, an internal error | no | the TLS connection broke |
//! | HTTP/2 `REFUSED_STREAM`, `GOAWAY` with `NO_ERROR` | no | not processed, so certainly not done |
//! | HTTP/2 `HTTP_1_1_REQUIRED`, `INADEQUATE_SECURITY` | yes | the reason |
//! | other HTTP/2 errors | no | the reason |
//! | the name of the host does not exist | yes | check the URL |
//! | name resolution failed otherwise | no | check this machine's network |
//! | refused, reset, closed, unreachable, timed out | no | the reason |
//! | too many open files, no free port | no | the reason |
//! | permission denied, address family not supported | yes | the reason |
//! | an answer that is not HTTP | yes | use `https://` |
//! | an answer that cannot be decompressed | no | the answer is damaged |
//! | a proxy that wants credentials | yes | check the proxy of the environment |
//! | a request that cannot be made | yes | check the URL |

use std::borrow::Cow;
use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use rustls::pki_types::InvalidDnsNameError;
use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};

/// The meaning of a network error for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diagnosis {
    /// The fault, and what to check.
    pub(super) reason: Cow<'static, str>,
    /// True if only a change of the setup can help.
    pub(super) is_permanent: bool,
    /// True if the request had no effect although it has left.
    pub(super) is_undone: bool,
}

fn transient(reason: &'static str) -> Diagnosis {
    Diagnosis { reason: Cow::Borrowed(reason), is_permanent: false, is_undone: false }
}

fn permanent(reason: &'static str) -> Diagnosis {
    Diagnosis { is_permanent: true, ..transient(reason) }
}

fn undone(reason: &'static str) -> Diagnosis {
    Diagnosis { is_undone: true, ..transient(reason) }
}

/// Classifies the error of a request by the innermost cause that is known.
pub(super) fn diagnose(error: &reqwest::Error) -> Diagnosis {
    let causes = causes(error);
    // Of an answer that is read, reqwest calls everything a decoding error.
    let decoding = error.is_decode() && !causes.iter().any(|cause| cause.is::<hyper::Error>());
    let phase = Phase { resolving: error.is_dns(), connecting: error.is_connect(), decoding };
    causes.iter().rev().find_map(|cause| of_cause(*cause, phase)).unwrap_or_else(|| {
        let Diagnosis { reason, is_permanent, is_undone } = of_request(error);
        // The cause is what a user can search for.
        let root = causes.last().map_or_else(String::new, |root| format!(": {root}"));
        Diagnosis { reason: Cow::Owned(format!("{reason}{root}")), is_permanent, is_undone }
    })
}

/// The phase in which a request failed.
#[derive(Clone, Copy, Debug, Default)]
struct Phase {
    resolving: bool,
    connecting: bool,
    decoding: bool,
}

/// An error and its sources, the outermost first. The error inside of an
/// [`io::Error`] is one of them, which its `source` skips.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> Vec<&'e (dyn StdError + 'static)> {
    let mut causes = vec![error];
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source());
        causes.extend(next);
    }
    causes
}

fn of_cause(cause: &(dyn StdError + 'static), phase: Phase) -> Option<Diagnosis> {
    if let Some(error) = cause.downcast_ref() {
        return Some(of_tls(error));
    }
    if cause.is::<InvalidDnsNameError>() {
        return Some(permanent("a certificate cannot be for the host of the URL; check its name"));
    }
    if let Some(error) = cause.downcast_ref::<h2::Error>() {
        return Some(error.get_io().and_then(|error| of_system(error, phase)).unwrap_or_else(|| of_http2(error)));
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return of_http1(error);
    }
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return of_system(error, phase);
    }
    // Of a type that cannot be named.
    cause.to_string().contains("proxy authorization required").then(|| {
        permanent("the proxy that the environment names wants credentials; check `HTTPS_PROXY` and `ALL_PROXY`")
    })
}

fn of_tls(error: &TlsError) -> Diagnosis {
    match error {
        TlsError::InvalidCertificate(error) => of_certificate(error),
        TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => {
            permanent("the port does not speak TLS; if the server has none, use `http://`")
        }
        TlsError::NoCertificatesPresented => permanent("the server has no certificate; check the port"),
        TlsError::PeerIncompatible(_) | TlsError::NoApplicationProtocol => {
            permanent("the server offers no version of TLS or no cipher that this client has; it needs TLS 1.2 or 1.3")
        }
        TlsError::AlertReceived(
            AlertDescription::InternalError | AlertDescription::UserCanceled | AlertDescription::CloseNotify,
        ) => transient("the server ended the TLS connection"),
        TlsError::AlertReceived(_) => {
            permanent("the server refused the TLS connection; check the host of the URL, and its port")
        }
        TlsError::UnsupportedNameType => permanent("a certificate cannot be for the host of the URL; check its name"),
        _ => transient("the TLS connection broke"),
    }
}

fn of_certificate(error: &CertificateError) -> Diagnosis {
    permanent(match error {
        CertificateError::UnknownIssuer => {
            "its certificate is signed by an authority that this machine does not trust; install the authority's \
             certificate, or name its file in `SSL_CERT_FILE`"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; renew it, or set this machine's clock"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; set the clocks of this machine and of the server"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name; check the host of the URL"
        }
        CertificateError::Revoked => "its certificate was revoked; the server needs another one",
        _ => "its certificate is not accepted; the server needs another one",
    })
}

fn of_http2(error: &h2::Error) -> Diagnosis {
    use h2::Reason;
    match error.reason() {
        Some(Reason::REFUSED_STREAM) => undone("the server refused the request before it read it"),
        Some(Reason::NO_ERROR) if error.is_go_away() && error.is_remote() => {
            undone("the server closed the connection before it read the request")
        }
        Some(Reason::HTTP_1_1_REQUIRED) => permanent("the server asks for HTTP/1.1, which it did not offer"),
        Some(Reason::INADEQUATE_SECURITY) => permanent("the server refuses this client's version of TLS or cipher"),
        Some(Reason::ENHANCE_YOUR_CALM) => transient("the server is overloaded"),
        _ => transient("the HTTP/2 connection broke"),
    }
}

fn of_http1(error: &hyper::Error) -> Option<Diagnosis> {
    if error.is_parse_too_large() {
        return Some(permanent("the head of the answer is too large; check the URL"));
    }
    if error.is_parse() {
        return Some(permanent(
            "the port does not answer in HTTP; if the server has TLS, use `https://` or `libsql://`",
        ));
    }
    if error.is_incomplete_message() {
        return Some(transient("the server closed the connection before it had answered"));
    }
    (error.is_canceled() || error.is_closed()).then(|| transient("the connection was closed"))
}

/// Texts of `getaddrinfo` for a name that does not exist: glibc twice, musl
/// twice, macOS and the BSDs.
const NO_SUCH_NAME: [&str; 5] = [
    "Name or service not known",
    "No address associated with hostname",
    "Name does not resolve",
    "Name has no usable address",
    "nodename nor servname provided",
];

/// The codes of Windows for the same: `WSAHOST_NOT_FOUND`, `WSANO_DATA`.
const NO_SUCH_NAME_CODES: [i32; 2] = [11_001, 11_004];

fn of_system(error: &io::Error, phase: Phase) -> Option<Diagnosis> {
    if phase.resolving {
        let text = error.to_string();
        let unknown = NO_SUCH_NAME.iter().any(|name| text.contains(name))
            || error.raw_os_error().is_some_and(|code| NO_SUCH_NAME_CODES.contains(&code));
        return Some(if unknown {
            permanent("there is no host of this name; check the URL")
        } else {
            transient("the name of the host could not be resolved; check this machine's network")
        });
    }
    Some(match error.kind() {
        ErrorKind::ConnectionRefused => transient("the connection was refused: nothing listens at this port"),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            transient("the connection was reset")
        }
        ErrorKind::UnexpectedEof if phase.connecting => transient(
            "the server ended the TLS handshake; if it stays so, check that the port speaks TLS, or use `http://`",
        ),
        ErrorKind::UnexpectedEof if !phase.decoding => transient("the server closed the connection"),
        ErrorKind::NotConnected => transient("the connection was closed"),
        ErrorKind::TimedOut => transient("the connection timed out"),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            transient("the host cannot be reached from this machine's network")
        }
        ErrorKind::AddrNotAvailable => transient("this machine has no address or port left to connect from"),
        ErrorKind::PermissionDenied => {
            permanent("the system does not let this process connect; check its firewall or sandbox")
        }
        _ => return of_code(error.raw_os_error()?),
    })
}

/// Errors of the system that have no [`ErrorKind`].
#[cfg(unix)]
fn of_code(code: i32) -> Option<Diagnosis> {
    match code {
        libc::EMFILE | libc::ENFILE => Some(transient("this process has too many open files; raise its limit")),
        libc::EAFNOSUPPORT => Some(permanent("this machine has no network of the kind of the address; check the URL")),
        _ => None,
    }
}

#[cfg(not(unix))]
fn of_code(_: i32) -> Option<Diagnosis> {
    None
}

/// Classifies an error none of whose causes is known.
fn of_request(error: &reqwest::Error) -> Diagnosis {
    if error.is_builder() {
        permanent("the request cannot be made; check the URL")
    } else if error.is_connect() {
        transient("no connection could be opened")
    } else if error.is_decode() {
        transient("the answer cannot be decompressed")
    } else if error.is_body() {
        transient("the answer broke off")
    } else {
        transient("the request failed")
    }
}

#[cfg(test)]
mod tests;
