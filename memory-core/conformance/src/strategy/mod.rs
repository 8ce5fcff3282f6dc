//! Proptest strategies for records, filters and queries.
//!
//! The strategies draw texts, keys, numbers, times and ids from the same small
//! pools, so that filters match some of the records and not others. About one
//! value in ten is arbitrary. The pools hold values that are known to break
//! storages: [`hostile`](super::hostile).
//!
//! ```
//! use memory_conformance::strategy;
//! use memory_core::{Episode, codec};
//! use proptest::prelude::*;
//!
//! # fn main() {
//! proptest!(|(episode in strategy::episode(), filter in strategy::filter::<Episode>())| {
//!     let copy: Episode = codec::decode(&codec::encode(&episode).unwrap()).unwrap();
//!     prop_assert_eq!(filter.matches(&copy), filter.matches(&episode));
//! });
//! # }
//! ```

mod json;
pub(super) mod pool;
pub(super) mod query;
mod record;

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

pub use json::{json, metadata};
pub use query::{field, filter, query, scalar};
pub use record::{episode, heuristic, pattern};

use super::marked;
use super::sample::Sample;
use memory_core::{Id, Timestamp};

/// Kinds of record that can be generated: all of them.
#[expect(private_bounds, reason = "only the suite needs `Sample`")]
pub trait Generate: Sample {
    /// Generates records of this kind.
    fn any() -> BoxedStrategy<Self>;
}

/// Generates records with distinct ids, the first of the pool of [`id`].
pub fn records<R: Generate>(len: Range<usize>) -> impl Strategy<Value = Vec<R>> {
    vec(R::any(), len).prop_map(|mut records| {
        for (rest, record) in (0..).zip(&mut records) {
            record.set_id(marked(rest));
        }
        records
    })
}

/// Generates ids with the suite's marker, often one of few.
pub fn id<R>() -> impl Strategy<Value = Id<R>> {
    prop_oneof![3 => 0..pool::IDS, 1 => any::<u64>()].prop_map(marked)
}

/// Generates texts, mostly from [`hostile::TEXTS`](super::hostile::TEXTS).
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => pool::common(super::hostile::TEXTS).prop_map(str::to_owned),
        5 => pool::all(super::hostile::TEXTS).prop_map(str::to_owned),
        1 => vec(any::<char>(), 0..20).prop_map(String::from_iter),
    ]
}

/// Generates metadata keys, mostly from
/// [`hostile::KEYS`](super::hostile::KEYS).
pub fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => pool::common(super::hostile::KEYS).prop_map(str::to_owned),
        4 => pool::all(super::hostile::KEYS).prop_map(str::to_owned),
        1 => vec(any::<char>(), 0..8).prop_map(String::from_iter),
    ]
}

/// Generates times, including the first and the last.
pub fn time() -> impl Strategy<Value = Timestamp> {
    let anywhere = Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros();
    prop_oneof![4 => pool::all(pool::TIMES), 1 => anywhere].prop_map(pool::time)
}

/// Generates finite reals, including subnormal ones.
pub fn real() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![6 => pool::all(pool::REALS), 1 => NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE]
}

/// Generates shares, from 0 to 1, such as a success rate.
pub fn rate() -> impl Strategy<Value = f64> {
    prop_oneof![6 => pool::all(pool::RATES), 1 => 0.0..=1.0]
}
