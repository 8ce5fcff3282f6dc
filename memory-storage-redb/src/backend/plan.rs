//! Which index answers a filter.

use std::collections::BTreeSet;

use memory_core::backend::{FieldName, FieldType, Path, Predicate, Scalar};
use memory_core::{Access as Said, Direction, Filter, Order, Plan as Explained};
use uuid::Uuid;

use super::index::{Index, Indexes};
use super::keys::{self, Stamp};
use super::records::Stored;

/// The most parts of an index that are walked side by side, each of which holds
/// a page open.
const MAX_MERGED: usize = 64;

/// A plan to find the records that match a filter.
#[derive(Debug, PartialEq)]
pub(super) struct Plan<'i> {
    pub(super) access: Access<'i>,
    /// The times that records can have.
    pub(super) times: Times,
    /// True if the index decides the whole filter, except for values
    /// that are longer than their keys.
    pub(super) exact: bool,
}

#[derive(Debug, PartialEq)]
pub(super) enum Access<'i> {
    /// No record matches.
    Nothing,
    /// Only these records can match.
    Ids(Vec<Uuid>),
    /// Only records with entries in these parts of the index can match.
    Walk { index: Index<'i>, spans: Vec<Span>, shape: Shape },
}

/// The common part of the entries of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The value: they are in the order of their stamps.
    Points,
    /// Nothing: they are in the order of their values.
    Range,
}

/// A part of an index: keys from `from` on, before `to` where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The value's bytes, where all entries have one value.
    value: Vec<u8>,
    pub(super) from: Vec<u8>,
    pub(super) to: Option<Vec<u8>>,
}

/// From `first` to `last`, both included, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    first: i64,
    last: i64,
}

impl Times {
    const ALL: Self = Self { first: i64::MIN, last: i64::MAX };
    const NONE: Self = Self { first: i64::MAX, last: i64::MIN };

    pub(super) const fn contains(&self, micros: i64) -> bool {
        self.first <= micros && micros <= self.last
    }

    const fn is_empty(&self) -> bool {
        self.first > self.last
    }

    fn meet(&mut self, other: Self) {
        self.first = self.first.max(other.first);
        self.last = self.last.min(other.last);
    }

    /// The times for which a predicate holds; `None` for one that says no range.
    fn of(predicate: &Predicate) -> Option<Self> {
        let from = |first| Self { first, ..Self::ALL };
        let to = |last| Self { last, ..Self::ALL };
        let at = |time| Self { first: time, last: time };
        // No time is at the ends of `i64`, so that saturating is right.
        Some(match predicate {
            Predicate::Eq(Scalar::Integer(time)) => at(*time),
            Predicate::Ge(Scalar::Integer(time)) => from(*time),
            Predicate::Gt(Scalar::Integer(time)) => from(time.saturating_add(1)),
            Predicate::Le(Scalar::Integer(time)) => to(*time),
            Predicate::Lt(Scalar::Integer(time)) => to(time.saturating_sub(1)),
            Predicate::Eq(Scalar::Real(real)) if real.fract() == 0.0 => at(saturate(*real)),
            Predicate::Ge(Scalar::Real(real)) => from(saturate(real.ceil())),
            Predicate::Gt(Scalar::Real(real)) => from(saturate(real.floor()).saturating_add(1)),
            Predicate::Le(Scalar::Real(real)) => to(saturate(real.floor())),
            Predicate::Lt(Scalar::Real(real)) => to(saturate(real.ceil()).saturating_sub(1)),
            Predicate::Eq(_) | Predicate::Ge(_) | Predicate::Gt(_) | Predicate::Le(_) | Predicate::Lt(_) => Self::NONE,
            _ => return None,
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "beyond `i64`, its end is meant")]
const fn saturate(real: f64) -> i64 {
    real as i64
}

impl Span {
    /// All of an index.
    pub(super) const fn all() -> Self {
        Self { value: Vec::new(), from: Vec::new(), to: None }
    }

    /// All entries of one value, or of an index without values, at these times.
    fn point(value: Vec<u8>, times: Times) -> Self {
        let with = |time: i64| [&value[..], &keys::time(time)].concat();
        Self { from: with(times.first), to: keys::after(with(times.last)), value }
    }

    fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }

    /// Returns the rest of the span after a stamp, in a direction; only for [`Shape::Points`].
    pub(super) fn beyond(mut self, stamp: Stamp, direction: Direction) -> Self {
        let mut key = self.value.clone();
        keys::push_stamp(&mut key, stamp);
        match direction {
            Direction::Descending => {
                if self.to.as_ref().is_none_or(|to| key < *to) {
                    self.to = Some(key);
                }
            }
            Direction::Ascending => {
                key.push(0);
                self.from = self.from.max(key);
            }
        }
        // The ends of a range must be in order.
        if self.is_empty() {
            self.to = Some(self.from.clone());
        }
        self
    }
}

/// A part of a filter that is about a field with an index.
struct Candidate<'i> {
    place: usize,
    index: Index<'i>,
    spans: Vec<Span>,
    shape: Shape,
    /// The number of parts of the filter that this one answers.
    answers: usize,
}

pub(super) fn plan<'i, R: Stored>(indexes: &'i Indexes, filter: &Filter<R>) -> Plan<'i> {
    let mut times = Times::ALL;
    let mut ids: Option<Vec<Uuid>> = None;
    let mut candidates: Vec<Candidate<'i>> = Vec::new();
    let (mut others, mut impossible) = (0, false);
    let mut open = vec![filter];
    while let Some(part) = open.pop() {
        match part {
            Filter::And(parts) => open.extend(parts),
            Filter::Or(parts) if parts.is_empty() => impossible = true,
            Filter::Predicate(field, predicate) => match field.path() {
                Path::Own(FieldName::Id)
                    if ids.is_none() && matches!(predicate, Predicate::Eq(_) | Predicate::In(_)) =>
                {
                    others += 1;
                    ids = Some(predicate.operands().iter().filter_map(id).collect());
                }
                Path::Own(name) if *name == R::TIME => match Times::of(predicate) {
                    Some(said) => times.meet(said),
                    None => others += 1,
                },
                path => match indexes.on::<R>(path).and_then(|(place, index)| {
                    let (spans, shape) = spans::<R>(path, predicate)?;
                    Some(Candidate { place, index, spans, shape, answers: 1 })
                }) {
                    Some(candidate) => add(&mut candidates, candidate),
                    None => others += 1,
                },
            },
            // `Filter::matches` decides these for each record.
            _ => others += 1,
        }
    }
    let parts: usize = candidates.iter().map(|candidate| candidate.answers).sum();
    if impossible || times.is_empty() {
        return Plan { access: Access::Nothing, times, exact: true };
    }
    if let Some(ids) = ids {
        let ids: BTreeSet<_> = ids.into_iter().collect();
        return Plan { access: Access::Ids(ids.into_iter().collect()), times, exact: false };
    }
    // Few points before many, both before a range; keys of the application's
    // own before the rest.
    candidates.sort_by_key(|candidate| {
        let own = !matches!(candidate.index, Index::Metadata(_));
        (candidate.shape == Shape::Range, candidate.spans.len(), own, candidate.place)
    });
    let Some(best) = candidates.into_iter().next() else {
        let spans = vec![Span::point(Vec::new(), times)];
        let access = Access::Walk { index: Index::Time, spans, shape: Shape::Points };
        return Plan { access, times, exact: others == 0 };
    };
    let spans: Vec<_> = match best.shape {
        Shape::Points => best.spans.into_iter().map(|span| Span::point(span.value, times)).collect(),
        Shape::Range => best.spans,
    };
    let spans: Vec<_> = spans.into_iter().filter(|span| !span.is_empty()).collect();
    if spans.is_empty() {
        return Plan { access: Access::Nothing, times, exact: true };
    }
    let exact = others == 0 && parts == best.answers;
    Plan { access: Access::Walk { index: best.index, spans, shape: best.shape }, times, exact }
}

/// The id that a text is, in the form that ids have.
fn id(operand: &Scalar<'_>) -> Option<Uuid> {
    let Scalar::Text(text) = operand else { return None };
    Uuid::parse_str(text).ok().filter(|id| id.as_hyphenated().to_string() == *text)
}

/// Two ranges of one index become what both say; points stay by themselves.
fn add<'i>(candidates: &mut Vec<Candidate<'i>>, new: Candidate<'i>) {
    let same = candidates
        .iter_mut()
        .find(|old| old.place == new.place && old.shape == Shape::Range && new.shape == Shape::Range);
    match (same, new.spans.first()) {
        (Some(old), Some(new)) => {
            old.answers += 1;
            for span in &mut old.spans {
                span.from = span.from.clone().max(new.from.clone());
                span.to = match (span.to.take(), &new.to) {
                    (Some(a), Some(b)) => Some(a.min(b.clone())),
                    (a, b) => a.or_else(|| b.clone()),
                };
            }
        }
        _ => candidates.push(new),
    }
}

/// The parts of the field's index that a predicate is about; `None` where the index
/// cannot tell.
fn spans<R: Stored>(path: &Path, predicate: &Predicate) -> Option<(Vec<Span>, Shape)> {
    let list = matches!(path, Path::Own(name) if R::FIELDS.iter().any(|def| def.name == *name && def.of == FieldType::TextList));
    let point = |value| Span { value, from: Vec::new(), to: None };
    let range = |from: Option<Vec<u8>>, to| {
        // A range from beyond the last key on holds none.
        let spans = from.map(|from| Span { value: Vec::new(), from, to }).into_iter().collect();
        Some((spans, Shape::Range))
    };
    match (list, predicate) {
        (true, Predicate::Contains(operand)) | (false, Predicate::Eq(operand)) => {
            Some((vec![point(keys::value(operand))], Shape::Points))
        }
        (false, Predicate::In(operands)) => {
            let values: BTreeSet<_> = operands.iter().map(keys::value).collect();
            Some((values.into_iter().map(point).collect(), Shape::Points))
        }
        (
            false,
            Predicate::Lt(Scalar::Null)
            | Predicate::Le(Scalar::Null)
            | Predicate::Gt(Scalar::Null)
            | Predicate::Ge(Scalar::Null),
        ) => Some((Vec::new(), Shape::Range)),
        (false, Predicate::Lt(operand) | Predicate::Le(operand)) => {
            let value = keys::value(operand);
            // Texts that share a cut key may be on either side.
            let inclusive = matches!(predicate, Predicate::Le(_)) || keys::is_cut(&value);
            range(Some(keys::first_of_type(operand)), if inclusive { keys::after(value) } else { Some(value) })
        }
        (false, Predicate::Gt(operand) | Predicate::Ge(operand)) => {
            let value = keys::value(operand);
            let inclusive = matches!(predicate, Predicate::Ge(_)) || keys::is_cut(&value);
            let from = if inclusive { Some(value) } else { keys::after(value) };
            range(from, keys::after(keys::first_of_type(operand)))
        }
        (false, Predicate::Exists) if matches!(path, Path::Metadata(_)) => range(Some(Vec::new()), None),
        _ => None,
    }
}

/// Returns whether the spans can be merged in the order of the query.
pub(super) fn is_ordered<R: Stored>(order: &Order<R>, spans: &[Span], shape: Shape) -> bool {
    *order.field.path() == Path::Own(R::TIME) && shape == Shape::Points && spans.len() <= MAX_MERGED
}

impl Plan<'_> {
    /// The plan for people.
    pub(super) fn explain<R: Stored>(&self, order: &Order<R>) -> Explained {
        let kind = R::KIND;
        let then = |ordered: bool| {
            let rest = if self.exact { "" } else { ", look at each record" };
            if ordered { format!("{rest}, and stop at the limit") } else { format!("{rest}, then sort") }
        };
        match &self.access {
            Access::Nothing => Explained::new(Said::Index(format!("{}_by_time", R::NAME)), "no record can match"),
            Access::Ids(ids) => {
                let detail = format!("get {} {kind} by id, look at each record, then sort", ids.len());
                Explained::new(Said::Index(R::NAME.to_owned()), detail)
            }
            Access::Walk { index, spans, shape } => {
                let name = index.name::<R>();
                let what = match (index, shape) {
                    (Index::Time, _) if self.times == Times::ALL => format!("walk all of {name}"),
                    (Index::Time, _) => format!("walk a span of time of {name}"),
                    (_, Shape::Points) => format!("walk {name} for values: {}", spans.len()),
                    (_, Shape::Range) => format!("walk {name} for a range of values"),
                };
                let detail = what + &then(is_ordered(order, spans, *shape));
                let scan = *index == Index::Time && self.times == Times::ALL;
                Explained::new(if scan { Said::Scan } else { Said::Index(name) }, detail)
            }
        }
    }
}
