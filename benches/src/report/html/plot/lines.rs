//! Lines over a number.

use maud::{Markup, html};

use super::{Axis, Measure, hint, mark, percent, pixels};
use crate::report::html::line::Line;
use crate::report::html::number;
use crate::report::html::systems::Systems;

/// The height of the plot itself in pixels, and what the axis below needs.
const HEIGHT: f64 = 220.0;
const AXIS: f64 = 40.0;

/// The figures of these rows over the number that each has, which `over` names.
pub(in crate::report::html) fn lines(
    measure: &Measure,
    (across, up): (&Axis, &Axis),
    points: &[(f64, &Line<'_>)],
    over: &str,
    systems: &Systems<'_>,
) -> Markup {
    let all: Vec<_> = points.iter().map(|(_, line)| *line).collect();
    let mut numbers: Vec<_> = points.iter().map(|(number, _)| *number).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    let height = |value| HEIGHT * (1.0 - up.place(value) / 100.0);
    html! {
        div.plot.lines {
            svg role="img" aria-label={ (measure.title) " over " (over) ", as in the table below" }
                width="100%" height=(pixels(HEIGHT + AXIS)) {
                @for tick in up.ticks() {
                    @let y = pixels(height(tick));
                    line.grid x1="0" x2="100%" y1=(y) y2=(y) {}
                    text.tick x="0" dx="-8" y=(pixels(height(tick) + 3.5)) text-anchor="end" { ((measure.write)(tick)) }
                }
                line.rule x1="0" x2="100%" y1=(pixels(HEIGHT)) y2=(pixels(HEIGHT)) {}
                @for number in &numbers {
                    @let x = percent(across.place(*number));
                    line.grid x1=(x) x2=(x) y1=(pixels(HEIGHT)) y2=(pixels(HEIGHT + 4.0)) {}
                    text.tick x=(x) y=(pixels(HEIGHT + 17.0)) text-anchor="middle" { (number::plain(*number)) }
                }
                text.tick x="50%" y=(pixels(HEIGHT + 34.0)) text-anchor="middle" { (over) }
                // Ours last, so that it lies above the others.
                @for system in systems.among(&all).into_iter().rev() {
                    (series(measure, (across, &height), points, system, systems))
                }
            }
        }
    }
}

fn series(
    measure: &Measure,
    (across, height): (&Axis, &dyn Fn(f64) -> f64),
    points: &[(f64, &Line<'_>)],
    system: &str,
    systems: &Systems<'_>,
) -> Markup {
    let of_system = points.iter().filter(|(_, line)| line.system == system);
    let mut places: Vec<_> = of_system
        .filter_map(|(number, line)| {
            let value = (measure.value)(line)?;
            Some((*number, across.place(*number), height(value), line, value))
        })
        .collect();
    places.sort_by(|one, other| one.0.total_cmp(&other.0));
    html! {
        g.series.(systems.class(system)) {
            @for pair in places.windows(2) {
                line.link x1=(percent(pair[0].1)) y1=(pixels(pair[0].2)) x2=(percent(pair[1].1)) y2=(pixels(pair[1].2)) {}
            }
            @for (_, x, y, line, value) in &places {
                g { title { (hint(line, measure, *value)) } (mark(systems, system, *x, *y)) }
            }
        }
    }
}
