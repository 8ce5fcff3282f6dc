//! Binding the arguments of a statement.

use libsql_hrana::proto;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};

use super::failure::{Failure, Rejection, arguments_invalid, error, sqlite};

/// The arguments of one statement: by position or by name, not both.
#[derive(Debug)]
pub(super) enum Arguments {
    Positional(Vec<proto::Value>),
    Named(Vec<proto::NamedArg>),
}

impl Arguments {
    pub(super) fn none() -> Self {
        Self::Positional(Vec::new())
    }

    pub(super) fn new(positional: Vec<proto::Value>, named: Vec<proto::NamedArg>) -> Result<Self, Rejection> {
        let values = positional.iter().chain(named.iter().map(|argument| &argument.value));
        if values.into_iter().any(|value| matches!(value, proto::Value::None)) {
            return Err(Failure::protocol("Value type not recognized").into());
        }
        match (positional.is_empty(), named.is_empty()) {
            (_, true) => Ok(Self::Positional(positional)),
            (true, false) => Ok(Self::Named(named)),
            (false, false) => {
                let message = "Specifying both positional and named arguments is not supported";
                Err(error("ARGS_BOTH_POSITIONAL_AND_NAMED", message).into())
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Positional(values) => values.len(),
            Self::Named(values) => values.len(),
        }
    }

    fn at(&self, position: usize) -> Option<&proto::Value> {
        match self {
            Self::Positional(values) => values.get(position.checked_sub(1)?),
            Self::Named(_) => None,
        }
    }

    /// A named argument may leave the prefix out. Of two with one name the last counts.
    fn named(&self, parameter: &str) -> Option<&proto::Value> {
        let Self::Named(values) = self else {
            return None;
        };
        let find = |name: &str| values.iter().rev().find(|argument| argument.name == name);
        let bare = parameter.get(1..).unwrap_or_default();
        find(parameter).or_else(|| find(bare)).map(|argument| &argument.value)
    }

    fn for_parameter(&self, index: usize, name: Option<&str>) -> Result<Option<&proto::Value>, proto::Error> {
        match name {
            None => Ok(self.at(index)),
            Some(name) => match name.strip_prefix('?') {
                None => Ok(self.named(name)),
                Some(number) => number.parse().map(|position| self.at(position)).map_err(arguments_invalid),
            },
        }
    }

    /// Binds every parameter of `statement`.
    ///
    /// A missing argument is an error, except for EXPLAIN; so are more arguments than parameters.
    pub(super) fn bind(&self, statement: &mut rusqlite::Statement<'_>) -> Result<(), Rejection> {
        let parameters = statement.parameter_count();
        if self.len() > parameters {
            let reason = format!("too many parameters, expected {parameters} found {}", self.len());
            return Err(arguments_invalid(reason).into());
        }
        for index in 1..=parameters {
            let name = statement.parameter_name(index).map(ToOwned::to_owned);
            if let Some(value) = self.for_parameter(index, name.as_deref())? {
                let bound = statement.raw_bind_parameter(index, to_sql(value));
                bound.map_err(|cause| sqlite(cause).map_or_else(Rejection::from, Rejection::from))?;
            } else if statement.is_explain() > 0 {
                return Ok(());
            } else {
                let name = name.unwrap_or_else(|| index.to_string());
                return Err(arguments_invalid(format!("value for parameter {name} not found")).into());
            }
        }
        Ok(())
    }
}

fn to_sql(value: &proto::Value) -> ToSqlOutput<'_> {
    match value {
        proto::Value::None | proto::Value::Null => ToSqlOutput::Owned(Owned::Null),
        proto::Value::Integer { value } => ToSqlOutput::Owned(Owned::Integer(*value)),
        proto::Value::Float { value } => ToSqlOutput::Owned(Owned::Real(*value)),
        proto::Value::Text { value } => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
        proto::Value::Blob { value } => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
    }
}
