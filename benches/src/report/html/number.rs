//! Numbers for people.

/// Between the groups of a long number, and between a number and its unit.
const NARROW: char = '\u{202f}';

/// So many seconds in the unit that suits them, three significant digits.
pub(super) fn seconds(seconds: f64) -> String {
    let (value, unit) = match seconds.abs() {
        1.0.. => (seconds, "s"),
        1e-3.. => (seconds * 1e3, "ms"),
        1e-6.. => (seconds * 1e6, "µs"),
        0.0 => (0.0, "s"),
        _ => (seconds * 1e9, "ns"),
    };
    format!("{}{NARROW}{unit}", plain(crate::statistics::significant(value, 3)))
}

/// A number with all its digits, those before the point in groups of three
/// where there are more than four.
pub(super) fn plain(value: f64) -> String {
    grouped(&value.to_string())
}

/// The same of a number that is written already.
pub(super) fn grouped(text: &str) -> String {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len());
    let (whole, rest) = text.split_at(digits);
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    if whole.len() <= 4 {
        return text.to_owned();
    }
    let mut grouped = String::from(sign);
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(NARROW);
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// So many bytes in the binary unit that suits them.
pub(super) fn bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{}{NARROW}{}", plain(crate::statistics::significant(value, 3)), units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_have_units() {
        for (value, text) in [(0.0, "0"), (1234.0, "1234"), (-12345.5, "-12_345.5"), (1_234_567.0, "1_234_567")] {
            assert_eq!(plain(value), text.replace('_', "\u{202f}"));
        }
        for (value, text) in [(90.0, "90_s"), (0.012_345, "12.3_ms"), (1e-6, "1_µs"), (9.99e-7, "999_ns"), (0.0, "0_s")]
        {
            assert_eq!(seconds(value), text.replace('_', "\u{202f}"));
        }
        for (value, text) in [(12, "12_B"), (1 << 20, "1_MiB"), (4_100_000_000, "3.82_GiB")] {
            assert_eq!(bytes(value), text.replace('_', "\u{202f}"));
        }
    }
}
