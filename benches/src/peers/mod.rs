//! Peers that cannot be linked beside libsql: programs, driven through pipes.
//!
//! `rusqlite` and the published crate `do-memory-storage-turso` bring an SQLite
//! of their own. Each is a package outside the workspace, in `peers/`, with a
//! lock file of its own; it is built only where a run asks for peers, and it
//! speaks as [`memory_bench_peer`] says. What a program does wrong, it fails,
//! dies, talks nonsense or does not answer, is an error that says so, and so
//! the reason in a row; it is started anew for the next operation.

mod client;
mod package;
mod process;

pub(crate) use client::Client;
pub use package::Peers;

#[cfg(test)]
mod tests;
