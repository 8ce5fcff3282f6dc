//! One counter.

use std::sync::atomic::{AtomicU64, Ordering};

use super::series::{Labels, Series};

/// A count that only grows, and the same in the `metrics` facade.
#[derive(Debug)]
pub(crate) struct Count {
    value: AtomicU64,
    #[cfg(feature = "metrics")]
    facade: metrics::Counter,
}

impl Count {
    #[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "names are for the facade"))]
    pub(crate) fn new(series: Series, labels: Labels<'_>) -> Self {
        Self {
            value: AtomicU64::new(0),
            #[cfg(feature = "metrics")]
            facade: series.counter(labels),
        }
    }

    pub(crate) fn add(&self, more: u64) {
        self.value.fetch_add(more, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.facade.increment(more);
    }

    pub(crate) fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }

    /// Brings the count up to one that is kept elsewhere.
    #[cfg(feature = "metrics")]
    pub(crate) fn raise_to(&self, total: u64) {
        let before = self.value.fetch_max(total, Ordering::Relaxed);
        self.facade.increment(total.saturating_sub(before));
    }
}
