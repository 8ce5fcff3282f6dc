#![doc = include_str!("../README.md")]

mod message;
mod serve;

pub use message::{Calls, Found, Ran, Reply, Request};
pub use serve::{Peer, clocked, serve};
