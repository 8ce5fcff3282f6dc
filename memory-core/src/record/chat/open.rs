//! Open calls: calls that wait for their answers.

use std::collections::HashSet;

use super::note::ChatNoteKind::{self, KeptAside, Repaired};

/// A call without an answer.
struct Open {
    /// The index of the call's step.
    step: usize,
    /// The index of the call's message.
    message: usize,
    id: Option<String>,
    tool: String,
}

/// The open calls, oldest first, and the ids of the answered calls.
#[derive(Default)]
pub(super) struct OpenCalls {
    open: Vec<Open>,
    answered: HashSet<String>,
}

/// The step that an answer belongs to, if there is one, and the irregularity,
/// if there is one.
pub(super) type Found = (Option<usize>, Option<(ChatNoteKind, String)>);

impl OpenCalls {
    pub(super) fn add(&mut self, step: usize, message: usize, id: Option<String>, tool: String) {
        self.open.push(Open { step, message, id, tool });
    }

    /// Removes the call that an answer belongs to, and returns its step.
    ///
    /// With an id, it is the call with that id; of several, the first in the
    /// last message that has one. Without an id, it is the first call of the
    /// named tool, or of any tool, in the last message with an open call.
    pub(super) fn take(&mut self, id: Option<&str>, tool: Option<&str>) -> Found {
        let Some(id) = id else {
            let found = self.first(|_| true, tool);
            let called = tool.map_or_else(|| "any".to_owned(), |tool| format!("`{tool}`"));
            return match found.map(|at| self.remove(at)) {
                Some(step) => {
                    (Some(step), Some((Repaired, "an answer without an id, assigned by the order of the calls".into())))
                }
                None => (None, Some((KeptAside, format!("an answer without an id, and no call of {called} is open")))),
            };
        };
        let same = |open: &Open| open.id.as_deref() == Some(id);
        let several = self.open.iter().filter(|open| same(open)).count() > 1;
        if let Some(step) = self.first(same, None).map(|at| self.remove(at)) {
            let order =
                || (Repaired, format!("an answer to `{id}`, the id of several open calls, assigned by their order"));
            return (Some(step), several.then(order));
        }
        if self.answered.contains(id) {
            return (None, Some((KeptAside, format!("a second answer to the call `{id}`"))));
        }
        match self.first(|open| open.id.is_none(), tool).map(|at| self.remove(at)) {
            Some(step) => (Some(step), Some((Repaired, format!("an answer to `{id}`, for a call without an id")))),
            None => (None, Some((KeptAside, format!("an answer to `{id}`, which no earlier message calls")))),
        }
    }

    /// Returns the index of the first matching call in the last message that
    /// has one.
    fn first(&self, is: impl Fn(&Open) -> bool, tool: Option<&str>) -> Option<usize> {
        let message = self.open.iter().rfind(|open| is(open))?.message;
        let named = |open: &Open| tool.is_none_or(|tool| open.tool == tool);
        self.open.iter().position(|open| open.message == message && is(open) && named(open))
    }

    fn remove(&mut self, at: usize) -> usize {
        let call = self.open.remove(at);
        self.answered.extend(call.id);
        call.step
    }
}
