//! The report as a page: one file that needs no network and no script.
//!
//! It is written from the JSON of the report, field by field, so that whatever
//! a section finds out is on it: fields that are named here have a heading of
//! their own, others are headed by their names. All text goes through `maud`,
//! which escapes it.

mod figures;
mod head;
mod line;
mod number;
mod plot;
mod systems;
mod table;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::line::Line;
use self::systems::Systems;
use super::{Ran, Report};

const STYLE: &str = include_str!("style.css");
/// Nothing but what stands in the page itself may be used.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page of this report.
pub fn html(report: &Report) -> String {
    let lines: Vec<_> = report.results.iter().map(Line::of).collect();
    let systems = Systems::of(lines.iter().map(|line| line.system));
    // Rows of a section that no run announced are shown as well.
    let mut names: Vec<&str> = report.sections.iter().map(|ran| ran.name.as_str()).collect();
    for line in &lines {
        if !names.contains(&line.section) {
            names.push(line.section);
        }
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (head::TITLE) " · " (head::day(report)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (plot::shapes())
                header {
                    h1 { (head::TITLE) }
                    (head::warnings(report))
                    (head::summary(&lines))
                    (head::environment(report))
                    nav aria-label="Sections" {
                        @for name in &names { a href={ "#" (anchor(name)) } { (name) } " " }
                    }
                }
                main {
                    @for name in &names {
                        @let lines = lines.iter().filter(|line| line.section == *name).collect::<Vec<_>>();
                        @let ran = report.sections.iter().find(|ran| ran.name == *name);
                        (section(name, ran, &lines, &systems))
                    }
                }
                footer { (head::reading()) }
            }
        }
    };
    page.into_string()
}

fn section(name: &str, ran: Option<&Ran>, lines: &[&Line<'_>], systems: &Systems<'_>) -> Markup {
    html! {
        section id=(anchor(name)) aria-labelledby={ (anchor(name)) "-title" } {
            h2 id={ (anchor(name)) "-title" } { (name) }
            @if let Some(ran) = ran {
                p.about { (ran.about) }
                p.on { (ran.on) " · took " (number::seconds(ran.seconds)) }
                @if !ran.complete {
                    p.banner { "This section did not run to its end: what was measured by then is shown." }
                }
            }
            @if lines.is_empty() {
                p { "Nothing was measured." }
            } @else {
                (figures::figures(lines, systems))
                (table::table(name, lines))
            }
        }
    }
}

/// A section's name as the name of a place in the page.
fn anchor(section: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("section-{}", section.chars().map(plain).collect::<String>())
}
