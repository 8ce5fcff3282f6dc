//! Layer diagrams: the mermaid graphs of `plans/ARCHITECTURE.md` that say what may depend on what.
//!
//! A graph counts as a layer diagram if its first line is a comment that names
//! its subject: `%% crates of the workspace`, or `%% modules of FOLDER`. Each
//! further line is `a --> b` or `a --> b & c`, or a node alone.

use std::collections::{BTreeMap, BTreeSet};

/// The subject of a diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The packages of the workspace.
    Crates,
    /// The modules that lie directly in a folder.
    Modules(String),
}

/// A directed graph of layers.
#[derive(Debug)]
pub(super) struct Diagram {
    pub(super) subject: Subject,
    /// The line in which the diagram begins, from 1.
    pub(super) line: usize,
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Diagram {
    /// Reads every layer diagram of a text.
    pub(super) fn all(text: &str) -> Vec<Self> {
        let mut diagrams = Vec::new();
        let mut lines = text.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            if line.trim() == "```mermaid" {
                let block: Vec<_> =
                    lines.by_ref().map(|(line, _)| line.trim()).take_while(|line| *line != "```").collect();
                diagrams.extend(Self::read(&block, number));
            }
        }
        diagrams
    }

    fn read(block: &[&str], line: usize) -> Option<Self> {
        let subject = block.first()?.strip_prefix("%% ")?;
        let subject = match subject.strip_prefix("modules of ") {
            Some(folder) => Subject::Modules(folder.to_owned()),
            None if subject == "crates of the workspace" => Subject::Crates,
            None => return None,
        };
        let mut edges = BTreeMap::<_, BTreeSet<_>>::new();
        for line in &block[1..] {
            let mut sides = line.split("-->").map(|side| side.split('&').map(|node| node.trim().to_owned()));
            // The direction of the drawing and styles are no nodes.
            let is_node = |node: &String| !node.is_empty() && !node.contains(char::is_whitespace);
            let Some(from) = sides.next() else { continue };
            let to: Vec<_> = sides.flatten().filter(is_node).collect();
            for node in from.filter(is_node) {
                edges.entry(node).or_default().extend(to.iter().cloned());
            }
            for node in to {
                edges.entry(node).or_default();
            }
        }
        Some(Self { subject, line, edges })
    }

    /// Returns whether the diagram shows a node.
    pub(super) fn shows(&self, node: &str) -> bool {
        self.edges.contains_key(node)
    }

    /// The nodes of the diagram.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &str> {
        self.edges.keys().map(String::as_str)
    }

    /// Returns whether arrows lead from one node to another, directly or through others.
    pub(super) fn leads(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            for next in self.edges.get(node).into_iter().flatten() {
                if next == to {
                    return true;
                }
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        false
    }

    /// A node on a cycle, if there is one.
    pub(super) fn cycle(&self) -> Option<&str> {
        self.nodes().find(|node| self.leads(node, node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_graphs_with_a_subject_are_layer_diagrams() {
        let text = "# Map\n```mermaid\ngraph TD\n  x --> y\n```\n\n```mermaid\n%% modules of a/src\ngraph TD\n  top --> left & right\n  left --> base\n  right --> base\n  alone\n```\n";
        let diagrams = Diagram::all(text);
        assert_eq!(diagrams.len(), 1);
        let diagram = &diagrams[0];
        assert_eq!((&diagram.subject, diagram.line), (&Subject::Modules("a/src".to_owned()), 7));
        assert_eq!(diagram.nodes().collect::<Vec<_>>(), ["alone", "base", "left", "right", "top"]);
        assert!(diagram.leads("top", "base") && !diagram.leads("base", "top") && !diagram.leads("left", "right"));
        assert_eq!(diagram.cycle(), None);
    }

    #[test]
    fn a_cycle_is_found() {
        let diagrams = Diagram::all("```mermaid\n%% crates of the workspace\na --> b\nb --> c\nc --> b\n```");
        assert_eq!(diagrams[0].cycle(), Some("b"));
    }
}
