//! Import of a chat: a walk through the messages that turns calls into steps.

use std::mem::take;
use std::slice;

use serde_json::{Map, Value};

use super::ChatMessage;
use super::note::ChatNote;
use super::note::ChatNoteKind::{self, KeptAside, Repaired};
use super::open::OpenCalls;
use super::reference::Reference;
use super::{answer, call, content, form};
use crate::{Episode, ExecutionResult, ExecutionStep};

const ANSWERED_IDS: [&str; 5] = ["tool_call_id", "tool_call_ids", "tool_use_id", "toolCallId", "call_id"];
const ANSWERS: [&str; 3] = ["content", "output", "result"];

/// The field of a refused message, and the reason.
pub(super) type Refused = (String, String);

/// The state of an import.
pub(super) struct Import<'a> {
    pub(super) episode: &'a mut Episode,
    pub(super) notes: Vec<ChatNote>,
    /// The index of the current message.
    pub(super) message: usize,
    pub(super) open: OpenCalls,
}

impl Import<'_> {
    pub(super) fn note(&mut self, kind: ChatNoteKind, reason: impl Into<String>) {
        self.notes.push(ChatNote { message: self.message, kind, reason: reason.into() });
    }

    /// Reads a message, and returns it with references in place of the parts
    /// that moved to steps.
    pub(super) fn read(&mut self, message: &ChatMessage) -> Result<Value, Refused> {
        let mut entry = message.as_object().clone();
        let Some(speaker) = message.speaker().map(str::to_owned) else {
            return Err(("role".to_owned(), "neither `role` nor `type` is a text".to_owned()));
        };
        if message.role().is_none() && form::is_call_item(&speaker) {
            return self.call(entry.into()).map_err(|reason| ("type".to_owned(), reason));
        }
        let first = self.episode.steps.len();
        self.calls(&mut entry)?;
        if self.episode.steps.len() > first && speaker != "assistant" {
            self.note(Repaired, format!("calls in a message of the role `{}`", speaker.escape_debug()));
        }
        let answered = self.blocks(&mut entry, first)?;
        self.action(&mut entry, first);
        if !answered && (matches!(speaker.as_str(), "tool" | "function") || form::is_answer(&speaker)) {
            self.answer(&mut entry, speaker == "function");
        }
        Ok(entry.into())
    }

    /// Reads the calls beside the content.
    fn calls(&mut self, entry: &mut Map<String, Value>) -> Result<(), Refused> {
        match entry.get_mut("tool_calls") {
            None | Some(Value::Null) => {}
            Some(Value::Array(calls)) => {
                for (n, call) in calls.iter_mut().enumerate() {
                    *call = self.call(take(call)).map_err(|reason| (format!("tool_calls[{n}]"), reason))?;
                }
            }
            Some(call @ Value::Object(_)) => {
                *call = self.call(take(call)).map_err(|reason| ("tool_calls".to_owned(), reason))?;
                self.note(Repaired, "`tool_calls` is one call, not a list");
            }
            Some(_) => return Err(("tool_calls".to_owned(), "expected a list of calls or null".to_owned())),
        }
        match entry.get_mut("function_call") {
            None | Some(Value::Null) => Ok(()),
            Some(call) => {
                *call = self.call(take(call)).map_err(|reason| ("function_call".to_owned(), reason))?;
                Ok(())
            }
        }
    }

    /// Reads the calls and answers in blocks of the content. Returns true if
    /// there was an answer.
    fn blocks(&mut self, entry: &mut Map<String, Value>, first: usize) -> Result<bool, Refused> {
        let blocks = match entry.get_mut("content") {
            Some(Value::Array(blocks)) => blocks.as_mut_slice(),
            Some(block @ Value::Object(_)) => slice::from_mut(block),
            _ => return Ok(false),
        };
        let mut answered = false;
        for (n, block) in blocks.iter_mut().enumerate() {
            let Some(fields) = block.as_object_mut() else { continue };
            let Some(of) = fields.get("type").and_then(Value::as_str) else { continue };
            if form::is_answer(of) {
                answered = true;
                self.answer(fields, false);
            } else if form::is_call(of) && !self.calls_again(fields, first) {
                *block = self.call(take(block)).map_err(|reason| (format!("content[{n}]"), reason))?;
            }
        }
        Ok(answered)
    }

    /// Returns true if a block repeats a call of the same message's
    /// `tool_calls`.
    fn calls_again(&self, block: &Map<String, Value>, first: usize) -> bool {
        let called = |step: &ExecutionStep, id: &str| step.metadata.get("call_id").is_some_and(|called| called == id);
        call::id(block).is_some_and(|id| self.episode.steps[first..].iter().any(|step| called(step, &id)))
    }

    /// Turns a call into a step, and returns the reference to it.
    fn call(&mut self, value: Value) -> Result<Value, String> {
        let Value::Object(fields) = value else {
            return Err("the call is not an object".to_owned());
        };
        if !call::is_call(&fields) {
            return Err("the call names neither a tool nor its own type".to_owned());
        }
        let index = self.episode.steps.len();
        let number = u32::try_from(index + 1).map_err(|_| "too many calls: a step's number is a `u32`".to_owned())?;
        let mut step = ExecutionStep::new(number, "", "");
        step.timestamp = self.episode.start_time;
        let id = call::id(&fields);
        call::into_step(fields, &mut step);
        self.open.add(index, self.message, id, step.tool.clone());
        self.episode.steps.push(step);
        Ok(Reference::Call(number).into())
    }

    /// Moves the text beside the calls of a message to the first of their
    /// steps.
    fn action(&mut self, entry: &mut Map<String, Value>, first: usize) {
        let (Some(step), Some(said)) = (self.episode.steps.get_mut(first), entry.get_mut("content")) else { return };
        step.action = content::texts(said);
        if let Some(text) = content::only_text(said).filter(|text| !text.as_str().is_some_and(str::is_empty)) {
            *text = Reference::Action(step.step_number).into();
        }
    }

    /// Assigns an answer to its calls. The text is stored once.
    fn answer(&mut self, holder: &mut Map<String, Value>, by_name: bool) {
        let ids = match ANSWERED_IDS.into_iter().find_map(|field| holder.get(field)) {
            Some(Value::Array(ids)) if !ids.is_empty() => ids.iter().map(call::id_text).collect(),
            Some(id) => vec![call::id_text(id)],
            None => vec![None],
        };
        let tool = call::tool_name(holder);
        let field = ANSWERS.into_iter().find(|field| holder.contains_key(*field));
        let said = field.and_then(|field| holder.get(field)).cloned().unwrap_or_default();
        let each = said.as_array().filter(|parts| ids.len() > 1 && parts.len() == ids.len());
        let mut whole: Option<(u32, ExecutionResult)> = None;
        for (n, id) in ids.iter().enumerate() {
            let (found, note) = self.open.take(id.as_deref(), tool.as_deref());
            // The older form has the function's name and no id.
            if let Some((kind, reason)) = note.filter(|(kind, _)| !by_name || *kind == KeptAside) {
                self.note(kind, reason);
            }
            let Some(step) = found.and_then(|index| self.episode.steps.get_mut(index)) else { continue };
            if let Some(parts) = each {
                step.result = Some(answer::result(content::answer(&parts[n]), holder));
            } else if let Some((number, result)) = &whole {
                step.result = Some(answer::without_text(result));
                step.metadata.insert("answered_with", *number);
            } else {
                let result = answer::result(content::answer(&said), holder);
                step.result = Some(result.clone());
                whole = Some((step.step_number, result));
            }
        }
        if ids.len() > 1 {
            self.note(Repaired, format!("one answer to {} calls", ids.len()));
        }
        let Some((number, _)) = whole else { return };
        if let Some(text) = field.and_then(|field| holder.get_mut(field)).and_then(content::only_text) {
            *text = Reference::Result(number).into();
        }
    }
}
