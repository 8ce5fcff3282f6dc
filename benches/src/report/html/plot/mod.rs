//! Plots, as SVG that is as wide as there is room.
//!
//! Places across are percentages and places down are pixels, so that a narrow
//! window squeezes the plot and leaves text as large as it is. What a plot
//! shows stands in the section's table as well, digit by digit; a reader of
//! screens is told what the plot is of, and goes on to the table.

mod axis;
mod bars;
mod dots;
mod lines;

use maud::{Markup, html};

pub(super) use self::axis::Axis;
pub(super) use self::bars::bars;
pub(super) use self::dots::dots;
pub(super) use self::lines::lines;
use super::line::Line;
use super::systems::Systems;

/// What is plotted: its name, and how a row's figure is found and written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    pub(super) title: &'static str,
    pub(super) value: fn(&Line<'_>) -> Option<f64>,
    /// The 95 % interval, and the ends of all rounds.
    pub(super) ends: fn(&Line<'_>, &str) -> Option<[f64; 2]>,
    /// What was expected, where anything was.
    pub(super) goal: fn(&Line<'_>) -> Option<f64>,
    pub(super) write: fn(f64) -> String,
}

/// How much of a name a plot shows.
const NAME_CHARS: usize = 36;

/// The outlines of the shapes, 9 pixels across, around where they are used.
const SHAPES: [&str; super::systems::SHAPES] = [
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
    "M-4 -4h8v8h-8z",
    "M0 -5L5 4H-5z",
    "M0 -5.2L5.2 0L0 5.2L-5.2 0z",
    "M0 5L5 -4H-5z",
    "M-1.6 -5h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4v-3.2h3.4z",
    "M-5 0L-2.5 -4.4H2.5L5 0L2.5 4.4H-2.5z",
    "M0 -5.5L1.5 -1.5L5.5 0L1.5 1.5L0 5.5L-1.5 1.5L-5.5 0L-1.5 -1.5z",
];

/// The shapes, to be used anywhere in the page.
pub(super) fn shapes() -> Markup {
    html! {
        svg.shapes width="0" height="0" aria-hidden="true" {
            defs {
                @for (number, outline) in SHAPES.iter().enumerate() {
                    path id={ "shape" (number) } d=(outline) {}
                }
            }
        }
    }
}

/// A plot with its title and the systems in it.
pub(super) fn figure(
    title: &str,
    what: &str,
    lines: &[&Line<'_>],
    systems: &Systems<'_>,
    class: &str,
    plot: &Markup,
) -> Markup {
    html! {
        figure class=(class) {
            figcaption { strong { (title) } " " span { (what) } }
            ul.legend aria-label="Systems" {
                @for system in systems.among(lines) {
                    li {
                        svg class={ "mark " (systems.class(system)) } width="14" height="14" aria-hidden="true" {
                            (mark(systems, system, 50.0, 7.0))
                        }
                        (system)
                    }
                }
            }
            (plot)
        }
    }
}

/// The mark of a system at a place.
fn mark(systems: &Systems<'_>, system: &str, x: f64, y: f64) -> Markup {
    html! { use href={ "#shape" (systems.shape(system)) } x=(percent(x)) y=(pixels(y)) {} }
}

fn percent(x: f64) -> String {
    format!("{x:.2}%")
}

fn pixels(y: f64) -> String {
    format!("{y:.1}")
}

/// A name that fits into a narrow window; the table has all of it.
fn short(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Operations in their order, each with its rows.
fn by_operation<'a, 'b>(lines: &[&'b Line<'a>]) -> Vec<(&'a str, Vec<&'b Line<'a>>)> {
    let mut operations: Vec<(&str, Vec<&Line<'_>>)> = Vec::new();
    for line in lines {
        match operations.iter_mut().find(|(operation, _)| *operation == line.operation) {
            Some((_, rows)) => rows.push(line),
            None => operations.push((line.operation, vec![line])),
        }
    }
    operations
}

/// What a pointer that rests on a mark is told.
fn hint(line: &Line<'_>, measure: &Measure, value: f64) -> String {
    let hint = format!("{} · {}: {}", line.operation, line.system, (measure.write)(value));
    let ends = [("ci95", "95 % interval"), ("range", "all rounds")].into_iter().filter_map(|(field, name)| {
        let [low, high] = (measure.ends)(line, field)?.map(measure.write);
        Some(format!("{name} {low} – {high}"))
    });
    let goal = (measure.goal)(line).map(|goal| format!("expected {}", (measure.write)(goal)));
    std::iter::once(hint).chain(ends).chain(goal).collect::<Vec<_>>().join("; ")
}
