//! The plan whose results a run writes, and nobody by hand.

use std::fmt::Write as _;

use memory_benches::Report;
use memory_benches::report::table;

/// Where it is in the workspace.
pub(crate) const PLAN: &str = "plans/PHASE1_OPTIMIZATION_COMPLETE.md";
/// The section whose results it holds.
pub(crate) const SECTION: &str = "phase1";

const BEGIN: &str = "<!-- results: written by `cargo xtask bench --write-plan`, never by hand; crc32 ";
const BEGIN_END: &str = " -->";
const END: &str = "<!-- end of results -->";

/// Finds out whether the plan has a block of results that can be replaced.
///
/// # Errors
///
/// Why it has none.
pub(crate) fn check(plan: &str) -> Result<(), String> {
    Block::find(plan).map(drop).map_err(|(_, why)| why)
}

/// The plan's text with this report's results in place of those it has.
///
/// # Errors
///
/// Why it has no block of results to replace.
pub(crate) fn rewrite(plan: &str, report: &Report) -> Result<String, String> {
    let Block { before, after, .. } = Block::find(plan).map_err(|(_, why)| why)?;
    let results = results(report);
    Ok(format!("{before}{BEGIN}{:08x}{BEGIN_END}\n{results}{END}\n{after}", checksum(&results)))
}

/// What is wrong with the plan's block of results, and in which line, from 1.
pub(crate) fn fault(plan: &str) -> Option<(usize, String)> {
    let block = match Block::find(plan) {
        Ok(block) => block,
        Err(fault) => return Some(fault),
    };
    let line = block.before.lines().count() + 1;
    let advice = "the results were changed by hand: let `cargo xtask bench --write-plan` write them";
    (block.checksum != format!("{:08x}", checksum(block.results))).then(|| (line, advice.to_owned()))
}

/// A plan taken apart around its results.
struct Block<'a> {
    before: &'a str,
    checksum: &'a str,
    results: &'a str,
    after: &'a str,
}

impl<'a> Block<'a> {
    fn find(plan: &'a str) -> Result<Self, (usize, String)> {
        let mut starts = Vec::new();
        let mut ends = Vec::new();
        let mut at = 0;
        for (number, line) in plan.split_inclusive('\n').enumerate() {
            if let Some(checksum) = line.trim_end().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(BEGIN_END)) {
                starts.push((number + 1, at, at + line.len(), checksum));
            } else if line.trim_end() == END {
                ends.push((number + 1, at, at + line.len()));
            }
            at += line.len();
        }
        match (&starts[..], &ends[..]) {
            ([(_, before, from, checksum)], [(_, to, after)]) if from <= to => {
                let (before, results, after) = (&plan[..*before], &plan[*from..*to], &plan[*after..]);
                Ok(Self { before, checksum, results, after })
            }
            _ => {
                let line = starts.get(1).map(|start| start.0).or(ends.first().map(|end| end.0)).unwrap_or(1);
                Err((line, format!("its results must stand once between `{BEGIN}…{BEGIN_END}` and `{END}`")))
            }
        }
    }
}

fn checksum(results: &str) -> u32 {
    crc32fast::hash(results.as_bytes())
}

fn results(report: &Report) -> String {
    let environment = &report.environment;
    let mut text = String::from("\n");
    let mut item = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "- {name}: {value}");
    };
    item("command", &format!("`{}`", environment.command.as_deref().unwrap_or_default()));
    item("date", &environment.date.to_string());
    item("commit", environment.commit.as_deref().unwrap_or("not of a repository"));
    let memory = environment.memory_bytes.map(|bytes| format!(", {} MiB of memory", bytes >> 20)).unwrap_or_default();
    let processor = environment.processor.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    item("machine", &format!("{}, {} cores{memory}{processor}", environment.platform, environment.cores));
    let versions: Vec<_> = environment.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    item("versions", &versions.join(", "));
    for ran in report.sections.iter().filter(|ran| ran.name == SECTION) {
        item("on", &ran.on);
    }
    let rows: Vec<_> = report.results.iter().filter(|row| row.section == SECTION).cloned().collect();
    let _ = write!(text, "\n```text\n{}```\n\n", table(&rows));
    text
}

#[cfg(test)]
mod tests {
    use memory_benches::report::Row;
    use memory_benches::{Scope, Settings, Trajectories};

    use super::*;

    fn report() -> Report {
        let mut row = Row::new(SECTION, "baseline_no_cache", "ours");
        row.median_ms_per_op = Some(134.2);
        let mut other = row.clone();
        other.section = "local".to_owned();
        other.median_ms_per_op = Some(77.77);
        Report::new(&Settings::new(Scope::Quick, 1, Trajectories::generate(1, 1)), vec![row, other])
    }

    fn plan() -> String {
        format!("# Plan\n\nBefore.\n\n{BEGIN}00000000{BEGIN_END}\nold\n{END}\n\nAfter.\n")
    }

    #[test]
    fn results_are_replaced_and_nothing_else() {
        let once = rewrite(&plan(), &report()).unwrap();
        assert!(once.starts_with("# Plan\n\nBefore.\n\n<!-- results") && once.ends_with("\n\nAfter.\n"), "{once}");
        assert!(once.contains("134.2 ms") && !once.contains("77.77") && !once.contains("old"), "{once}");
        assert_eq!(fault(&once), None);
        let mut later = report();
        later.results[0].median_ms_per_op = Some(140.1);
        let twice = rewrite(&once, &later).unwrap();
        assert!(twice.contains("140.1 ms") && !twice.contains("134.2"), "{twice}");
        assert_eq!(fault(&twice), None);
    }

    #[test]
    fn a_change_by_hand_is_found() {
        let plan = rewrite(&plan(), &report()).unwrap();
        assert_eq!(fault(&plan.replace("134.2", "13.42")).unwrap().0, 5);
        assert_eq!(fault(&plan.replace("Before.", "Changed.").replace("After.", "Changed.")), None);
    }

    #[test]
    fn damaged_markers_are_found_and_nothing_is_written() {
        let plan = plan();
        let swapped = format!("{END}\n{BEGIN}0{BEGIN_END}\n");
        let twice = plan.clone() + &plan;
        for (damaged, line) in
            [(plan.replace(END, ""), 1), (plan.replace(BEGIN, "<!-- "), 7), (twice, 14), (swapped, 1)]
        {
            let (found, advice) = fault(&damaged).unwrap();
            assert_eq!(found, line, "{damaged}");
            assert!(advice.contains("must stand once"), "{advice}");
            assert!(rewrite(&damaged, &report()).is_err());
        }
    }
}
