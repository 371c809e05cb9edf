//! Values of statements that are put together: one type for all of them, so that what is written once for both databases
//! need not name each type that it binds.

use std::borrow::Cow;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Encode, QueryBuilder, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use super::rows::{Moment, text};

/// What stands in a column.
pub(super) enum Cell {
    Id(Option<Uuid>),
    Text(Option<String>),
    Number(i64),
    Time(Option<Moment>),
    Bytes(Vec<u8>),
}

impl Cell {
    pub fn id(id: impl Into<Option<Uuid>>) -> Self {
        Self::Id(id.into())
    }

    pub fn text<'a>(value: impl Into<Option<&'a str>>) -> Self {
        Self::Text(value.into().map(text).map(Cow::into_owned))
    }

    pub fn number(value: impl Into<i64>) -> Self {
        Self::Number(value.into())
    }

    pub fn time(value: impl Into<Option<OffsetDateTime>>) -> Self {
        Self::Time(value.into().map(Moment))
    }
}

impl<DB: Database> Type<DB> for Cell
where
    String: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        String::type_info()
    }
}

impl<'q, DB: Database> Encode<'q, DB> for Cell
where
    Uuid: Type<DB> + Encode<'q, DB>,
    String: Type<DB> + Encode<'q, DB>,
    i64: Type<DB> + Encode<'q, DB>,
    Moment: Type<DB> + Encode<'q, DB>,
    Vec<u8>: Type<DB> + Encode<'q, DB>,
{
    fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self {
            Self::Id(Some(id)) => id.encode_by_ref(buffer),
            Self::Text(Some(text)) => text.encode_by_ref(buffer),
            Self::Number(number) => number.encode_by_ref(buffer),
            Self::Time(Some(moment)) => moment.encode_by_ref(buffer),
            Self::Bytes(bytes) => bytes.encode_by_ref(buffer),
            Self::Id(None) | Self::Text(None) | Self::Time(None) => Ok(IsNull::Yes),
        }
    }

    /// Postgres is told the type of each value.
    fn produces(&self) -> Option<DB::TypeInfo> {
        Some(match self {
            Self::Id(_) => Uuid::type_info(),
            Self::Text(_) => String::type_info(),
            Self::Number(_) => i64::type_info(),
            Self::Time(_) => Moment::type_info(),
            Self::Bytes(_) => Vec::<u8>::type_info(),
        })
    }
}

/// A statement that is put together.
pub(super) struct Built<DB: Database>(QueryBuilder<DB>);

impl<DB: Database> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    pub fn new(sql: &str) -> Self {
        Self(QueryBuilder::new(sql))
    }

    /// Appends a text of ours.
    pub fn sql(mut self, sql: &str) -> Self {
        self.0.push(sql);
        self
    }

    /// Appends a value.
    pub fn bind(mut self, cell: Cell) -> Self {
        self.0.push_bind(cell);
        self
    }

    /// Appends a condition on a value, where there is one.
    pub fn and(self, condition: &str, cell: Option<Cell>) -> Self {
        match cell {
            Some(cell) => self.sql(condition).bind(cell),
            None => self,
        }
    }

    /// Appends `values` with a row of each.
    pub fn values<const N: usize>(mut self, rows: impl IntoIterator<Item = [Cell; N]>) -> Self {
        self.0.push_values(rows, |mut row, cells| {
            for cell in cells {
                row.push_bind(cell);
            }
        });
        self
    }

    /// Appends a list in brackets. An empty one is one null, which nothing is equal to.
    pub fn list(mut self, cells: impl IntoIterator<Item = Cell>) -> Self {
        let mut cells = cells.into_iter().peekable();
        if cells.peek().is_none() {
            return self.sql("(null)");
        }
        let mut list = self.0.push("(").separated(", ");
        for cell in cells {
            list.push_bind(cell);
        }
        self.sql(")")
    }

    pub fn into_inner(self) -> QueryBuilder<DB> {
        self.0
    }
}
