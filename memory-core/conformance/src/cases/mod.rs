//! The cases, grouped by theme.

use super::suite::Case;

/// Declares the cases of a theme: cases for the storage as a whole, and cases
/// that run on each kind of record.
macro_rules! cases {
    (storage: [$($whole:ident),* $(,)?], each_kind: [$($each:ident),* $(,)?] $(,)?) => {
        pub(super) fn cases() -> Vec<$crate::suite::Case> {
            use $crate::suite::Case;
            vec![
                $(Case { name: stringify!($whole), run: |subject| Box::pin($whole(subject)) },)*
                $(Case {
                    name: stringify!($each),
                    run: |subject| Box::pin(async move {
                        $each::<memory_core::Episode>(subject).await.map_err(|failure| failure.at("episodes"))?;
                        $each::<memory_core::Pattern>(subject).await.map_err(|failure| failure.at("patterns"))?;
                        $each::<memory_core::Heuristic>(subject).await.map_err(|failure| failure.at("heuristics"))
                    }),
                },)*
            ]
        }
    };
}

mod boundary;
mod commit;
mod concurrency;
mod count;
mod delete;
mod explain;
mod fence;
mod filter_keys;
mod filter_logic;
mod filter_metadata;
mod filter_own;
mod filter_own_by_kind;
mod filter_reference;
mod filter_table;
mod get;
mod identity;
mod limits;
mod order;
mod pages;
mod pages_meanwhile;
mod property;
mod put;
mod round_trip;
mod settle;

/// Returns all cases in the order they run: basic ones first.
pub(super) fn all() -> Vec<Case> {
    [
        put::cases(),
        get::cases(),
        round_trip::cases(),
        boundary::cases(),
        delete::cases(),
        limits::cases(),
        commit::cases(),
        identity::cases(),
        fence::cases(),
        filter_logic::cases(),
        filter_own::cases(),
        filter_own_by_kind::cases(),
        filter_metadata::cases(),
        filter_keys::cases(),
        filter_reference::cases(),
        order::cases(),
        pages::cases(),
        pages_meanwhile::cases(),
        count::cases(),
        explain::cases(),
        concurrency::cases(),
        property::cases(),
        // These cases run last: nothing reports the end of a dropped put, and
        // the next case would find its records in a shared database.
        settle::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
