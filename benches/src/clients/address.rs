//! A server's address.

use std::fmt;

/// A real server.
#[derive(Clone)]
pub struct ServerAddress {
    /// `libsql://…`, `https://…`, or `http://…` without TLS.
    pub url: String,
    /// The bearer token; an empty one is none.
    pub token: String,
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerAddress").field("url", &self.url).finish_non_exhaustive()
    }
}
