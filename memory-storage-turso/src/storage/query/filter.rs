//! Filters in SQL.

use std::fmt::Debug;

use memory_core::backend::{FieldType, Predicate, Scalar};
use memory_core::{Error, Filter, Result};

use super::Sql;
use super::narrow::{self, MAX_SEPARATE};
use super::place::{Place, place};
use crate::storage::table::Table;

/// Checks that every part of the filter has a translation.
///
/// # Errors
///
/// [`Error::Unsupported`] for a part that a later version of `memory-core`
/// added.
pub(crate) fn check<R: Table>(filter: &Filter<R>) -> Result<()> {
    let mut open = vec![filter];
    while let Some(part) = open.pop() {
        match part {
            Filter::And(parts) | Filter::Or(parts) => open.extend(parts),
            Filter::Not(part) => open.push(part),
            Filter::Predicate(_, predicate) => match predicate {
                Predicate::In(_) | Predicate::Exists | Predicate::Contains(_) => {}
                compared if comparison(compared).is_some() => {}
                unknown => return Err(unsupported(unknown)),
            },
            unknown => return Err(unsupported(unknown)),
        }
    }
    Ok(())
}

fn unsupported(part: &impl Debug) -> Error {
    Error::unsupported("query", format!("this version has no SQL for the filter's part {part:?}"))
}

/// Appends the filter as a condition. The filter has passed [`check`].
///
/// Negations go down to the predicates, since logic is two-valued: so the text nests
/// no deeper than `and` and `or` do. A predicate that meets NULL may be NULL itself,
/// which a `WHERE`, an `AND` and an `OR` treat as false; its negation is `IS NOT
/// TRUE`, and so the complement again.
pub(super) fn push<R: Table>(sql: &mut Sql, filter: &Filter<R>) {
    push_part(sql, filter, false);
}

fn push_part<R: Table>(sql: &mut Sql, filter: &Filter<R>, negated: bool) {
    match filter {
        Filter::Not(part) => push_part(sql, part, !negated),
        Filter::And(parts) => join(sql, parts, !negated, negated),
        Filter::Or(parts) => join(sql, parts, negated, negated),
        Filter::Predicate(field, predicate) => {
            sql.push(if negated { "(" } else { "" });
            match place(field) {
                Place::Own { value, of } => own(sql, &value, of, predicate),
                Place::Metadata { value, kind, index } => metadata(sql, &value, &kind, index.as_deref(), predicate),
            }
            sql.push(if negated { ") IS NOT TRUE" } else { "" });
        }
        // `check` refuses any other part before a statement is made.
        _ => {
            sql.push("FALSE");
        }
    }
}

/// Appends the parts: all of them, or any.
fn join<R: Table>(sql: &mut Sql, parts: &[Filter<R>], all: bool, negated: bool) {
    let (with, empty) = if all { (" AND ", "TRUE") } else { (" OR ", "FALSE") };
    if parts.is_empty() {
        sql.push(empty);
        return;
    }
    sql.push("(");
    for (number, part) in parts.iter().enumerate() {
        sql.push(if number > 0 { with } else { "" });
        push_part(sql, part, negated);
    }
    sql.push(")");
}

/// The types that compare with each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Null,
    Bool,
    Number,
    Text,
}

impl Class {
    const fn of(scalar: &Scalar<'_>) -> Self {
        match scalar {
            Scalar::Null => Self::Null,
            Scalar::Bool(_) => Self::Bool,
            Scalar::Integer(_) | Scalar::Real(_) => Self::Number,
            Scalar::Text(_) => Self::Text,
        }
    }

    /// The condition that a JSON type is of this class.
    const fn types(self) -> &'static str {
        match self {
            Self::Null => " = 'null'",
            Self::Bool => " IN ('true', 'false')",
            Self::Number => " IN ('integer', 'real')",
            Self::Text => " = 'text'",
        }
    }
}

/// The comparison that a predicate makes, and its operand.
const fn comparison(predicate: &Predicate) -> Option<(&'static str, &Scalar<'static>)> {
    match predicate {
        Predicate::Eq(operand) => Some((" = ", operand)),
        Predicate::Lt(operand) => Some((" < ", operand)),
        Predicate::Le(operand) => Some((" <= ", operand)),
        Predicate::Gt(operand) => Some((" > ", operand)),
        Predicate::Ge(operand) => Some((" >= ", operand)),
        _ => None,
    }
}

fn own(sql: &mut Sql, value: &str, of: FieldType, predicate: &Predicate) {
    let class = match of {
        FieldType::Text => Class::Text,
        FieldType::Integer | FieldType::Real => Class::Number,
        FieldType::TextList => return own_list(sql, value, predicate),
    };
    match predicate {
        Predicate::Exists => {
            sql.push(value).push(" IS NOT NULL");
        }
        Predicate::In(operands) => {
            let operands: Vec<_> = operands.iter().filter(|operand| Class::of(operand) == class).collect();
            sql.push(value);
            one_of(sql, &operands);
        }
        Predicate::Contains(_) => {
            sql.push("FALSE");
        }
        predicate => match comparison(predicate) {
            Some((operator, operand)) if Class::of(operand) == class => {
                sql.push(value).push(operator).scalar(operand);
            }
            // A value of another type: no record has one at this field.
            _ => {
                sql.push("FALSE");
            }
        },
    }
}

/// A list of the record's own: of texts, and always there.
fn own_list(sql: &mut Sql, value: &str, predicate: &Predicate) {
    match predicate {
        Predicate::Exists => sql.push("TRUE"),
        Predicate::Contains(Scalar::Text(item)) => {
            sql.push("EXISTS (SELECT 1 FROM json_each(").push(value).push(") WHERE value = ").bind(&**item).push(")")
        }
        _ => sql.push("FALSE"),
    };
}

/// A value in the metadata. Where it can have an index, whatever compares it
/// says so to the index as well.
fn metadata(sql: &mut Sql, value: &Sql, kind: &Sql, index: Option<&str>, predicate: &Predicate) {
    match predicate {
        Predicate::Exists => {
            sql.append(kind).push(" IS NOT NULL");
        }
        Predicate::In(operands) => metadata_in(sql, value, kind, index, operands),
        Predicate::Contains(operand) => {
            sql.push("EXISTS (SELECT 1 FROM json_each(CASE ").append(kind).push(" WHEN 'array' THEN ").append(value);
            sql.push(" ELSE '[]' END) AS item WHERE item.type").push(Class::of(operand).types());
            if *operand != Scalar::Null {
                sql.push(" AND item.value = ").scalar(operand);
            }
            sql.push(")");
        }
        predicate => {
            let Some((operator, operand)) = comparison(predicate) else { return };
            match operand {
                Scalar::Null if operator == " = " => {
                    sql.push("(").append(kind).push(Class::Null.types());
                    if let Some(index) = index {
                        narrow::null(sql, index);
                    }
                    sql.push(")");
                }
                Scalar::Null => {
                    sql.push("FALSE");
                }
                operand => {
                    sql.push("(").append(value).push(operator).scalar(operand).push(" AND ");
                    sql.append(kind).push(Class::of(operand).types());
                    if let Some(index) = index {
                        narrow::compare(sql, index, operator, operand);
                    }
                    sql.push(")");
                }
            }
        }
    }
}

/// One condition for each class of values that the list holds.
fn metadata_in(sql: &mut Sql, value: &Sql, kind: &Sql, index: Option<&str>, operands: &[Scalar<'static>]) {
    let mut with = "(";
    for class in [Class::Null, Class::Bool, Class::Number, Class::Text] {
        let operands: Vec<_> = operands.iter().filter(|operand| Class::of(operand) == class).collect();
        if operands.is_empty() {
            continue;
        }
        sql.push(with);
        with = " OR ";
        sql.push("(");
        if class == Class::Null {
            sql.append(kind).push(class.types());
            if let Some(index) = index {
                narrow::null(sql, index);
            }
        } else {
            sql.append(value);
            one_of(sql, &operands);
            sql.push(" AND ").append(kind).push(class.types());
            if let Some(index) = index {
                narrow::one_of(sql, index, &operands);
            }
        }
        sql.push(")");
    }
    sql.push(if operands.is_empty() { "FALSE" } else { ")" });
}

/// Appends ` IN (…)` for operands of one class; a long list is one JSON
/// parameter.
fn one_of(sql: &mut Sql, operands: &[&Scalar<'static>]) {
    if operands.len() <= MAX_SEPARATE {
        sql.push(" IN (");
        for (number, operand) in operands.iter().enumerate() {
            if number > 0 {
                sql.push(", ");
            }
            sql.scalar(operand);
        }
        sql.push(")");
    } else {
        sql.push(" IN (");
        let mut first = true;
        let mut list = String::new();
        for operand in operands {
            let item = json(operand).to_string();
            if !list.is_empty() && list.len() + item.len() > MAX_LIST {
                push_list(sql, &mut list, &mut first);
            }
            if item.len() > MAX_LIST {
                // Escapes may make it longer than a server takes; it has none by itself.
                sql.push(if first { "SELECT " } else { " UNION ALL SELECT " }).scalar(operand);
                first = false;
            } else {
                list.push(if list.is_empty() { '[' } else { ',' });
                list.push_str(&item);
            }
        }
        if !list.is_empty() {
            push_list(sql, &mut list, &mut first);
        }
        sql.push(")");
    }
}

/// The longest list of operands in one parameter, in bytes of JSON.
const MAX_LIST: usize = 512 << 10;

/// Appends the values of a JSON list that lacks its end, and empties it.
fn push_list(sql: &mut Sql, list: &mut String, first: &mut bool) {
    list.push(']');
    sql.push(if *first { "SELECT value FROM json_each(" } else { " UNION ALL SELECT value FROM json_each(" });
    sql.bind(std::mem::take(list)).push(")");
    *first = false;
}

/// An operand as `json_each` gives back the value that SQL has for it.
fn json(operand: &Scalar<'_>) -> serde_json::Value {
    match operand {
        Scalar::Null => serde_json::Value::Null,
        Scalar::Bool(value) => i64::from(*value).into(),
        Scalar::Integer(integer) => (*integer).into(),
        Scalar::Real(real) => (*real).into(),
        Scalar::Text(text) => (**text).into(),
    }
}
