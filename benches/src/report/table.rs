//! Rows for people.

use unicode_width::UnicodeWidthStr;

use super::Row;
use crate::statistics::Verdict;

struct Column {
    head: String,
    right: bool,
    cells: Vec<String>,
}

type Cell = fn(&Row) -> Option<String>;

/// The columns of figures; one that no row fills is left out.
const FIGURES: &[(&str, Cell)] = &[
    ("time/op", |row| row.time().map(|(time, unit)| format!("{} {}", digits(time, 4), unit.sign()))),
    ("95 % interval", |row| row.ci95.map(|[low, high]| format!("{} – {}", digits(low, 4), digits(high, 4)))),
    ("outliers", |row| row.outliers.map(|count| count.to_string())),
    ("least", |row| row.least.map(|least| digits(least, 4))),
    ("speedup", |row| speedup(row)),
    ("expected", |row| expected(row)),
    ("beside", |row| beside(row)),
    ("of raw", |row| row.cost_vs_raw.map(|cost| digits(cost, 3))),
    ("no hop", |row| row.cost_vs_raw_without_hop.map(|cost| digits(cost, 3))),
    ("of RTT", |row| row.rtt_multiple.map(|multiple| digits(multiple, 3))),
    ("trips/op", |row| row.round_trips_per_op.map(|count| digits(count, 3))),
    ("saved", |row| row.round_trips_saved.map(|part| digits(part, 3))),
    ("conns/op", |row| row.connections_per_op.map(|count| digits(count, 3))),
    ("up B/op", |row| row.bytes_up_per_op.map(|count| digits(count, 4))),
    ("down B/op", |row| row.bytes_down_per_op.map(|count| digits(count, 4))),
    ("hit ratio", |row| row.hit_ratio.map(|ratio| digits(ratio, 4))),
    ("held", |row| row.most_held.map(|entries| entries.to_string())),
    ("B/entry", |row| row.bytes_per_entry.map(|bytes| digits(bytes, 4))),
    ("promise", |row| row.promise.map(|promise| format!("{promise:?}").to_lowercase())),
];

/// These rows as an aligned table, the operation named once for its systems,
/// the reasons below. Its figures are those of the rows, digit by digit.
pub fn table(rows: &[Row]) -> String {
    let mut columns = vec![
        Column { head: "operation".to_owned(), right: false, cells: operations(rows) },
        Column { head: "system".to_owned(), right: false, cells: rows.iter().map(|row| row.system.clone()).collect() },
    ];
    for (head, cell) in FIGURES {
        let cells: Vec<_> = rows.iter().map(|row| cell(row).unwrap_or_default()).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            columns.push(Column { head: (*head).to_owned(), right: true, cells });
        }
    }
    let widths: Vec<_> = columns.iter().map(Column::width).collect();
    let line = |cell: &dyn Fn(&Column) -> String| {
        let cells = columns.iter().zip(&widths).map(|(column, width)| pad(&cell(column), *width, column.right));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&|column| column.head.clone());
    text += &line(&|column| "─".repeat(column.width()));
    for index in 0..rows.len() {
        text += &line(&|column| column.cells[index].clone());
    }
    text + &reasons(rows)
}

/// A line for each reason, which rows of one operation may share.
fn reasons(rows: &[Row]) -> String {
    let mut lines: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for row in rows {
        let Some(reason) = &row.reason else { continue };
        match lines.iter_mut().rfind(|(operation, why, _)| *operation == row.operation && why == reason) {
            Some((_, _, systems)) => systems.push(&row.system),
            None => lines.push((&row.operation, reason, vec![&row.system])),
        }
    }
    let mut text = String::new();
    for (operation, reason, systems) in lines {
        text.extend([operation, " ", &systems.join(", "), ": ", reason, "\n"]);
    }
    text
}

/// Names each operation in the first of its rows.
fn operations(rows: &[Row]) -> Vec<String> {
    let before = std::iter::once(None).chain(rows.iter().map(Some));
    let name = |(row, before): (&Row, Option<&Row>)| {
        let repeats = before.is_some_and(|before| before.operation == row.operation);
        if repeats { String::new() } else { row.operation.clone() }
    };
    rows.iter().zip(before).map(name).collect()
}

fn speedup(row: &Row) -> Option<String> {
    match row.verdict {
        Some(Verdict::Tie) => Some("tie".to_owned()),
        _ => row.speedup.map(|speedup| format!("x{}", digits(speedup, 3))),
    }
}

/// The speedup that was expected, and in brackets the one that is asked for.
fn expected(row: &Row) -> Option<String> {
    let expected = row.expected_speedup.map(|speedup| format!("x{}", digits(speedup, 3)))?;
    Some(row.target_speedup.map_or_else(|| expected.clone(), |target| format!("{expected} (x{})", digits(target, 3))))
}

/// What else it was compared with.
fn beside(row: &Row) -> Option<String> {
    let store = row.speedup_vs_store.map(|speedup| format!("x{} store", digits(speedup, 3)));
    let uncached = row.cost_vs_uncached.map(|cost| format!("{} of uncached", digits(cost, 3)));
    let added = row.added_ns_per_op.map(|time| format!("{time:+} ns"));
    store.or(uncached).or(added)
}

/// A figure of so many significant digits, with its trailing zeros.
pub(super) fn digits(value: f64, digits: usize) -> String {
    let scientific = format!("{value:e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<isize>().ok()).unwrap_or(0);
    format!("{value:.*}", (digits - 1).saturating_add_signed(-exponent))
}

fn pad(cell: &str, width: usize, right: bool) -> String {
    let space = " ".repeat(width.saturating_sub(cell.width()));
    if right { space + cell } else { cell.to_owned() + &space }
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().map(|cell| cell.width()).fold(self.head.width(), usize::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_leaves_out_what_is_empty() {
        let mut ours = Row::new("local", "get/warm", "ours");
        ours.median_us_per_op = Some(9.5);
        ours.ci95 = Some([9.0, 10.25]);
        (ours.speedup, ours.verdict) = (Some(12.3), Some(Verdict::Faster));
        let mut naive = Row::new("local", "get/warm", "naive-libsql");
        naive.median_us_per_op = Some(117.1);
        naive.ci95 = Some([116.0, 1180.0]);
        let mut other = Row::new("local", "löschen", "ours");
        (other.speedup, other.verdict) = (Some(1.01), Some(Verdict::Tie));
        other.reason = Some("a reason".to_owned());
        let mut another = other.clone();
        another.system = "naive-libsql".to_owned();
        (another.speedup, another.verdict) = (Some(20.0), None);
        let expected = "\
operation  system         time/op  95 % interval  speedup
─────────  ────────────  ────────  ─────────────  ───────
get/warm   ours          9.500 µs  9.000 – 10.25    x12.3
           naive-libsql  117.1 µs   116.0 – 1180
löschen    ours                                       tie
           naive-libsql                             x20.0
löschen ours, naive-libsql: a reason
";
        assert_eq!(table(&[ours, naive, other, another]), expected);
    }

    #[test]
    fn the_digits_of_the_table_are_those_of_the_row() {
        for value in [0.0, 0.001_234, 0.1, 1.0, 9.999, 12.34, 999.9, 1000.0, 12_340_000.0] {
            assert_eq!(digits(value, 4).parse::<f64>().unwrap().to_bits(), value.to_bits(), "{value}");
        }
    }
}
