//! Bars from zero: an operation with one for each system.

use maud::{Markup, html};

use super::dots::{GAP, LANE, NAME};
use super::{Measure, by_operation, hint, percent, pixels, short};
use crate::report::html::line::Line;
use crate::report::html::systems::Systems;

/// How far the longest bar of an operation reaches, in per cent; the rest is
/// for its figure.
const LONGEST: f64 = 82.0;

/// The figures of these rows, each operation on a scale of its own: one that
/// takes a thousand of something must not hide another that takes two.
pub(in crate::report::html) fn bars(measure: &Measure, lines: &[&Line<'_>], systems: &Systems<'_>) -> Markup {
    let operations = by_operation(lines);
    let height: f64 = operations.iter().map(|(_, lines)| NAME + LANE * lines.len() as f64 + GAP).sum();
    let mut at = 0.0;
    html! {
        div.plot {
            svg role="img" aria-label={ (measure.title) ", as in the table below" } width="100%" height=(pixels(height)) {
                @for (operation, lines) in &operations {
                    @let top = at;
                    @let most = lines.iter().filter_map(|line| (measure.value)(line)).fold(0.0, f64::max);
                    line.rule x1="0" x2="100%" y1=(pixels(top)) y2=(pixels(top)) {}
                    text.name x="0" y=(pixels(top + 15.0)) { (short(operation)) }
                    @for (lane, line) in lines.iter().enumerate() {
                        (bar(measure, most, line, systems, top + NAME + LANE * lane as f64))
                    }
                    @let () = at += NAME + LANE * lines.len() as f64 + GAP;
                }
            }
        }
    }
}

fn bar(measure: &Measure, most: f64, line: &Line<'_>, systems: &Systems<'_>, y: f64) -> Markup {
    let Some(value) = (measure.value)(line) else { return html! {} };
    let length = if most > 0.0 { LONGEST * value.max(0.0) / most } else { 0.0 };
    html! {
        g.lane.(systems.class(line.system)) {
            title { (hint(line, measure, value)) }
            rect x="0" y=(pixels(y + 1.0)) width=(percent(length)) height=(pixels(LANE - 3.0)) rx="1.5" {}
            text.value x=(percent(length)) dx="6" y=(pixels(y + LANE - 4.0)) { ((measure.write)(value)) }
        }
    }
}
