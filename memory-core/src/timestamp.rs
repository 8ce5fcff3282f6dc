//! Timestamps.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// A point in time, in microseconds since the Unix epoch, within the years 0001
/// to 9999.
///
/// Every backend returns a timestamp exactly. JSON holds RFC 3339 in UTC with
/// six fractional digits. The binary codec and SQL hold the `i64`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The start of the year 0001.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// The last microsecond of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// Returns the time of the system clock. If the clock is outside the years
    /// 0001 to 9999, the result is [`MIN`](Self::MIN) or [`MAX`](Self::MAX).
    pub fn now() -> Self {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        };
        Self(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Creates a timestamp from microseconds since the epoch.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] outside the years 0001 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self, Error> {
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(Error::invalid_input("timestamp", format!("{micros} microseconds is outside the years 0001 to 9999")))
        }
    }

    /// Returns the microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Adds a duration, rounded down to microseconds. Returns `None` if the
    /// result is past the year 9999.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let micros = i64::try_from(duration.as_micros()).ok()?;
        Self::from_micros(self.0.checked_add(micros)?).ok()
    }
}

/// Rounds down to the microsecond.
impl<Tz: TimeZone> TryFrom<DateTime<Tz>> for Timestamp {
    type Error = Error;

    fn try_from(time: DateTime<Tz>) -> Result<Self, Error> {
        Self::from_micros(time.timestamp_micros())
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(time: Timestamp) -> Self {
        // The range of `Timestamp` lies within chrono's.
        DateTime::from_timestamp_micros(time.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&DateTime::<Utc>::from(*self).to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Parses RFC 3339 with any offset, and rounds down to the microsecond.
    fn from_str(text: &str) -> Result<Self, Error> {
        DateTime::parse_from_rfc3339(text)
            .map_err(|error| Error::invalid_input("timestamp", format!("not RFC 3339: {error}")))?
            .try_into()
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        } else {
            Self::from_micros(i64::deserialize(deserializer)?).map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_the_years_0001_to_9999() {
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        assert!(Timestamp::from_micros(Timestamp::MIN.0 - 1).is_err());
        assert!(Timestamp::from_micros(Timestamp::MAX.0 + 1).is_err());
        for end in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(end.to_string().parse::<Timestamp>().unwrap(), end);
        }
    }

    #[test]
    fn conversion_from_chrono_floors_on_both_sides_of_the_epoch() {
        let after = DateTime::from_timestamp(1, 999_999_999).unwrap();
        assert_eq!(Timestamp::try_from(after).unwrap().as_micros(), 1_999_999);
        let before = DateTime::from_timestamp(-1, 999_999_999).unwrap();
        assert_eq!(Timestamp::try_from(before).unwrap().as_micros(), -1);
        let before = DateTime::from_timestamp(-2, 1).unwrap();
        assert_eq!(Timestamp::try_from(before).unwrap().as_micros(), -2_000_000);
        assert!(Timestamp::try_from(DateTime::<Utc>::MAX_UTC).is_err());
    }

    #[test]
    fn an_offset_is_folded_into_utc() {
        let time: Timestamp = "2024-05-15T15:00:00.1234567-05:00".parse().unwrap();
        assert_eq!(time.to_string(), "2024-05-15T20:00:00.123456Z");
    }

    #[test]
    fn addition_stops_at_the_end_of_time() {
        assert_eq!(Timestamp::MAX.checked_add(Duration::from_micros(1)), None);
        assert_eq!(
            Timestamp::MIN.checked_add(Duration::from_nanos(1_999)).unwrap().as_micros(),
            Timestamp::MIN.as_micros() + 1
        );
    }
}
