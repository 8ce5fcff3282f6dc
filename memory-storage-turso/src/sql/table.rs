//! The fixed texts of one kind of record.

/// The fixed texts of one kind.
#[derive(Debug)]
pub(crate) struct TableSql {
    pub(crate) table: &'static str,
    pub(crate) id: &'static str,
    pub(crate) time: &'static str,
    /// Every column, in the order in which its rows are read.
    pub(crate) columns: Texts,
    /// The bytes of a row in an answer, as sqld counts them: the texts
    /// before JSON escapes, and for each column `{"type":"text","value":""}` or
    /// `{"type":"integer","value":""}` with up to 20 digits. The constant is the
    /// sum for the columns of limited length, and for the total beside them.
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "only servers need it"))]
    pub(crate) size: &'static str,
    pub(crate) upsert: Upsert,
    /// Deletes the rows whose ids are in the JSON array `?1`.
    pub(crate) delete: &'static str,
}

/// Stores rows, each in place of the one with its id if there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upsert {
    /// The row of its parameters.
    pub(crate) one: &'static str,
    /// The rows of the JSON array `?1`.
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "only servers need it"))]
    pub(crate) many: &'static str,
}

/// An SQL text that differs between the transports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts {
    pub(crate) local: &'static str,
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "only servers need it"))]
    pub(crate) remote: &'static str,
}
