//! The figures as a table.

use std::fmt::{self, Write};
use std::time::Duration;

use super::{BatchMetrics, Latencies, LatencySaved, OperationMetrics, PerformanceSnapshot, ReadMetrics};

/// Columns between the borders and a blank on either side: 80 in all.
const WIDTH: usize = 76;
/// What the largest count takes, with its separators.
const CELL: usize = 26;
const LABEL: usize = WIDTH - 2 * (CELL + 1);

/// What stands where there is no figure, since what it is of never happened.
const NOT_SEEN: &str = "not seen";

impl fmt::Display for PerformanceSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table(String::new());
        table.border('╔', '═', '╗');
        table.centred("Performance report");
        table.centred(&format!("over {}", uptime(self.uptime)));
        self.cache_first(&mut table);
        self.batching(&mut table);
        self.prepared_statements(&mut table);
        self.metadata_queries(&mut table);
        self.totals(&mut table);
        table.border('╚', '═', '╝');
        f.write_str(table.0.trim_end())
    }
}

impl PerformanceSnapshot {
    fn cache_first(&self, table: &mut Table) {
        table.section("1. Cache-first reads", ["gets", "queries"]);
        let reads = [&self.cache_first.gets, &self.cache_first.queries];
        table.row("Reads", reads.map(|reads| integer(reads.reads())));
        table.row("Hits", reads.map(|reads| integer(reads.hits)));
        table.row("Hit ratio", reads.map(|reads| percent(reads.hit_ratio())));
        table.row("Hits of absent records", reads.map(|reads| integer(reads.negative_hits)));
        table.row("Misses", reads.map(|reads| integer(reads.misses)));
        table.row("Misses that coalesced", reads.map(|reads| integer(reads.coalesced)));
        table.row("Queries avoided", reads.map(|reads| integer(reads.queries_avoided)));
        table.latencies("Hit", reads.map(|reads| &reads.hit));
        table.latencies("Miss", reads.map(|reads| &reads.miss));
        table.saved(&reads.map(ReadMetrics::latency_saved));
    }

    fn batching(&self, table: &mut Table) {
        table.section("2. Batching", ["reads", "writes"]);
        let ways = [&self.batching.reads, &self.batching.writes];
        table.row("Operations", ways.map(|way| integer(way.operations())));
        table.row("Batched operations", ways.map(|way| integer(way.batched)));
        table.row("Batched ratio", ways.map(|way| percent(way.batched_ratio())));
        table.row("Single operations", ways.map(|way| integer(way.single)));
        table.row("Batches", ways.map(|way| integer(way.batches)));
        table.row("Average batch size", ways.map(|way| figure(way.average_size(), "")));
        table.row("Round trips avoided", ways.map(|way| integer(way.round_trips_avoided)));
        table.latencies("Batched", ways.map(|way| &way.batch_latency));
        table.latencies("Single", ways.map(|way| &way.single_latency));
        table.saved(&ways.map(BatchMetrics::latency_saved));
    }

    fn prepared_statements(&self, table: &mut Table) {
        table.section("3. Prepared statements", ["cached", "not cached"]);
        let statements = &self.prepared_statements;
        let ratio = statements.hit_ratio();
        table.row("Queries", [statements.cached, statements.uncached].map(integer));
        table.row("Part of all", [ratio, ratio.map(|ratio| 1.0 - ratio)].map(percent));
        table.latencies("Execution", [&statements.cached_execution, &statements.uncached_execution]);
        table.row("Preparation mean", [String::new(), mean(&statements.preparation)]);
        table.row("Speed-up", [figure(statements.speed_up(), " times"), String::new()]);
        table.saved(&[statements.latency_saved()]);
    }

    fn metadata_queries(&self, table: &mut Table) {
        table.section("4. Metadata queries", ["by index", "by scan"]);
        let queries = &self.metadata_queries;
        let ratio = queries.indexed_ratio();
        let ways = [&queries.indexed, &queries.scanned];
        table.row("Queries", ways.map(|way| integer(way.count())));
        table.row("Part of all", [ratio, ratio.map(|ratio| 1.0 - ratio)].map(percent));
        table.latencies("Query", ways);
        table.saved(&[queries.latency_saved()]);
    }

    fn totals(&self, table: &mut Table) {
        table.section("Totals", ["local", "remote"]);
        let ways = [&self.local, &self.remote];
        table.row("Round trips", ways.map(|way| integer(way.round_trips)));
        table.row("Requests", ways.map(|way| integer(way.requests)));
        table.row("Retries", ways.map(|way| integer(way.retries)));
        table.row("Bytes sent", ways.map(|way| integer(way.sent_bytes)));
        table.row("Bytes received", ways.map(|way| integer(way.received_bytes)));
        table.row("Timeouts", ways.map(|way| integer(way.timeouts)));
        table.row("Deadline misses", ways.map(|way| integer(way.deadline_misses)));
        table.row("Pool waits", ways.map(|way| integer(way.pool_waits.count())));
        table.row("Pool wait mean", ways.map(|way| mean(&way.pool_waits)));
        table.rule();
        let calls = |count: fn(&OperationMetrics) -> u64| {
            integer(self.operations.values().fold(0, |sum: u64, operation| sum.saturating_add(count(operation))))
        };
        table.row("Calls that succeeded", [String::new(), calls(|operation| operation.succeeded)]);
        table.row("Calls that failed", [String::new(), calls(|operation| operation.failed)]);
        table.row("Calls cancelled", [String::new(), calls(|operation| operation.cancelled)]);
        table.row("Latency saved in all", [String::new(), time(self.seconds_saved().map(|seconds| seconds * 1e9))]);
    }
}

struct Table(String);

impl Table {
    fn border(&mut self, left: char, line: char, right: char) {
        self.0.push(left);
        self.0.extend(std::iter::repeat_n(line, WIDTH + 2));
        self.0.push(right);
        self.0.push('\n');
    }

    fn rule(&mut self) {
        self.border('╟', '─', '╢');
    }

    fn centred(&mut self, text: &str) {
        self.line(&format!("{text:^WIDTH$}"));
    }

    fn section(&mut self, title: &str, columns: [&str; 2]) {
        self.border('╠', '═', '╣');
        self.line(&format!("{title:<LABEL$} {:>CELL$} {:>CELL$}", columns[0], columns[1]));
        self.rule();
    }

    fn row(&mut self, label: &str, [first, second]: [String; 2]) {
        self.line(&format!("{label:<LABEL$} {first:>CELL$} {second:>CELL$}"));
    }

    /// The mean, the median and the 99th percentile.
    fn latencies(&mut self, what: &str, latencies: [&Latencies; 2]) {
        self.row(&format!("{what} mean"), latencies.map(mean));
        for (name, part) in [("median", 0.5), ("99 %", 0.99)] {
            let quantile =
                |latencies: &Latencies| time(latencies.quantile(part).map(|latency| latency.as_secs_f64() * 1e9));
            self.row(&format!("{what} {name}"), latencies.map(quantile));
        }
    }

    /// What was saved, by column.
    fn saved(&mut self, saved: &[Option<LatencySaved>]) {
        let cell = |show: &dyn Fn(Option<LatencySaved>) -> String, column| {
            saved.get(column).copied().map(show).unwrap_or_default()
        };
        let latency = |saved: Option<LatencySaved>| time(saved.map(|saved| saved.seconds * 1e9));
        self.row("Latency saved", [0, 1].map(|column| cell(&latency, column)));
        let part = |saved: Option<LatencySaved>| percent(saved.map(|saved| saved.part));
        self.row("Saved of each", [0, 1].map(|column| cell(&part, column)));
    }

    fn line(&mut self, text: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "║ {text} ║");
    }
}

/// A count to its last digit.
fn integer(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(CELL);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(ratio: Option<f64>) -> String {
    figure(ratio.map(|ratio| ratio * 100.0), " %")
}

/// A real, in powers of ten where it is too long otherwise.
fn figure(value: Option<f64>, unit: &str) -> String {
    let Some(value) = value else { return NOT_SEEN.to_owned() };
    // A value that rounds to nothing has no sign.
    let value = if value.abs() < 0.05 { 0.0 } else { value };
    let plain = format!("{value:.1}{unit}");
    if plain.chars().count() <= CELL { plain } else { format!("{value:.3e}{unit}") }
}

fn mean(latencies: &Latencies) -> String {
    time(latencies.mean_nanos())
}

/// Nanoseconds in the unit that suits.
fn time(nanos: Option<f64>) -> String {
    let (scale, unit) = match nanos.map_or(0.0, f64::abs) {
        below if below < 1e3 => (1.0, " ns"),
        below if below < 1e6 => (1e3, " µs"),
        below if below < 1e9 => (1e6, " ms"),
        _ => (1e9, " s"),
    };
    figure(nanos.map(|nanos| nanos / scale), unit)
}

fn uptime(uptime: Duration) -> String {
    let seconds = uptime.as_secs_f64();
    match seconds {
        short if short < 120.0 => format!("{short:.1} seconds"),
        middling if middling < 7_200.0 => format!("{:.1} minutes", middling / 60.0),
        long => format!("{:.2} hours", long / 3_600.0),
    }
}

#[cfg(test)]
#[path = "report/tests.rs"]
mod tests;
