//! What tells systems apart: a colour and a shape.

use crate::report::html::line::Line;

/// How many colours style.css has.
const COLOURS: usize = 8;
/// How many shapes [`shapes`](super::plot::shapes) has.
pub(super) const SHAPES: usize = 8;
/// The one that the report is about.
pub(super) const OURS: &str = "ours";

/// All systems of a report; one looks the same wherever it is.
#[derive(Debug)]
pub(super) struct Systems<'a>(Vec<&'a str>);

impl<'a> Systems<'a> {
    /// These systems, ours first, the others as they come.
    pub(super) fn of(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut systems = vec![OURS];
        for name in names {
            if !systems.contains(&name) {
                systems.push(name);
            }
        }
        Self(systems)
    }

    /// The class that gives a system its colour.
    pub(super) fn class(&self, system: &str) -> String {
        format!("s{}", self.index(system) % COLOURS)
    }

    /// Its shape. Where colours begin anew, shapes do not.
    pub(super) fn shape(&self, system: &str) -> usize {
        let index = self.index(system);
        (index + index / COLOURS) % SHAPES
    }

    /// Those that have one of these rows, each once, in the order of the report.
    pub(super) fn among(&self, lines: &[&Line<'_>]) -> Vec<&'a str> {
        self.0.iter().copied().filter(|system| lines.iter().any(|line| line.system == *system)).collect()
    }

    fn index(&self, system: &str) -> usize {
        self.0.iter().position(|name| *name == system).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ours_is_first_and_no_two_look_the_same() {
        let names: Vec<_> = (0..40).map(|number| number.to_string()).collect();
        let systems = Systems::of(names.iter().map(String::as_str).chain([OURS, "7"]));
        assert_eq!((systems.class(OURS), systems.shape(OURS)), ("s0".to_owned(), 0));
        let looks = names.iter().map(|name| (systems.class(name), systems.shape(name)));
        assert_eq!(looks.collect::<BTreeSet<_>>().len(), 40);
    }
}
