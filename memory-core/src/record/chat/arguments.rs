//! Lossless parsing of a call's arguments.

use serde_json::Value;

use crate::record::check::Check;

/// Returns the arguments as JSON and `false` if the JSON is exact, and
/// otherwise the text as a JSON string and `true`.
///
/// The JSON is not exact if the text is not JSON, nests deeper than a record
/// may, repeats a key within one object, or holds a number with more digits
/// than its type keeps.
pub(super) fn parse(arguments: &Value) -> (Value, bool) {
    match arguments {
        Value::String(text) => match exactly(text) {
            Some(value) => (value, false),
            None => (Value::String(text.clone()), true),
        },
        value if fits(value) => (value.clone(), false),
        value => (Value::String(value.to_string()), true),
    }
}

fn exactly(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    let Scan { pairs, numbers } = Scan::of(text);
    (fits(&value) && pairs == pairs_in(&value) && numbers.into_iter().all(keeps_its_digits)).then_some(value)
}

fn fits(value: &Value) -> bool {
    let mut check = Check::new();
    check.json(String::new, value);
    check.finish().is_ok()
}

/// Returns true if metadata can hold the value inside this many nested lists.
pub(super) fn fits_in_metadata(value: &Value, lists: usize) -> bool {
    let nested = (0..lists).fold(value.clone(), |inner, _| Value::Array(vec![inner]));
    let mut check = Check::new();
    check.json(String::new, &nested).is_none() && check.finish().is_ok()
}

/// Counts the keys of all objects in the value. If the text has more pairs, a
/// key is repeated.
fn pairs_in(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(pairs_in).sum(),
        Value::Object(fields) => fields.len() + fields.values().map(pairs_in).sum::<usize>(),
        _ => 0,
    }
}

/// The parts of a valid JSON text outside its strings.
struct Scan<'a> {
    pairs: usize,
    numbers: Vec<&'a str>,
}

impl<'a> Scan<'a> {
    fn of(text: &'a str) -> Self {
        let mut scan = Self { pairs: 0, numbers: Vec::new() };
        let mut rest = text;
        while let Some(first) = rest.bytes().next() {
            let length = match first {
                b'"' => string_length(rest),
                b'-' | b'0'..=b'9' => {
                    let end = rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
                    let length = end.unwrap_or(rest.len());
                    scan.numbers.push(&rest[..length]);
                    length
                }
                other => {
                    scan.pairs += usize::from(other == b':');
                    1
                }
            };
            rest = &rest[length..];
        }
        scan
    }
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    end.map_or(text.len(), |end| end + 2)
}

/// Returns true if an `i64`, a `u64` or an `f64` keeps all digits of the
/// number, regardless of the features of `serde_json`.
fn keeps_its_digits(number: &str) -> bool {
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    let kept = number.parse::<f64>().ok().and_then(|real| Decimal::of(&format!("{real:e}")));
    kept.is_some_and(|kept| Decimal::of(number) == Some(kept))
}

/// A number as decimal digits. Different spellings of one number are equal.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    /// The digits without zeros at either end; empty for zero.
    digits: String,
    /// The exponent of the last digit, to base ten.
    exponent: i64,
}

impl Decimal {
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let unsigned = mantissa.trim_start_matches('-');
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let dropped = i64::try_from(all.len() - digits.len()).ok()?;
        let digits = digits.trim_start_matches('0').to_owned();
        let exponent = if digits.is_empty() {
            0
        } else {
            exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?
        };
        Some(Self { negative: mantissa.len() > unsigned.len(), digits, exponent })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> (Value, bool) {
        parse(&Value::from(text))
    }

    #[test]
    fn json_that_a_value_can_hold_becomes_one() {
        let text = r#" {"a": [1, -0, 1.50, 1e2, 18446744073709551615], "q\":{": "12:34567890123456789012"} "#;
        let value = json!({"a": [1, -0.0, 1.5, 100.0, u64::MAX], "q\":{": "12:34567890123456789012"});
        assert_eq!(parsed(text), (value, false));
        assert_eq!(parsed("0e99999999999999999999"), (json!(0.0), false));
    }

    #[test]
    fn what_a_value_would_change_stays_text() {
        for text in [
            "",
            "not json",
            "{\"a\": 1",
            "{'a': 1}",
            "[1] [2]",
            "NaN",
            r#""\ud800""#,
            r#"{"a": 1, "a": 2}"#,
            r#"[{"b": {"a": 1, "\u0061": 2}}]"#,
            "18446744073709551616",
            "-9223372036854775809",
            "123456789012345678901234567890",
            r#"{"pi": 3.14159265358979323846264338327950288}"#,
            "1e-400",
            "1e400",
            "1e-99999999999999999999",
            "0.1000000000000000055511151231257827021181583404541015625",
        ] {
            assert_eq!(parsed(text), (Value::from(text), true), "{text}");
        }
        for depth in [65, 127, 128, 100_000] {
            let text = "[".repeat(depth) + "1" + &"]".repeat(depth);
            assert_eq!(parsed(&text), (Value::from(text.as_str()), true), "{depth}");
        }
        assert!(!parsed(&("[".repeat(64) + "1" + &"]".repeat(64))).1);
    }

    #[test]
    fn arguments_that_came_as_json_stay_as_they_are() {
        assert_eq!(parse(&json!({"a": 1})), (json!({"a": 1}), false));
        let deep = (0..70).fold(Value::Null, |inner, _| json!([inner]));
        assert_eq!(parse(&deep), (Value::from(deep.to_string()), true));
    }

    proptest! {
        #[test]
        fn every_number_is_kept_to_the_last_digit(real in any::<f64>(), integer in any::<i64>(), unsigned in any::<u64>()) {
            prop_assume!(real.is_finite());
            let value = json!({"real": real, "list": [integer, unsigned]});
            prop_assert_eq!(parsed(&value.to_string()), (value, false));
        }

        #[test]
        fn no_text_is_lost_or_panics(text in "[-0-9eE.\\[\\]{}:,\" \\\\a]{0,24}") {
            let (value, raw) = parsed(&text);
            prop_assert!(!raw || value == text.as_str());
            prop_assert!(raw || serde_json::from_str::<Value>(&text).unwrap() == value);
        }
    }
}
