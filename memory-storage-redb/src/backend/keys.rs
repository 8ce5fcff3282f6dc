//! Index keys: bytes whose order is the order of what they stand for.
//!
//! A key is the indexed value, then the record's time, then its id. The value's
//! bytes tell where they end, so that all entries of one value are next to each
//! other, oldest first:
//!
//! - a tag for the type, as values compare only within their type;
//! - bool: one byte;
//! - number: the nearest real in eight bytes, and what is missing to the exact
//!   integer in two;
//! - text: its first 256 bytes, a NUL as `00 FF`, ended by `00 01`, or `00 02`
//!   where more follows;
//! - null and everything that is no single value: nothing.
//!
//! The index on time has keys without a value.

use std::borrow::Cow;

use memory_core::backend::Scalar;
use uuid::Uuid;

const BOOL: u8 = 0x20;
const NUMBER: u8 = 0x30;
const TEXT: u8 = 0x40;
const NULL: u8 = 0x50;
const OTHER: u8 = 0x60;

/// The most bytes of a text that its key holds.
pub(super) const MAX_TEXT: usize = 256;
const WHOLE: [u8; 2] = [0, 1];
const CUT: [u8; 2] = [0, 2];

/// The length of time and id.
pub(super) const SUFFIX: usize = 8 + 16;

/// When a record is from, and its id: what every key ends with.
pub(super) type Stamp = (i64, Uuid);

/// Eight bytes in the order of the integers.
pub(super) fn time(time: i64) -> [u8; 8] {
    (time.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

pub(super) fn push_stamp(key: &mut Vec<u8>, (micros, id): Stamp) {
    key.extend(time(micros));
    key.extend(id.as_bytes());
}

/// The bytes of a single value.
pub(super) fn value(scalar: &Scalar<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16);
    match scalar {
        Scalar::Null => bytes.push(NULL),
        Scalar::Bool(value) => bytes.extend([BOOL, u8::from(*value)]),
        Scalar::Integer(integer) => number(&mut bytes, nearest(*integer), missing(*integer)),
        Scalar::Real(real) => number(&mut bytes, *real, 0),
        Scalar::Text(text) => {
            bytes.push(TEXT);
            let cut = text.len() > MAX_TEXT;
            for byte in &text.as_bytes()[..text.len().min(MAX_TEXT)] {
                bytes.push(*byte);
                if *byte == 0 {
                    bytes.push(0xff);
                }
            }
            bytes.extend(if cut { CUT } else { WHOLE });
        }
    }
    bytes
}

/// The bytes of a list or an object.
pub(super) fn other() -> Vec<u8> {
    vec![OTHER]
}

/// The first key of this value's type.
pub(super) fn first_of_type(scalar: &Scalar<'_>) -> Vec<u8> {
    vec![value(scalar)[0]]
}

#[expect(clippy::cast_precision_loss, reason = "what is lost is kept beside it")]
const fn nearest(integer: i64) -> f64 {
    integer as f64
}

#[expect(clippy::cast_possible_truncation, reason = "half the distance of two reals below 2^63 is 512")]
fn missing(integer: i64) -> i16 {
    (i128::from(integer) - nearest(integer) as i128) as i16
}

fn number(bytes: &mut Vec<u8>, real: f64, missing: i16) {
    // Adding zero makes -0 and 0 one.
    let bits = (real + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits ^ (1 << 63) };
    bytes.push(NUMBER);
    bytes.extend(ordered.to_be_bytes());
    bytes.extend((missing.cast_unsigned() ^ (1 << 15)).to_be_bytes());
}

/// A value as its bytes in a key describe it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// The value itself.
    Whole(Scalar<'static>),
    /// A text that is longer than its key.
    Cut,
    /// A list or an object.
    Other,
}

/// A key taken apart: the bytes of its value, and its stamp. `None` for bytes
/// that are no key.
pub(super) fn split(key: &[u8]) -> Option<(&[u8], Stamp)> {
    let (value, stamp) = key.split_at_checked(key.len().checked_sub(SUFFIX)?)?;
    let (micros, id) = stamp.split_first_chunk::<8>()?;
    let micros = (u64::from_be_bytes(*micros) ^ (1 << 63)).cast_signed();
    Some((value, (micros, Uuid::from_slice(id).ok()?)))
}

/// The value that [`value`] made into these bytes. `None` for any others.
pub(super) fn decode(bytes: &[u8]) -> Option<Value> {
    let (tag, rest) = bytes.split_first()?;
    let whole = |scalar| Some(Value::Whole(scalar));
    match (*tag, rest) {
        (NULL, []) => whole(Scalar::Null),
        (OTHER, []) => Some(Value::Other),
        (BOOL, [value @ (0 | 1)]) => whole(Scalar::Bool(*value == 1)),
        (NUMBER, [bits @ .., high, low]) => {
            let ordered = u64::from_be_bytes(bits.try_into().ok()?);
            let bits = if ordered >> 63 == 1 { ordered ^ (1 << 63) } else { !ordered };
            let real = f64::from_bits(bits);
            match (u16::from_be_bytes([*high, *low]) ^ (1 << 15)).cast_signed() {
                0 => whole(Scalar::Real(real)),
                #[expect(clippy::cast_possible_truncation, reason = "only integers miss something")]
                missing => whole(Scalar::Integer(i64::try_from(real as i128 + i128::from(missing)).ok()?)),
            }
        }
        (TEXT, [.., 0, 2]) => Some(Value::Cut),
        (TEXT, [text @ .., 0, 1]) => {
            let mut plain = Vec::with_capacity(text.len());
            let mut bytes = text.iter();
            while let Some(byte) = bytes.next() {
                plain.push(*byte);
                if *byte == 0 && bytes.next() != Some(&0xff) {
                    return None;
                }
            }
            whole(Scalar::Text(Cow::Owned(String::from_utf8(plain).ok()?)))
        }
        _ => None,
    }
}

/// Returns whether the value in a key is the beginning of a longer one.
pub(super) fn is_cut(value: &[u8]) -> bool {
    value.first() == Some(&TEXT) && value.ends_with(&CUT)
}

/// The first bytes after everything that begins with `prefix`; nothing where
/// there is none.
pub(super) fn after(mut prefix: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = prefix.last_mut() {
        if *last < 0xff {
            *last += 1;
            return Some(prefix);
        }
        prefix.pop();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use memory_core::backend::Scalar::{Bool, Integer, Null, Real};
    use proptest::prelude::*;

    use super::*;

    fn scalars() -> impl Strategy<Value = Scalar<'static>> {
        let near = prop_oneof![Just(0_i64), Just(1 << 53), Just(-(1 << 53)), Just(i64::MAX), Just(i64::MIN)];
        prop_oneof![
            any::<bool>().prop_map(Bool),
            any::<i64>().prop_map(Integer),
            (near, -600_i64..600).prop_map(|(near, off)| Integer(near.saturating_add(off))),
            (-600_i64..600).prop_map(|off| Real(nearest((1 << 53) + off))),
            any::<f64>().prop_filter("finite", |real| real.is_finite()).prop_map(Real),
            prop_oneof![Just(9_223_372_036_854_775_808.0), Just(-0.0), Just(0.5)].prop_map(Real),
            "[a\u{0}\u{1}\u{2}\u{ff}]{0,4}".prop_map(|text| Scalar::Text(text.into())),
        ]
    }

    proptest! {
        #[test]
        fn keys_compare_as_values_do(a in scalars(), b in scalars()) {
            if let Some(ordering) = a.compare(&b) {
                prop_assert_eq!(value(&a).cmp(&value(&b)), ordering);
            } else {
                prop_assert_ne!(value(&a), value(&b));
            }
        }

        #[test]
        fn a_key_gives_its_value_back(a in scalars()) {
            let Some(Value::Whole(back)) = decode(&value(&a)) else { panic!("{a:?}") };
            prop_assert!(back.equals(&a), "{a:?} {back:?}");
        }

        #[test]
        fn no_value_begins_with_another(a in scalars(), b in scalars()) {
            prop_assert!(a.equals(&b) || !value(&a).starts_with(&value(&b)));
        }

        #[test]
        fn stamps_are_in_order_and_come_back(a in any::<(i64, u128)>(), b in any::<(i64, u128)>()) {
            let key = |(micros, id)| {
                let mut key = value(&Null);
                push_stamp(&mut key, (micros, Uuid::from_u128(id)));
                key
            };
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            let (bytes, null) = (key(a), value(&Null));
            prop_assert_eq!(split(&bytes), Some((&null[..], (a.0, Uuid::from_u128(a.1)))));
        }
    }

    #[test]
    fn long_texts_are_cut_and_follow_their_beginning() {
        let text = |len: usize| value(&Scalar::Text("x".repeat(len).into()));
        assert!(!is_cut(&text(MAX_TEXT)) && is_cut(&text(MAX_TEXT + 1)));
        assert_eq!(text(MAX_TEXT).cmp(&text(MAX_TEXT + 1)), Ordering::Less);
        assert_eq!(decode(&text(MAX_TEXT + 1)), Some(Value::Cut));
        assert!(text(MAX_TEXT + 1).len() < 2 * MAX_TEXT + 8);
    }

    #[test]
    fn after_a_prefix_comes_what_does_not_begin_with_it() {
        assert_eq!(after(vec![1, 2]), Some(vec![1, 3]));
        assert_eq!(after(vec![1, 0xff]), Some(vec![2]));
        assert_eq!(after(vec![0xff]), None);
    }
}
