//! What stands above the sections: whether the run is whole, what it says in
//! short, and where it took place.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::line::Line;
use super::number;
use super::systems::OURS;
use crate::report::{Report, Stopped};

pub(super) const TITLE: &str = "Agent memory: measurements";

/// The day of the run.
pub(super) fn day(report: &Report) -> String {
    report.environment.date.to_string().chars().take(10).collect()
}

/// What a reader must know before the figures.
pub(super) fn warnings(report: &Report) -> Markup {
    html! {
        @match &report.stopped {
            Some(Stopped::Interrupt) => p.banner {
                strong { "Incomplete." } " The run was interrupted; this is what was measured by then."
            },
            Some(Stopped::Failure(message)) => p.banner {
                strong { "Incomplete." } " A measurement failed; this is what was measured by then. The error: " (message)
            },
            None if !report.complete => p.banner { strong { "Incomplete." } " Not everything was measured." },
            None => {}
        }
        @if report.environment.profile == "debug" {
            p.banner { strong { "Not optimised." } " This was built for debugging: its times mean nothing." }
        }
    }
}

/// Ours in a few figures, each over all sections.
pub(super) fn summary(lines: &[Line<'_>]) -> Markup {
    let ours = || lines.iter().filter(|line| line.system == OURS);
    let with = |field: &'static str, value: &'static str| ours().filter(|line| line.text(field) == Some(value)).count();
    let promises = lines.iter().filter(|line| line.text("promise").is_some()).count();
    let kept = lines.iter().filter(|line| line.text("promise") == Some("kept")).count();
    let compared = ours().filter(|line| line.text("verdict").is_some()).count();
    let mut speedups: Vec<_> = ours().filter_map(|line| line.number("speedup")).collect();
    speedups.sort_by(f64::total_cmp);
    let trips: Vec<_> = ours().filter_map(|line| line.number("round_trips_per_op")).collect();
    let one = trips.iter().filter(|count| **count <= 1.0).count();
    let measured: BTreeSet<_> = lines.iter().map(|line| (line.section, line.operation)).collect();
    html! {
        ul.cards {
            @if promises > 0 { (card(&format!("{kept} of {promises}"), "promises kept")) }
            @if compared > 0 {
                @let (ties, slower) = (with("verdict", "tie"), with("verdict", "slower"));
                @let rest = format!("operations faster than the naive way, {ties} tied, {slower} slower");
                (card(&format!("{} of {compared}", with("verdict", "faster")), &rest))
            }
            @if let [low, .., high] = speedups[..] {
                @let median = format!("×{}", number::plain(speedups[speedups.len() / 2]));
                @let ends = format!("median speedup; from ×{} to ×{}", number::plain(low), number::plain(high));
                (card(&median, &ends))
            }
            @if !trips.is_empty() {
                (card(&format!("{one} of {}", trips.len()), "operations in at most one round trip"))
            }
            @if !measured.is_empty() {
                @let systems = lines.iter().map(|line| line.system).collect::<BTreeSet<_>>().len();
                (card(&measured.len().to_string(), &format!("operations, by {systems} systems")))
            }
        }
    }
}

fn card(figure: &str, what: &str) -> Markup {
    html! { li { strong { (figure) } " " span { (what) } } }
}

/// Where and how it ran.
pub(super) fn environment(report: &Report) -> Markup {
    let environment = &report.environment;
    let mut machine = vec![environment.platform.clone(), format!("{} cores", environment.cores)];
    machine.extend(environment.memory_bytes.map(number::bytes));
    machine.extend(environment.processor.clone());
    let versions: Vec<_> = environment.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let input = &report.input;
    let episodes = format!("{} episodes, {}", input.shape.episodes, input.source);
    let took: f64 = report.sections.iter().map(|ran| ran.seconds).sum();
    html! {
        dl.environment {
            div { dt { "Begun" } dd { time datetime=(environment.date) { (environment.date) } } }
            @if took > 0.0 { div { dt { "Took" } dd { (number::seconds(took)) } } }
            @if let Some(commit) = &environment.commit { div { dt { "Commit" } dd { code { (commit) } } } }
            @if let Some(command) = &environment.command { div { dt { "Command" } dd { code { (command) } } } }
            div { dt { "Machine" } dd { (machine.join(", ")) } }
            div { dt { "Versions" } dd { (versions.join(", ")) } }
            div { dt { "Input" } dd { (episodes) "; seed " (environment.seed) } }
            @if let Some(rtt) = environment.rtt_ms {
                div { dt { "Network" } dd { "round-trip time of " (number::plain(rtt)) "\u{202f}ms, added by the lab" } }
            }
        }
    }
}

/// How to read the figures.
pub(super) fn reading() -> Markup {
    html! {
        p {
            "Systems take turns in rounds, in an order drawn anew for each. A time is the median over the rounds of the "
            "mean time of one operation; its 95 % interval is made of order statistics and asks nothing of the "
            "distribution. A speedup is the median of the ratios within each round, and a tie where its interval "
            "contains 1. Outliers lie beyond Tukey's fences; they are shown and not taken away."
        }
    }
}
