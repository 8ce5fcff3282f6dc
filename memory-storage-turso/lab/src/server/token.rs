//! The bearer token, and who gets in without it.

use std::fmt;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::failure::Failure;

/// A bearer token. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl From<&str> for Token {
    fn from(token: &str) -> Self {
        Self(token.to_owned())
    }
}

impl From<String> for Token {
    fn from(token: String) -> Self {
        Self(token)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Lets a request in if it carries the token, or if none is asked for.
pub(super) fn authorize(expected: Option<&Token>, headers: &HeaderMap) -> Result<(), Failure> {
    let Some(expected) = expected else {
        return Ok(());
    };
    let header = headers.get(AUTHORIZATION);
    let header = header.ok_or(Failure::Unauthorized("Expected authorization header but none given"))?;
    let header = header.to_str().map_err(|_| Failure::Unauthorized("Non-ASCII auth header"))?;
    let malformed = Failure::Unauthorized("Auth string does not conform to '<scheme> <token>' form");
    let (scheme, token) = header.split_once(' ').ok_or(malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        let message = "The authentication scheme in the `Authorization` HTTP header is not supported";
        return Err(Failure::Unauthorized(message));
    }
    if token == expected.0 { Ok(()) } else { Err(Failure::Unauthorized("The JWT is invalid")) }
}
