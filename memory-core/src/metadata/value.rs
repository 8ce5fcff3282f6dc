//! Conversion of values to metadata.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

/// A value that [`Metadata::insert`](crate::Metadata::insert) accepts: any type
/// that converts to [`serde_json::Value`].
///
/// JSON has neither NaN nor infinity, and `Value::from(f64::NAN)` is silently
/// `null`. This conversion reports such a number, also inside lists and
/// options, so that [`Record::validate`](crate::Record::validate) can refuse
/// the record.
pub trait MetadataValue {
    /// Converts the value to JSON.
    ///
    /// # Errors
    ///
    /// Returns the first number in the value that is not finite.
    fn into_json(self) -> Result<Value, f64>;
}

macro_rules! always_json {
    ($($of:ty)*) => {$(
        impl MetadataValue for $of {
            fn into_json(self) -> Result<Value, f64> {
                Ok(self.into())
            }
        }
    )*};
}

always_json! {
    () Value Map<String, Value> Number bool String &str Cow<'_, str>
    i8 i16 i32 i64 isize u8 u16 u32 u64 usize
}

impl MetadataValue for &String {
    fn into_json(self) -> Result<Value, f64> {
        self.as_str().into_json()
    }
}

impl MetadataValue for f64 {
    fn into_json(self) -> Result<Value, f64> {
        if self.is_finite() { Ok(self.into()) } else { Err(self) }
    }
}

impl MetadataValue for f32 {
    fn into_json(self) -> Result<Value, f64> {
        if self.is_finite() { Ok(self.into()) } else { Err(self.into()) }
    }
}

impl<T: MetadataValue> MetadataValue for Option<T> {
    fn into_json(self) -> Result<Value, f64> {
        self.map_or(Ok(Value::Null), T::into_json)
    }
}

impl<T: MetadataValue> MetadataValue for Vec<T> {
    fn into_json(self) -> Result<Value, f64> {
        self.into_iter().map(T::into_json).collect()
    }
}

impl<T: MetadataValue, const N: usize> MetadataValue for [T; N] {
    fn into_json(self) -> Result<Value, f64> {
        self.into_iter().map(T::into_json).collect()
    }
}

impl<T: MetadataValue + Clone> MetadataValue for &[T] {
    fn into_json(self) -> Result<Value, f64> {
        self.iter().cloned().map(T::into_json).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_convert_as_serde_json_converts_them() {
        let text = "a".to_owned();
        assert_eq!((&text).into_json(), Ok(json!("a")));
        assert_eq!(0.5_f32.into_json(), Ok(Value::from(0.5_f32)));
        assert_eq!(vec![Some(1), None].into_json(), Ok(json!([1, null])));
        assert_eq!([[1.5], [2.0]].into_json(), Ok(json!([[1.5], [2.0]])));
        assert_eq!([u64::MAX][..].into_json(), Ok(json!([u64::MAX])));
    }

    #[test]
    fn a_number_that_is_not_finite_is_reported_at_any_depth() {
        assert!(f64::NAN.into_json().unwrap_err().is_nan());
        assert_eq!(f32::INFINITY.into_json(), Err(f64::INFINITY));
        assert_eq!(vec![Some([1.0]), None, Some([f64::NEG_INFINITY])].into_json(), Err(f64::NEG_INFINITY));
    }
}
