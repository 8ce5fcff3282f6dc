//! Filter normalisation.

use serde::Serialize;

use super::{Field, Filter, Predicate, Query, Scalar};
use crate::Record;

impl<R: Record> Filter<R> {
    /// Returns the filter in normal form, which does not depend on the order in
    /// which its parts were joined.
    ///
    /// Nested `&` and `|` are flattened, sorted and deduplicated, double
    /// negations are removed, the operands of `is_in` are sorted, and equal
    /// numbers have one form. The result matches the same records. Two filters
    /// with the same meaning may still have different normal forms if their
    /// equality takes more than these rules to show.
    ///
    /// Cursors identify a query by its normalised filter.
    pub fn normalised(&self) -> Self {
        match self {
            Self::And(parts) => {
                let flat = parts.iter().flat_map(|part| match part.normalised() {
                    Self::And(inner) => inner,
                    other => vec![other],
                });
                joined(flat, Self::And)
            }
            Self::Or(parts) => {
                let flat = parts.iter().flat_map(|part| match part.normalised() {
                    Self::Or(inner) => inner,
                    other => vec![other],
                });
                joined(flat, Self::Or)
            }
            Self::Not(part) => match part.normalised() {
                Self::Not(inner) => *inner,
                other => Self::Not(Box::new(other)),
            },
            Self::Predicate(field, predicate) => Self::Predicate(field.clone(), predicate.normalised()),
        }
    }
}

impl<R: Record> Query<R> {
    /// Returns a text that identifies the query: the kind, the
    /// [normalised](Filter::normalised) filter, the order, the limit and the
    /// cursor. Use it as a cache key for valid queries. The form of the text
    /// may change between versions.
    pub fn canonical_text(&self) -> String {
        text(&(R::KIND.name(), self.filter.normalised(), &self.order, self.limit, &self.after))
    }
}

impl<R: Record> Filter<R> {
    /// Returns a text that identifies a count of this filter by a field, like
    /// [`Query::canonical_text`].
    pub fn canonical_count(&self, by: Option<&Field<R>>) -> String {
        text(&(R::KIND.name(), self.normalised(), by))
    }
}

impl Predicate {
    fn normalised(&self) -> Self {
        let canonical = |value: &Scalar<'static>| value.clone().canonical();
        match self {
            Self::Eq(value) => Self::Eq(canonical(value)),
            Self::Lt(value) => Self::Lt(canonical(value)),
            Self::Le(value) => Self::Le(canonical(value)),
            Self::Gt(value) => Self::Gt(canonical(value)),
            Self::Ge(value) => Self::Ge(canonical(value)),
            Self::Contains(value) => Self::Contains(canonical(value)),
            Self::In(values) => Self::In(sorted(values.iter().map(canonical))),
            Self::Exists => Self::Exists,
        }
    }
}

/// Joins parts by a connective. A single part stands for itself.
fn joined<R: Record>(
    parts: impl Iterator<Item = Filter<R>>,
    join: impl FnOnce(Vec<Filter<R>>) -> Filter<R>,
) -> Filter<R> {
    let mut parts = sorted(parts);
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

/// Sorts items by their JSON forms and removes duplicates.
fn sorted<T: Serialize>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut keyed: Vec<_> = items.into_iter().map(|item| (text(&item), item)).collect();
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    keyed.dedup_by(|(a, _), (b, _)| a == b);
    keyed.into_iter().map(|(_, item)| item).collect()
}

fn text(value: &impl Serialize) -> String {
    // Filters, orders and cursors always have a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{domain, metadata};
    use crate::{Cursor, Episode, TaskContext, TaskType};

    fn filter(build: impl FnOnce() -> Filter<Episode>) -> Filter<Episode> {
        build()
    }

    #[test]
    fn the_order_of_the_parts_does_not_matter() {
        let (a, b, c) = (|| domain().eq("web"), || metadata("n").ge(3), || metadata("x").is_in(["p", "q"]));
        let one = filter(|| a() & (b() | c()) & a());
        let other = filter(|| (metadata("x").is_in(["q", "p", "q"]) | !!b()) & a());
        assert_eq!(one.normalised(), other.normalised());
        assert_ne!(one.normalised(), filter(|| a() & b() & c()).normalised());
        assert_eq!(one.normalised().normalised(), one.normalised());
    }

    #[test]
    fn equal_numbers_are_written_alike_and_types_are_kept_apart() {
        let of = |value: Scalar<'static>| Query::<Episode>::new().filter(metadata("n").eq(value)).canonical_text();
        assert_eq!(of(Scalar::Real(3.0)), of(Scalar::Integer(3)));
        assert_eq!(of(Scalar::Real(-0.0)), of(Scalar::Integer(0)));
        let texts = [
            of(Scalar::Integer(1)),
            of(Scalar::Bool(true)),
            of(Scalar::Text("1".into())),
            of(Scalar::Null),
            of(Scalar::Real(1.5)),
        ];
        assert!((1..texts.len()).all(|n| !texts[..n].contains(&texts[n])));
    }

    #[test]
    fn what_differs_in_any_part_has_another_text() {
        let query = || Query::<Episode>::new().filter(domain().eq("web"));
        let last = Episode::new("x", TaskContext::new("web"), TaskType::Other);
        let texts = [
            query().canonical_text(),
            query().limit(5).canonical_text(),
            query().oldest_first().canonical_text(),
            query().after(Cursor::after(&query(), &last)).canonical_text(),
            Query::<crate::Pattern>::new().filter(domain().eq("web")).canonical_text(),
            filter(|| domain().eq("web")).canonical_count(None),
            filter(|| domain().eq("web")).canonical_count(Some(&domain())),
        ];
        assert!((1..texts.len()).all(|n| !texts[..n].contains(&texts[n])));
    }

    #[test]
    fn a_cursor_fits_every_spelling_of_its_query() {
        let last = Episode::new("x", TaskContext::new("web"), TaskType::Other);
        let one = Query::<Episode>::new().filter(domain().eq("web") & metadata("n").ge(3));
        let other = Query::<Episode>::new().filter(metadata("n").ge(3) & domain().eq("web"));
        other.after(Cursor::after(&one, &last)).validate().unwrap();
    }
}
