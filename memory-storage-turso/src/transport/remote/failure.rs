//! What went wrong with one attempt, and what may be done about it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use memory_core::Error;
use reqwest::StatusCode;

use super::answer::ServerError;
use super::network::diagnose;

/// A failed attempt.
///
/// | what happened | tried again | a write's outcome |
/// |---|---|---|
/// | no connection, for a reason that may pass ([`network`](super::network)) | yes | not done |
/// | no connection, for a reason that stays | no | not done |
/// | reset, timeout, an answer cut short or unreadable | yes | unknown |
/// | `SQLITE_BUSY`, an expired transaction | yes | not done |
/// | 429, while others were under way | yes, in a narrower pool, and it counts as no attempt | not done |
/// | 429, alone | yes | not done |
/// | `RESPONSE_TOO_LARGE` to a read, while others were under way | as 429 | |
/// | `RESPONSE_TOO_LARGE` to a read, alone | no | |
/// | `RESPONSE_TOO_LARGE` to a write, whose answer is small | yes | unknown |
/// | 408, 500 and above | yes | unknown |
/// | 400, 401, 403, 404, 413, any other status, a redirect | no | not done |
/// | a constraint, any other error of SQLite's | no | not done |
/// | an error of the whole batch, which may come after its commit | no | unknown |
/// | the write was fenced off: `Error::Fenced` | no | will never be done |
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) retry: bool,
    pub(super) outcome: Outcome,
    /// How long the server asks to be left alone.
    pub(super) retry_after: Option<Duration>,
    /// The server may have had too much to do at once.
    pub(super) crowded: bool,
    /// The decision whether all writes of the request may try again, made once for them.
    pub(super) ticket: Option<Arc<OnceLock<bool>>>,
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
        Self { error, retry: false, outcome: Outcome::NotDone, retry_after: None, crowded: false, ticket: None }
    }

    /// Nothing was done, and may be tried again.
    pub(super) fn again(error: Error) -> Self {
        Self { retry: true, ..Self::last(error) }
    }

    /// Nobody knows whether something was done, and it may be tried again.
    pub(super) fn unknown(error: Error) -> Self {
        Self { retry: true, outcome: Outcome::Unknown, ..Self::last(error) }
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

    /// Returns whether the server refused an answer for its size.
    pub(super) fn is_too_large(&self) -> bool {
        matches!(&self.error, Error::InvalidInput { field, .. } if field == "max_response")
    }

    /// Returns the failure with a `ticket`, which decides whether to try again.
    pub(super) fn with_ticket(mut self, ticket: &Arc<OnceLock<bool>>) -> Self {
        self.ticket = Some(Arc::clone(ticket));
        self
    }

    /// Returns the failure for another operation in the same request.
    pub(super) fn of(&self, name: &str) -> Self {
        let mut failure = self.clone();
        match &mut failure.error {
            Error::Unavailable { operation, .. }
            | Error::Timeout { operation, .. }
            | Error::Unauthorized { operation, .. }
            | Error::Unsupported { operation, .. }
            | Error::Misconfigured { operation, .. }
            | Error::Backend { operation, .. } => name.clone_into(operation),
            _ => {}
        }
        failure
    }

    /// A request that got no answer, or not all of one, and may have `left`.
    /// The source is the error without the URL; [`at`](Self::at) names the host.
    pub(super) fn transport(operation: &str, error: reqwest::Error, left: bool) -> Self {
        let error = error.without_url();
        let found = diagnose(&error);
        let is_undone = !left || error.is_connect() || error.is_builder() || found.is_undone;
        let make = if found.is_permanent { Error::misconfigured } else { Error::unavailable };
        let error = make(operation.to_owned(), found.reason.into_owned()).with_source(Arc::new(error));
        let outcome = if is_undone { Outcome::NotDone } else { Outcome::Unknown };
        Self { retry: !found.is_permanent, outcome, ..Self::last(error) }
    }

    /// The same, with the host named.
    pub(super) fn at(self, host: &str) -> Self {
        Self { error: reworded(self.error, |text| text.insert_str(0, &format!("{host}: "))), ..self }
    }

    /// An answer with a status other than 200.
    pub(super) fn status(operation: &str, status: StatusCode, message: &str, retry_after: Option<Duration>) -> Self {
        let said = if message.is_empty() { String::new() } else { format!(": {message}") };
        let reason = format!("the server answered {}{said}", status.as_u16());
        match status.as_u16() {
            401 | 403 => {
                Self::last(Error::unauthorized(operation, format!("{reason}; check the token and its rights")))
            }
            400 if MISSING_DATABASE.iter().any(|text| message.contains(text)) => Self::last(Error::misconfigured(
                operation,
                format!(
                    "{reason}; check the URL: the first label of the host names the database, or `/dev/NAME` at the end of the path"
                ),
            )),
            400 if message.contains("HTTP request was sent to HTTPS port") => {
                Self::last(Error::misconfigured(operation, format!("{reason}; use `https://` or `libsql://`")))
            }
            404 => Self::last(Error::misconfigured(
                operation,
                format!("{reason}; check the URL: there is no database, or no server that speaks Hrana 3"),
            )),
            407 => Self::last(Error::misconfigured(
                operation,
                format!(
                    "{reason}; the proxy that the environment names wants credentials: check `HTTP_PROXY` and `ALL_PROXY`"
                ),
            )),
            413 => Self::last(Error::invalid_input(
                "max_request",
                format!("{reason} to {operation}; send less at once, and lower `max_request` to what the server takes"),
            )),
            429 => Self { retry_after, crowded: true, ..Self::again(Error::unavailable(operation, reason)) },
            408 | 500.. => Self { retry_after, ..Self::unknown(Error::unavailable(operation, reason)) },
            300..=399 => {
                Self::last(Error::misconfigured(operation, format!("{reason}; use the URL that it redirects to")))
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
    pub(super) fn batch(operation: &str, error: &ServerError) -> Self {
        let failure = Self::server(operation, error);
        let is_certain =
            failure.retry || matches!(failure.error, Error::Unauthorized { .. }) || error.precedes_the_batch();
        if is_certain { failure } else { failure.in_doubt() }
    }

    /// An error of one step. Nothing was done.
    pub(super) fn server(operation: &str, error: &ServerError) -> Self {
        let code = error.code.as_str();
        let message = limited(&error.message);
        let said = match (code, message.as_str()) {
            ("", "") => "the server gave no reason".to_owned(),
            ("", _) => message,
            (code, _) => format!("{code}: {message}"),
        };
        if error.is("SQLITE_BUSY") || error.is("SQLITE_LOCKED") || RETRIED_CODES.contains(&code) {
            return Self::again(Error::unavailable(operation, said));
        }
        if code.starts_with("AUTH_") || code == "BLOCKED" {
            return Self::last(Error::unauthorized(operation, said));
        }
        if error.is("SQLITE_CORRUPT") || error.is("SQLITE_NOTADB") {
            return Self::last(Error::corrupt(format!("the database, noticed at {operation}: {said}")));
        }
        if error.is("SQLITE_FULL") {
            return Self::last(Error::unavailable(operation, said));
        }
        if error.is_too_large() {
            let reason = format!("{said}; lower `max_response` to what the server gives");
            // All answers together have a limit, too.
            return Self { crowded: true, ..Self::last(Error::invalid_input("max_response", reason)) };
        }
        if error.is("SQLITE_TOOBIG") || error.message.contains("string or blob too big") {
            let reason =
                format!("{said}: a value or a row is larger than the server takes; set `max_row_size` to its limit");
            return Self::last(Error::invalid_input("max_row_size", reason));
        }
        if error.is_missing_table() {
            let reason = format!("{said}: the database has no schema, or not this one; `initialize_schema` creates it");
            return Self::last(Error::misconfigured(operation, reason));
        }
        Self::last(Error::backend("libsql", operation, std::io::Error::other(said)))
    }
}

/// Texts of sqld's answers with status 400 if the host or path names no database.
const MISSING_DATABASE: [&str; 4] =
    ["doesn't exist", "Invalid namespace", "Invalid host header", "Invalid path in URI"];

/// Codes of a server that was too busy, after which nothing is left of a
/// transaction.
const RETRIED_CODES: [&str; 3] = ["TRANSACTION_TIMEOUT", "TRANSACTION_BUSY", "STREAM_EXPIRED"];

/// SQLite's own texts for its result codes (`sqlite3_errstr`), by which an
/// error is recognised that comes without a code of SQLite's.
const SQLITE_TEXTS: [(&str, &str); 6] = [
    ("SQLITE_BUSY", "database is locked"),
    ("SQLITE_LOCKED", "database table is locked"),
    ("SQLITE_CORRUPT", "database disk image is malformed"),
    ("SQLITE_NOTADB", "file is not a database"),
    ("SQLITE_FULL", "database or disk is full"),
    ("SQLITE_CONSTRAINT", "constraint failed"),
];

impl ServerError {
    /// Returns whether SQLite's primary result code is `primary`. The code of a server
    /// may be an extended one, `SQLITE_UNKNOWN`, or absent: then the message
    /// says which.
    fn is(&self, primary: &str) -> bool {
        match self.code.as_str() {
            "" | "SQLITE_UNKNOWN" | "SQLITE_ERROR" => {
                SQLITE_TEXTS.iter().any(|(code, text)| *code == primary && self.message.contains(text))
            }
            code => code.strip_prefix(primary).is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', ' '])),
        }
    }

    pub(super) fn is_constraint(&self) -> bool {
        self.is("SQLITE_CONSTRAINT")
    }

    /// Returns whether the server made no answer since it would have been too large.
    pub(super) fn is_too_large(&self) -> bool {
        self.code == "RESPONSE_TOO_LARGE"
    }

    pub(super) fn is_missing_table(&self) -> bool {
        self.message.contains("no such table")
    }

    /// Returns whether an error of a whole batch came before its first step: the server
    /// could not read the statements, or SQLite could not prepare one.
    fn precedes_the_batch(&self) -> bool {
        self.code.starts_with("SQL_") || self.code.starts_with("ARGS_") || self.is_missing_table()
    }
}

/// The shortest token that is kept out of messages by force; a shorter one is
/// no secret, and may be a word.
const SECRET: usize = 8;

/// The error without the token, which a server may have repeated in its answer,
/// or in what a source shows of it.
pub(super) fn conceal(error: Error, token: &str) -> Error {
    if token.len() < SECRET {
        return error;
    }
    let mut error = reworded(error, |text| *text = text.replace(token, "[the token]"));
    if let Error::Unavailable { source, .. } | Error::Misconfigured { source, .. } = &mut error {
        source.take_if(|source| format!("{source:?}").contains(token));
    }
    error
}

/// The error with the text changed that the network or the server gave. The
/// sources of network errors are errors of other crates, which know neither.
fn reworded(mut error: Error, change: impl Fn(&mut String)) -> Error {
    match &mut error {
        Error::InvalidInput { reason, .. }
        | Error::Corrupt { what: reason, .. }
        | Error::Timeout { reason, .. }
        | Error::Unauthorized { reason, .. }
        | Error::Unsupported { reason, .. }
        | Error::Unavailable { reason, .. }
        | Error::Misconfigured { reason, .. }
        | Error::Indeterminate { reason, .. } => change(reason),
        Error::Backend { source, .. } => {
            let mut said = source.to_string();
            change(&mut said);
            *source = Arc::new(std::io::Error::other(said));
        }
        _ => {}
    }
    error
}

/// The start of a text from outside, in one line.
pub(super) fn limited(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::error_kind;

    fn error(code: &str, message: &str) -> ServerError {
        ServerError { message: message.to_owned(), code: code.to_owned() }
    }

    #[test]
    fn an_error_of_sqlite_is_known_by_its_code_or_by_its_message() {
        for (code, message, retry, kind) in [
            ("SQLITE_BUSY", "", true, "unavailable"),
            ("SQLITE_BUSY_SNAPSHOT", "", true, "unavailable"),
            ("", "SQLite error: database is locked", true, "unavailable"),
            ("SQLITE_UNKNOWN", "database table is locked: episodes", true, "unavailable"),
            ("TRANSACTION_BUSY", "", true, "unavailable"),
            ("", "database or disk is full", false, "unavailable"),
            ("SQLITE_CORRUPT", "", false, "corrupt"),
            ("SQLITE_UNKNOWN", "database disk image is malformed", false, "corrupt"),
            ("", "file is not a database", false, "corrupt"),
            ("SQLITE_BUSYBODY", "", false, "backend"),
            ("", "", false, "backend"),
            ("", "near \"SELEC\": syntax error", false, "backend"),
            // The code has the say where it is one.
            ("SQLITE_CONSTRAINT", "database is locked", false, "backend"),
        ] {
            let failure = Failure::server("get", &error(code, message));
            assert_eq!((failure.retry, error_kind(&failure.error)), (retry, kind), "{code}, {message}");
        }
    }

    #[test]
    fn a_source_that_shows_the_token_is_dropped() {
        let error = |said: &str| {
            Error::unavailable("get", "away").with_source(Arc::new(std::io::Error::other(said.to_owned())))
        };
        let source = |error: &Error| std::error::Error::source(error).map(ToString::to_string);
        assert_eq!(source(&conceal(error("who is a-secret?"), "a-secret")), None);
        assert_eq!(source(&conceal(error("reset"), "a-secret")).as_deref(), Some("reset"));
    }

    #[test]
    fn a_constraint_is_known_with_and_without_its_code() {
        let unique = "SQLite error: UNIQUE constraint failed: memory_writes.write_id";
        for code in
            ["SQLITE_CONSTRAINT", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT UNIQUE", "SQLITE_UNKNOWN", ""]
        {
            assert!(error(code, unique).is_constraint(), "{code}");
        }
        assert!(!error("SQLITE_BUSY", unique).is_constraint() && !error("", "database is locked").is_constraint());
    }

    #[test]
    fn an_error_of_a_whole_batch_is_in_doubt_unless_it_precedes_the_batch() {
        for (code, message, outcome) in [
            ("SQL_PARSE_ERROR", "", Outcome::NotDone),
            ("ARGS_INVALID", "", Outcome::NotDone),
            ("", "no such table: memory_writes", Outcome::NotDone),
            ("TRANSACTION_TIMEOUT", "", Outcome::NotDone),
            ("BLOCKED", "", Outcome::NotDone),
            ("RESPONSE_TOO_LARGE", "", Outcome::Unknown),
            ("", "internal error", Outcome::Unknown),
            ("", "", Outcome::Unknown),
        ] {
            assert_eq!(Failure::batch("put", &error(code, message)).outcome, outcome, "{code}, {message}");
        }
    }
}
