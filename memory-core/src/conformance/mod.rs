//! What every storage must do, as a suite that runs on any of them.
//!
//! A factory gives an empty store for each case; the suite tells which cases
//! failed, by name, and why. It needs a tokio runtime with time, of either
//! flavour:
//!
//! ```
//! use memory_core::conformance;
//! # use memory_core::InMemoryStorage as MyStorage;
//!
//! #[tokio::main(flavor = "current_thread")] // in your crate: #[tokio::test]
//! async fn main() {
//! #   let names = conformance::names();
//! #   assert!(names.len() >= 60);
//! #   return conformance::Suite::new(|| async { Ok(MyStorage::new()) }).only("get_").run().await.assert_passed();
//!     conformance::run(|| async { Ok(MyStorage::new()) }).await.assert_passed();
//! }
//! ```
//!
//! Cases run one after another, so a factory may empty one shared database for
//! each of them. Everything the suite writes has a recognisable id, and
//! [`clear`] removes exactly that, or refuses a database that holds anything
//! else. What a storage cannot see through this crate's traits, such as foreign
//! tables beside its own, the factory has to refuse by itself.
//!
//! ```
//! # use memory_core::{InMemoryStorage, Result};
//! # async fn connect(url: &str) -> Result<InMemoryStorage> { Ok(InMemoryStorage::new()) }
//! use memory_core::conformance::{Suite, clear};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let url = "";
//! let server = async || {
//!     let storage = connect(&url).await?;
//!     clear(&storage).await?;
//!     Ok(storage)
//! };
//! Suite::new(server).only("delete_").run().await.assert_passed();
//! # }
//! ```
//!
//! Some cases draw records and queries from [`strategy`], by a fixed seed. The
//! environment variable `MEMORY_TEST_SEED` sets another, `PROPTEST_CASES` how
//! many are drawn; a failure prints its seed and the smallest input found that
//! shows it.

mod cases;
mod check;
mod clear;
pub mod hostile;
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
