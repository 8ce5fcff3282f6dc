//! Which request meets which fault.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::fault::{Ending, Fault};

/// A plan of faults.
///
/// Its steps are consumed in order, one a request, `None` letting the request
/// through; when none is left everything passes. Rules come first, in the order
/// they were given, apply as often as they match, and consume no step.
///
/// ```
/// use memory_lab::{Fault, Script};
///
/// let script = Script::new().pass().then(Fault::status(503)).on_path("/v3/cursor", Fault::rst());
/// let the_same_steps: Script = [None, Some(Fault::status(503))].into_iter().collect();
/// # let _ = (script, the_same_steps);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Script {
    steps: VecDeque<Option<Fault>>,
    rules: Vec<Rule>,
    /// How many requests it has seen.
    seen: u64,
}

#[derive(Clone)]
struct Rule {
    applies: Arc<dyn Fn(&Seen<'_>) -> bool + Send + Sync>,
    fault: Fault,
}

/// A request, as a rule sees it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// How many requests came before it since the script was set.
    pub index: u64,
    /// Its method.
    pub method: &'a str,
    /// Its path, with the query if there is one.
    pub path: &'a str,
    /// Its body, chunks put together.
    pub body: &'a [u8],
}

impl Script {
    /// A script that lets everything pass.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next request passes.
    pub fn pass(mut self) -> Self {
        self.steps.push_back(None);
        self
    }

    /// The next request meets `fault`.
    pub fn then(mut self, fault: Fault) -> Self {
        self.steps.push_back(Some(fault));
        self
    }

    /// The next `count` requests meet `fault`.
    pub fn times(mut self, count: usize, fault: &Fault) -> Self {
        self.steps.extend(std::iter::repeat_n(Some(fault.clone()), count));
        self
    }

    /// The request with this index, counted from 0 since the script was set, meets `fault`.
    pub fn at(self, index: u64, fault: Fault) -> Self {
        self.when(move |seen| seen.index == index, fault)
    }

    /// Every request with this path meets `fault`.
    pub fn on_path(self, path: impl Into<String>, fault: Fault) -> Self {
        let path = path.into();
        self.when(move |seen| seen.path == path, fault)
    }

    /// Every request for which `applies` is true meets `fault`.
    pub fn when(mut self, applies: impl Fn(&Seen<'_>) -> bool + Send + Sync + 'static, fault: Fault) -> Self {
        self.rules.push(Rule { applies: Arc::new(applies), fault });
        self
    }

    /// How many steps are left.
    pub(super) fn remaining(&self) -> usize {
        self.steps.len()
    }

    /// What is in store for a request.
    pub(super) fn meet(&mut self, method: &str, path: &str, body: &[u8]) -> Option<Fault> {
        let seen = Seen { index: self.seen, method, path, body };
        self.seen += 1;
        let rule = self.rules.iter().find(|rule| (rule.applies)(&seen));
        match rule {
            Some(rule) => Some(rule.fault.clone()),
            None => self.steps.pop_front().flatten(),
        }
    }

    /// Whether a new connection is to be refused. Consumes the step that says so.
    pub(super) fn refuses(&mut self) -> bool {
        let refuses = matches!(self.steps.front(), Some(Some(fault)) if fault.ending == Ending::Refused);
        if refuses {
            self.steps.pop_front();
        }
        refuses
    }
}

impl FromIterator<Option<Fault>> for Script {
    fn from_iter<I: IntoIterator<Item = Option<Fault>>>(steps: I) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::default() }
    }
}

impl From<Fault> for Script {
    fn from(fault: Fault) -> Self {
        Self::new().then(fault)
    }
}

impl<const N: usize> From<[Option<Fault>; N]> for Script {
    fn from(steps: [Option<Fault>; N]) -> Self {
        steps.into_iter().collect()
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("fault", &self.fault).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meet(script: &mut Script, path: &str) -> Option<Fault> {
        script.meet("POST", path, b"body")
    }

    #[test]
    fn steps_are_consumed_in_order_and_rules_are_not() {
        let script = Script::new().pass().then(Fault::rst()).on_path("/ruled", Fault::fin());
        let mut script = script.at(3, Fault::status(503)).when(|seen| seen.body == b"else", Fault::html(502));
        assert_eq!(meet(&mut script, "/"), None);
        assert_eq!(meet(&mut script, "/ruled"), Some(Fault::fin()));
        assert_eq!(meet(&mut script, "/"), Some(Fault::rst()));
        assert_eq!(meet(&mut script, "/"), Some(Fault::status(503)));
        assert_eq!(script.meet("POST", "/", b"else"), Some(Fault::html(502)));
        assert_eq!(meet(&mut script, "/ruled"), Some(Fault::fin()));
        assert_eq!(meet(&mut script, "/"), None);
    }

    #[test]
    fn only_a_refusal_is_consumed_by_a_connection() {
        let mut script = Script::new().then(Fault::refuse()).then(Fault::rst());
        assert!(script.refuses());
        assert!(!script.refuses());
        assert_eq!(script.remaining(), 1);
    }
}
