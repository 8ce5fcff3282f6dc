//! Durations in records.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A duration in whole microseconds, the precision that every backend keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Latency(u64);

impl Latency {
    /// Creates a latency of `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Returns the latency in microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }
}

/// Rounds down to the microsecond. Durations beyond 584,000 years become the
/// maximum.
impl From<Duration> for Latency {
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}

impl From<Latency> for Duration {
    fn from(latency: Latency) -> Self {
        Self::from_micros(latency.0)
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Duration::from(*self), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_floors_and_never_overflows() {
        assert_eq!(Latency::from(Duration::from_nanos(1_999)).as_micros(), 1);
        assert_eq!(Latency::from(Duration::MAX).as_micros(), u64::MAX);
        assert_eq!(Duration::from(Latency::from_micros(1_500)), Duration::from_micros(1_500));
        assert_eq!(Latency::from_micros(1_500).to_string(), "1.5ms");
    }
}
