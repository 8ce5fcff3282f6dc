//! The rows of a section as a table: whatever fields they have.

mod column;

use maud::{Markup, html};

use super::line::Line;
use super::systems::OURS;
use column::{Column, columns};

/// Every figure of these rows, the operation named once for its systems, and
/// below what there is to know about them.
pub(super) fn table(section: &str, lines: &[&Line<'_>]) -> Markup {
    let columns = columns(lines);
    let id = format!("{}-table", super::anchor(section));
    html! {
        div.scroll role="region" tabindex="0" aria-labelledby=(id) {
            table {
                caption id=(id) { "All figures of " (section) (speedup_over(lines)) }
                thead {
                    tr {
                        th scope="col" { "operation" }
                        th scope="col" { "system" }
                        @for column in &columns { th.number scope="col" title=[column.about()] { (column.heading()) } }
                    }
                }
                @for lines in operations(lines) { (operation(lines, &columns)) }
            }
        }
        (notes(lines))
    }
}

fn operation(lines: &[&Line<'_>], columns: &[Column<'_>]) -> Markup {
    html! {
        tbody {
            @for (index, line) in lines.iter().enumerate() {
                tr.ours[line.system == OURS] {
                    @if index == 0 {
                        th.operation scope="rowgroup" rowspan=(lines.len()) { (line.operation) }
                    }
                    th scope="row" { (line.system) }
                    @for column in columns { td.number { (column.cell(line)) } }
                }
            }
        }
    }
}

/// The runs of rows of one operation.
fn operations<'a, 'b, 'c>(lines: &'c [&'b Line<'a>]) -> impl Iterator<Item = &'c [&'b Line<'a>]> {
    lines.chunk_by(|one, other| one.operation == other.operation)
}

/// Names the baseline, where all rows have the same.
fn speedup_over(lines: &[&Line<'_>]) -> String {
    column::only_baseline(lines).map_or_else(String::new, |baseline| format!("; speedups are over {baseline}"))
}

/// The reasons, each once for the systems of one operation that share it.
fn notes(lines: &[&Line<'_>]) -> Markup {
    let mut notes: Vec<(&str, Vec<&str>, &str)> = Vec::new();
    for line in lines {
        let Some(reason) = line.text("reason") else { continue };
        match notes.iter_mut().find(|(operation, _, why)| *operation == line.operation && *why == reason) {
            Some((_, systems, _)) => systems.push(line.system),
            None => notes.push((line.operation, vec![line.system], reason)),
        }
    }
    html! {
        @if !notes.is_empty() {
            details.notes open {
                summary { "Notes" }
                ul {
                    @for (operation, systems, reason) in notes {
                        li { strong { (operation) } " " (systems.join(", ")) ": " (reason) }
                    }
                }
            }
        }
    }
}
