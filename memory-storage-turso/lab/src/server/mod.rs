//! A libSQL server: Hrana 3 over HTTP, on loopback, over a real database file.
//!
//! SQLite runs through `libsql-rusqlite`, the binding that the server uses
//! itself, over the same library that the `libsql` crate is linked with. That
//! crate alone would not do: it cuts a text off at its first NUL, and does not
//! tell whether a statement writes, nor how many rows it read.

mod arguments;
mod baton;
mod body;
mod budget;
mod collect;
mod cursor;
mod database;
mod failure;
mod http;
mod lane;
mod listen;
mod options;
mod pipeline;
mod program;
mod run;
mod statement;
mod stream;
mod token;

pub use listen::Server;
pub use options::ServerOptions;
pub use token::Token;

use budget::Budget;
use stream::Streams;
use tokio::sync::Semaphore;

/// What every request has in common.
#[derive(Debug)]
struct State {
    token: Option<Token>,
    streams: Streams,
    budget: Budget,
    /// Requests that may be worked on yet.
    requests: Semaphore,
}
