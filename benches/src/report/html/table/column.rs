//! Columns: fields of rows, some of which share one.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::Value;

use crate::report::html::line::Line;
use crate::report::html::number;
use crate::report::table::digits;

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column<'a> {
    /// The median time and its unit.
    Time,
    /// Numbers in the unit of the time.
    Times(&'a str),
    /// The speedup, its interval and what that says.
    Speedup,
    /// Any other field, with its interval where it has one.
    Field(&'a str),
}

/// Fields that have no column by their name: they stand in the first columns,
/// in another field's column, or below the table.
const ELSEWHERE: &[&str] = &[
    "section",
    "operation",
    "system",
    "reason",
    "median_ms_per_op",
    "median_us_per_op",
    "median_ns_per_op",
    "ci95",
    "range",
    "speedup",
    "speedup_ci95",
    "verdict",
];
/// Fields that hold numbers in the unit of the time.
const TIMES: &[&str] = &["ci95", "range"];
/// Fields in the order in which people ask for them; others follow by name.
const FIRST: &[&str] = &[
    "promise",
    "round_trips_per_op",
    "connections_per_op",
    "hit_ratio",
    "cost_vs_raw",
    "cost_vs_raw_without_hop",
    "hop_us_per_op",
    "rtt_multiple",
    "bytes_up_per_op",
    "bytes_down_per_op",
];
/// Fields that say how a row was measured.
const LAST: &[&str] = &["outliers", "rounds", "operations_per_round"];

/// The columns that these rows fill.
pub(super) fn columns<'b>(lines: &[&'b Line<'_>]) -> Vec<Column<'b>> {
    let mut names: BTreeSet<_> = lines.iter().flat_map(|line| line.names()).collect();
    let has = |name: &str| lines.iter().any(|line| line.value(name).is_some());
    let mut columns = Vec::new();
    if lines.iter().any(|line| line.time.is_some()) {
        columns.push(Column::Time);
    }
    columns.extend(TIMES.iter().copied().filter(|name| has(name)).map(Column::Times));
    if has("speedup") {
        columns.push(Column::Speedup);
    }
    names.retain(|name| !ELSEWHERE.contains(name));
    names.retain(|name| !name.strip_suffix("_ci95").is_some_and(has));
    if only_baseline(lines).is_some() {
        names.remove("baseline");
    }
    let mut fields = |wanted: &[&'static str]| -> Vec<_> {
        wanted.iter().filter_map(|name| names.take(name).map(Column::Field)).collect()
    };
    let (first, last) = (fields(FIRST), fields(LAST));
    columns.extend(first.into_iter().chain(names.into_iter().map(Column::Field)).chain(last));
    columns
}

/// The baseline of all rows that have one, where that is the same.
pub(super) fn only_baseline<'b>(lines: &[&'b Line<'_>]) -> Option<&'b str> {
    let mut baselines = lines.iter().filter_map(|line| line.text("baseline"));
    let first = baselines.next()?;
    baselines.all(|other| other == first).then_some(first)
}

impl Column<'_> {
    pub(super) fn heading(self) -> String {
        match self {
            Self::Time => "time / op".to_owned(),
            Self::Times("ci95") => "95 % interval".to_owned(),
            Self::Times("range") => "all rounds".to_owned(),
            Self::Speedup => "speedup".to_owned(),
            Self::Field("rtt_multiple") => "× round-trip time".to_owned(),
            Self::Times(field) | Self::Field(field) => field.replace("_per_", " / ").replace('_', " "),
        }
    }

    /// What a pointer that rests on the heading is told.
    pub(super) fn about(self) -> Option<&'static str> {
        Some(match self {
            Self::Time => "median over the rounds of the mean time of one operation",
            Self::Times("ci95") => "in which the median lies with 95 %",
            Self::Times("range") => "the fastest and the slowest round",
            Self::Speedup => "how many times faster than the baseline, round by round, with its 95 % interval",
            Self::Field("outliers") => "rounds beyond Tukey's fences",
            Self::Field(field) => return field.ends_with("_per_op").then_some("for one operation"),
            Self::Times(_) => return None,
        })
    }

    pub(super) fn cell(self, line: &Line<'_>) -> Markup {
        match self {
            Self::Time => html! {
                @if let Some((time, unit)) = line.time { (figure(time, 4)) "\u{202f}" (unit.sign()) }
            },
            Self::Times(field) => html! {
                @if let Some([low, high]) = line.ends(field) { (figure(low, 4)) " – " (figure(high, 4)) }
            },
            Self::Speedup => speedup(line),
            Self::Field(field) => html! {
                @if let Some(value) = line.value(field) { (any(field, value)) }
                (interval(line, &format!("{field}_ci95")))
            },
        }
    }
}

fn speedup(line: &Line<'_>) -> Markup {
    let Some(speedup) = line.number("speedup") else { return html! {} };
    let verdict = line.text("verdict").unwrap_or_default();
    let sign = match verdict {
        "faster" => "▲ ",
        "slower" => "▼ ",
        _ => "",
    };
    html! {
        span.verdict.(verdict) title=[(!verdict.is_empty()).then_some(verdict)] { (sign) "×" (figure(speedup, 3)) }
        @if verdict == "tie" { " tie" }
        (interval(line, "speedup_ci95"))
    }
}

fn interval(line: &Line<'_>, field: &str) -> Markup {
    html! {
        @if let Some([low, high]) = line.ends(field) { " " small { (figure(low, 3)) " – " (figure(high, 3)) } }
    }
}

/// A figure with as many digits as the table on the terminal gives it.
fn figure(value: f64, count: usize) -> String {
    number::grouped(&digits(value, count))
}

fn any(field: &str, value: &Value) -> Markup {
    match value {
        Value::Number(value) => html! { (value.as_f64().map(number::plain).unwrap_or_default()) },
        Value::Bool(value) => html! { (if *value { "yes" } else { "no" }) },
        Value::String(text) if field == "promise" => html! {
            span.promise.(text) { @if text == "kept" { "✓ " } @else { "✗ " } (text) }
        },
        Value::String(text) => html! { (text) },
        Value::Array(values) => html! {
            @for (index, value) in values.iter().enumerate() { @if index > 0 { " – " } (any("", value)) }
        },
        Value::Null => html! {},
        Value::Object(_) => html! { (value.to_string()) },
    }
}
