//! Operations whose names differ in a number alone.

use crate::report::html::line::Line;

/// Rows of operations such as `store_batch/10` and `store_batch/100`, each with
/// its number.
#[derive(Debug)]
pub(super) struct Family<'a, 'b> {
    /// The name with `n` for the number.
    pub(super) name: String,
    pub(super) points: Vec<(f64, &'b Line<'a>)>,
}

/// The families among these rows, in their order. Where a name has more than
/// one number, it is in a family for each that varies.
pub(super) fn families<'a, 'b>(lines: &[&'b Line<'a>]) -> Vec<Family<'a, 'b>> {
    let mut families: Vec<Family<'_, '_>> = Vec::new();
    for line in lines {
        let parts: Vec<_> = line.operation.split('/').collect();
        for (place, number) in parts.iter().enumerate().filter_map(|(place, part)| Some((place, number(part)?))) {
            let mut parts = parts.clone();
            parts[place] = "n";
            let name = parts.join("/");
            match families.iter_mut().find(|family| family.name == name) {
                Some(family) => family.points.push((number, line)),
                None => families.push(Family { name, points: vec![(number, line)] }),
            }
        }
    }
    families.retain(|family| {
        let first = family.points.first().map(|(number, _)| *number);
        family.points.iter().any(|(number, _)| Some(*number) != first)
    });
    families
}

/// The number that a part of a name is: `64`, `10k`, `1M`.
fn number(part: &str) -> Option<f64> {
    let (digits, factor) = match part.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => part.strip_suffix('M').map_or((part, 1.0), |digits| (digits, 1e6)),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let number: f64 = digits.replace('_', "").parse().ok().filter(|_| plain)?;
    // Zero has no place on a logarithmic axis.
    (number > 0.0).then_some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Row;

    #[test]
    fn numbers_are_read_as_names_have_them() {
        let numbers = ["64", "10k", "1M", "50_000", "real", "1.5", "", "k", "0", "2way"].map(number);
        let expected = [Some(64.0), Some(1e4), Some(1e6), Some(5e4)];
        assert_eq!((&numbers[..4], &numbers[4..]), (&expected[..], &[None; 6][..]));
    }

    #[test]
    fn operations_that_differ_in_a_number_are_a_family() {
        let names =
            ["get", "store/10", "store/100", "store/10/real", "store/100/real", "lone/5", "hit/2/10", "hit/2/20"];
        let rows = names.map(|name| Row::new("s", name, "ours"));
        let lines: Vec<_> = rows.iter().map(Line::of).collect();
        let families = families(&lines.iter().collect::<Vec<_>>());
        let names: Vec<_> = families.iter().map(|family| family.name.as_str()).collect();
        assert_eq!(names, ["store/n", "store/n/real", "hit/2/n"]);
        assert_eq!(families[0].points.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [10.0, 100.0]);
    }
}
