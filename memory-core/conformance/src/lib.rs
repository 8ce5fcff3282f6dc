#![doc = include_str!("../README.md")]

mod cases;
mod check;
mod clear;
pub mod history;
pub mod hostile;
pub mod kill;
mod marked;
mod report;
mod sample;
pub mod strategy;
mod subject;
mod suite;

pub use clear::clear;
pub use marked::{is_marked, marked};
pub use report::{Failed, Report};
pub use suite::{Suite, names, run};
