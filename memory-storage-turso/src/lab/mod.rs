//! The lab: a libSQL server on loopback, so that the remote path can be tested
//! and measured without an account.

mod clock;
mod lock;
mod server;

pub use clock::Clock;
pub use server::{Server, ServerOptions, Token};
