//! What went wrong with one attempt, and what may be done about it.

use std::time::Duration;

use memory_core::Error;
use reqwest::StatusCode;

/// A failed attempt.
///
/// | what happened | tried again | a write's outcome |
/// |---|---|---|
/// | no connection | yes | not done |
/// | reset, timeout, an answer cut short or unreadable | yes | unknown |
/// | 429, `SQLITE_BUSY`, an expired transaction | yes | not done |
/// | 408, 500 and above | yes | unknown |
/// | 400, 401, 403, 404, 413, any other status, a redirect | no | not done |
/// | a constraint, any other error of SQLite's | no | not done |
/// | an error of the whole batch, which may come after its commit | no | unknown |
/// | the write was fenced off | no | will never be done |
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) retry: bool,
    pub(super) outcome: Outcome,
    /// How long the server asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// What a failed attempt tells of its write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// This attempt has not done it, nor will it.
    NotDone,
    /// It may have taken effect all the same, or may yet.
    Unknown,
    /// No attempt has done it, nor will one.
    Never,
}

impl Failure {
    /// Refused: nothing was done, and nothing would be.
    pub(super) const fn last(error: Error) -> Self {
        Self { error, retry: false, outcome: Outcome::NotDone, retry_after: None }
    }

    /// Nothing was done, and may be tried again.
    pub(super) const fn again(error: Error) -> Self {
        Self { error, retry: true, outcome: Outcome::NotDone, retry_after: None }
    }

    /// Nobody knows whether something was done, and it may be tried again.
    pub(super) const fn unknown(error: Error) -> Self {
        Self { error, retry: true, outcome: Outcome::Unknown, retry_after: None }
    }

    /// Not done, by this attempt or any other.
    pub(super) fn never(error: Error) -> Self {
        Self { outcome: Outcome::Never, ..Self::last(error) }
    }

    /// The same, but a write may have taken effect.
    pub(super) fn in_doubt(mut self) -> Self {
        self.outcome = Outcome::Unknown;
        self
    }

    /// A request that got no answer, or not all of one, and may have `left`.
    /// The address of the server stays out of the message; the error's sources
    /// name the cause.
    pub(super) fn transport(operation: &str, error: reqwest::Error, left: bool) -> Self {
        let error = error.without_url();
        if error.is_builder() {
            return Self::last(Error::backend("libsql", operation, error));
        }
        let certain = !left || error.is_connect();
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        let error = Error::unavailable(operation, reason);
        if certain { Self::again(error) } else { Self::unknown(error) }
    }

    /// An answer with a status other than 200.
    pub(super) fn status(operation: &str, status: StatusCode, message: &str, retry_after: Option<Duration>) -> Self {
        let said = if message.is_empty() { String::new() } else { format!(": {message}") };
        let reason = format!("the server answered {}{said}", status.as_u16());
        match status.as_u16() {
            401 | 403 => {
                Self::last(Error::unauthorized(operation, format!("{reason}; check the token and its rights")))
            }
            404 => Self::last(Error::unsupported(
                operation,
                format!("{reason}; check the URL: there is no database, or no server that speaks Hrana 3"),
            )),
            413 => Self::last(Error::invalid_input(
                "max_request",
                format!("{reason} to {operation}; send less at once, and lower `max_request` to what the server takes"),
            )),
            429 => Self { retry_after, ..Self::again(Error::unavailable(operation, reason)) },
            408 | 500.. => Self { retry_after, ..Self::unknown(Error::unavailable(operation, reason)) },
            300..=399 => {
                Self::last(Error::unsupported(operation, format!("{reason}; use the URL that it redirects to")))
            }
            _ => Self::last(Error::backend("libsql", operation, std::io::Error::other(reason))),
        }
    }

    /// An answer that is not what the protocol says.
    pub(super) fn unreadable(operation: &str, how: &str) -> Self {
        let reason = format!("the answer is not Hrana's: {}; if it stays so, check the URL", limited(how));
        Self::unknown(Error::unavailable(operation, reason))
    }

    /// An error of the whole batch, which the server may have broken off after
    /// the commit: where the answer got too long for it, say.
    pub(super) fn batch(operation: &str, error: &libsql_hrana::proto::Error) -> Self {
        let failure = Self::server(operation, error);
        if failure.retry || matches!(failure.error, Error::Unauthorized { .. }) { failure } else { failure.in_doubt() }
    }

    /// An error of one step, by its code: the server's or SQLite's. Nothing was
    /// done.
    pub(super) fn server(operation: &str, error: &libsql_hrana::proto::Error) -> Self {
        let code = error.code.as_str();
        let message = limited(&error.message);
        let said = if code.is_empty() { message.clone() } else { format!("{code}: {message}") };
        let is = |prefix: &str| code == prefix || code.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('_'));
        if is("SQLITE_BUSY") || is("SQLITE_LOCKED") || code == "TRANSACTION_TIMEOUT" || code == "STREAM_EXPIRED" {
            return Self::again(Error::unavailable(operation, said));
        }
        if code.starts_with("AUTH_") || code == "BLOCKED" {
            return Self::last(Error::unauthorized(operation, said));
        }
        if is("SQLITE_CORRUPT") || is("SQLITE_NOTADB") {
            return Self::last(Error::corrupt(format!("the database, noticed at {operation}: {said}")));
        }
        if is("SQLITE_FULL") {
            return Self::last(Error::unavailable(operation, said));
        }
        if code == "RESPONSE_TOO_LARGE" {
            let reason = format!("{said}; lower `max_response` to what the server gives");
            return Self::last(Error::invalid_input("max_response", reason));
        }
        if message.contains("no such table") {
            let reason = format!("{said}: the database has no schema, or not this one; `initialize_schema` creates it");
            return Self::last(Error::unsupported(operation, reason));
        }
        Self::last(Error::backend("libsql", operation, std::io::Error::other(said)))
    }
}

/// The shortest token that is kept out of messages by force; a shorter one is
/// no secret, and may be a word.
const SECRET: usize = 8;

/// The error without the token, which a server may have repeated in what it
/// said.
pub(super) fn conceal(mut error: Error, token: &str) -> Error {
    if token.len() < SECRET {
        return error;
    }
    let replace = |text: &mut String| *text = text.replace(token, "[the token]");
    match &mut error {
        Error::InvalidInput { reason, .. }
        | Error::Corrupt { what: reason, .. }
        | Error::Unavailable { reason, .. }
        | Error::Timeout { reason, .. }
        | Error::Unauthorized { reason, .. }
        | Error::Unsupported { reason, .. }
        | Error::Indeterminate { reason, .. } => replace(reason),
        Error::Backend { source, .. } => {
            let mut said = source.to_string();
            if said.contains(token) {
                replace(&mut said);
                *source = std::sync::Arc::new(std::io::Error::other(said));
            }
        }
        _ => {}
    }
    error
}

/// The start of a text from outside, in one line.
pub(super) fn limited(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
