//! Marks along one axis: an operation with a lane for each system.

use maud::{Markup, html};

use super::{Axis, Measure, by_operation, hint, mark, percent, pixels, short};
use crate::report::html::line::Line;
use crate::report::html::systems::Systems;

/// Pixels from one lane to the next, from one operation's name to its first
/// lane, and between operations.
pub(super) const LANE: f64 = 14.0;
pub(super) const NAME: f64 = 22.0;
pub(super) const GAP: f64 = 8.0;
/// What the axis below needs.
const AXIS: f64 = 24.0;

/// The figures of these rows, with their intervals and ranges, and in numbers at
/// the right.
pub(in crate::report::html) fn dots(
    measure: &Measure,
    axis: &Axis,
    lines: &[&Line<'_>],
    systems: &Systems<'_>,
) -> Markup {
    let operations = by_operation(lines);
    let mut top = 0.0;
    let operations: Vec<_> = operations
        .into_iter()
        .map(|(operation, lines)| {
            let at = top;
            top += NAME + LANE * lines.len() as f64 + GAP;
            (operation, at, lines)
        })
        .collect();
    html! {
        div.plot.dots {
            svg role="img" aria-label={ (measure.title) ", as in the table below" } width="100%" height=(pixels(top + AXIS)) {
                @for tick in axis.ticks() {
                    @let x = percent(axis.place(tick));
                    line.grid x1=(x) x2=(x) y1="0" y2=(pixels(top)) {}
                    text.tick x=(x) y=(pixels(top + 16.0)) text-anchor=(anchor(axis.place(tick))) { ((measure.write)(tick)) }
                }
                @for (operation, at, lines) in &operations {
                    line.rule x1="0" x2="100%" y1=(pixels(*at)) y2=(pixels(*at)) {}
                    text.name x="0" y=(pixels(at + 15.0)) { (short(operation)) }
                    @for (lane, line) in lines.iter().enumerate() {
                        (dot(measure, axis, line, systems, at + NAME + LANE * (lane as f64 + 0.5)))
                    }
                }
            }
        }
    }
}

fn dot(measure: &Measure, axis: &Axis, line: &Line<'_>, systems: &Systems<'_>, y: f64) -> Markup {
    let Some(value) = (measure.value)(line) else { return html! {} };
    let ends = |field| (measure.ends)(line, field).map(|ends| ends.map(|end| axis.place(end)));
    let (interval, range) = (ends("ci95"), ends("range"));
    let x = axis.place(value);
    html! {
        g.lane.(systems.class(line.system)) {
            title { (hint(line, measure, value)) }
            @for (ends, class) in [(range, "range"), (interval, "interval")] {
                @if let Some([low, high]) = ends {
                    line.(class) x1=(percent(low)) x2=(percent(high)) y1=(pixels(y)) y2=(pixels(y)) {}
                }
            }
            @if let Some(goal) = (measure.goal)(line) {
                @let x = percent(axis.place(goal));
                line.goal x1=(x) x2=(x) y1=(pixels(y - 7.0)) y2=(pixels(y + 7.0)) {}
            }
            (mark(systems, line.system, x, y))
            text.value x="100%" dx="70" y=(pixels(y + 3.5)) text-anchor="end" { ((measure.write)(value)) }
        }
    }
}

/// How a tick's text hangs at its place, so that none leaves the plot.
fn anchor(place: f64) -> &'static str {
    match place {
        ..5.0 => "start",
        95.0.. => "end",
        _ => "middle",
    }
}
