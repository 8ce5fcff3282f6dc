//! Values bound to statements.

/// A value bound to a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    /// The text of a JSON value.
    Json(String),
}

impl Value {
    /// The bytes that it takes.
    pub(crate) const fn size(&self) -> usize {
        match self {
            Self::Null | Self::Integer(_) => size_of::<Self>(),
            Self::Text(text) | Self::Json(text) => size_of::<Self>() + text.len(),
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
