//! Which plots a section has: by what its rows hold, not by its name.

use maud::{Markup, html};

use super::line::Line;
use super::number;
use super::plot::{Axis, Measure, bars, dots, figure, lines};
use super::systems::Systems;
use family::{Family, families};

mod family;

/// Lanes of one figure; more make another, so that one fits on a page of paper.
const LANES: usize = 34;

const TIME: Measure = Measure {
    title: "Time of one operation",
    value: |line| line.seconds(),
    ends: |line, field| line.ends_in_seconds(field),
    goal: |line| Some(line.number("expected_ms_per_op")? / 1e3),
    write: number::seconds,
};

const HIT_RATIO: Measure = Measure {
    title: "Hit ratio",
    value: |line| line.number("hit_ratio"),
    ends: |_, _| None,
    goal: |_| None,
    write: |ratio| format!("{:.1}\u{202f}%", 100.0 * ratio),
};

/// What is counted for one of something: bars from zero.
const COUNTS: &[Measure] = &[
    Measure { title: "Round trips of one operation", value: |line| line.number("round_trips_per_op"), ..COUNT },
    Measure { title: "Bytes of one entry", value: |line| line.number("bytes_per_entry"), ..COUNT },
];

const COUNT: Measure = Measure { title: "", value: |_| None, ends: |_, _| None, goal: |_| None, write: number::plain };

/// Only where it was expected: elsewhere the times say the same.
const SPEEDUP: Measure = Measure {
    title: "Speedup over the baseline",
    value: |line| line.number("expected_speedup").and(line.number("speedup")),
    ends: |line, field| line.ends(&format!("speedup_{field}")),
    goal: |line| line.number("target_speedup").or_else(|| line.number("expected_speedup")),
    write: |speedup| format!("×{}", number::plain(speedup)),
};

/// All plots of a section.
pub(super) fn figures(lines: &[&Line<'_>], systems: &Systems<'_>) -> Markup {
    html! {
        div.figures {
            (along(&TIME, Axis::log, "on a logarithmic scale; thick: 95 % interval, thin: all rounds", lines, systems))
            (along(&SPEEDUP, Axis::log, "on a logarithmic scale; the upright line is what was expected", lines, systems))
            @for measure in COUNTS { (counted(measure, lines, systems)) }
            (along(&HIT_RATIO, Axis::ratio, "hits among lookups", lines, systems))
            @for family in families(lines) {
                (scaling(&TIME, Axis::log, &family, systems))
                (scaling(&HIT_RATIO, Axis::ratio, &family, systems))
            }
        }
    }
}

/// Marks along one axis, the same for all figures of the section.
fn along(
    measure: &Measure,
    axis: impl Fn(Vec<f64>) -> Option<Axis>,
    what: &str,
    lines: &[&Line<'_>],
    systems: &Systems<'_>,
) -> Markup {
    let lines = with(measure, lines);
    let ends = lines.iter().flat_map(|line| [(measure.ends)(line, "ci95"), (measure.ends)(line, "range")]);
    let goals = lines.iter().filter_map(|line| (measure.goal)(line));
    let values = lines.iter().filter_map(|line| (measure.value)(line)).chain(ends.flatten().flatten()).chain(goals);
    let Some(axis) = axis(values.collect()) else { return html! {} };
    html! {
        @for lines in pages(&lines) {
            (figure(measure.title, what, &lines, systems, "", &dots(measure, &axis, &lines, systems)))
        }
    }
}

fn counted(measure: &Measure, lines: &[&Line<'_>], systems: &Systems<'_>) -> Markup {
    let lines = with(measure, lines);
    html! {
        @for lines in pages(&lines) {
            (figure(measure.title, "each operation on a scale of its own", &lines, systems, "", &bars(measure, &lines, systems)))
        }
    }
}

fn scaling(
    measure: &Measure,
    axis: impl Fn(Vec<f64>) -> Option<Axis>,
    family: &Family<'_, '_>,
    systems: &Systems<'_>,
) -> Markup {
    let mut points = family.points.clone();
    points.retain(|(_, line)| (measure.value)(line).is_some());
    let lines_of: Vec<_> = points.iter().map(|(_, line)| *line).collect();
    let up = axis(lines_of.iter().filter_map(|line| (measure.value)(line)).collect());
    let across = Axis::log(points.iter().map(|(number, _)| *number));
    let (Some(up), Some(across)) = (up, across) else { return html! {} };
    let what = format!("of {} over its number", family.name);
    figure(
        measure.title,
        &what,
        &lines_of,
        systems,
        "scaling",
        &lines(measure, (&across, &up), &points, &family.name, systems),
    )
}

/// The rows that have such a figure.
fn with<'a, 'b>(measure: &Measure, lines: &[&'b Line<'a>]) -> Vec<&'b Line<'a>> {
    lines.iter().copied().filter(|line| (measure.value)(line).is_some()).collect()
}

/// The rows in figures of about equal size, no operation torn apart.
fn pages<'a, 'b>(lines: &[&'b Line<'a>]) -> Vec<Vec<&'b Line<'a>>> {
    let count = lines.len().div_ceil(LANES).max(1);
    let size = lines.len().div_ceil(count);
    let mut pages: Vec<Vec<&Line<'_>>> = Vec::new();
    for line in lines {
        match pages.last_mut() {
            Some(page) if page.len() < size || page.last().is_some_and(|last| last.operation == line.operation) => {
                page.push(line);
            }
            _ => pages.push(vec![line]),
        }
    }
    pages
}
