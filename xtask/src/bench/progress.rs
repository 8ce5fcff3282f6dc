//! Word of how far a run is, on standard error.

use std::cell::RefCell;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use memory_benches::{Progress, Scope, Section};

use super::interrupt::Interrupt;
use super::time_left::{TimeLeft, words};

/// A bar over the whole run on a terminal; elsewhere a line for each section.
#[derive(Debug)]
pub(super) struct Shown {
    bar: Option<ProgressBar>,
    interrupt: Interrupt,
    sections: usize,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    left: TimeLeft,
    begun: Instant,
    section: usize,
}

impl Shown {
    pub(super) fn new(sections: &[&Section], scope: Scope, interrupt: Interrupt) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let template = "{prefix} [{bar:25}] {percent:>3} %  {msg}";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(1_000).with_style(style)
        });
        let left = TimeLeft::new(sections.iter().map(|section| section.name), scope);
        let state = RefCell::new(State { left, begun: Instant::now(), section: 0 });
        Self { bar, interrupt, sections: sections.len(), state }
    }

    /// A section begins.
    pub(super) fn begin(&self, section: &Section) {
        let mut state = self.state.borrow_mut();
        state.section += 1;
        state.begun = Instant::now();
        let left = words(state.left.left(Duration::ZERO));
        let name = format!("[{}/{}] {}", state.section, self.sections, section.name);
        match &self.bar {
            Some(bar) => bar.set_prefix(name),
            None => eprintln!("{name}: about {left} left"),
        }
    }

    /// The section is over; says how long it took.
    pub(super) fn end(&self) -> Duration {
        let mut state = self.state.borrow_mut();
        let took = state.begun.elapsed();
        state.left.next(took);
        took
    }

    /// Does something that prints.
    pub(super) fn print<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// The run is over.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Shown {
    fn plan(&self, steps: u64) {
        self.state.borrow_mut().left.plan(steps);
    }

    fn step(&self, what: &str) {
        let mut state = self.state.borrow_mut();
        state.left.step();
        if let Some(bar) = &self.bar {
            let since = state.begun.elapsed();
            // A guess that was corrected downwards does not move the bar back.
            bar.set_position(state.left.thousandths(since).max(bar.position()));
            bar.set_message(format!("about {} left  {what}", words(state.left.left(since))));
        }
    }

    fn is_cancelled(&self) -> bool {
        self.interrupt.happened()
    }
}
