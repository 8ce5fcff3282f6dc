//! To come.

#[cfg(feature = "lab")]
pub mod lab;
