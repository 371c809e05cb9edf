//! Several statements as one text, with their values.

use sqlx::encode::Encode;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Error, FromRow, Sqlite, SqliteConnection, Type};

/// Statements that are put together. Values stand in them without a number: sqlx's own builder numbers those of all
/// statements, and to SQLite one that has number 1,700 has so many, which would be bound again with those of the
/// statements before it.
pub(super) struct Script {
    text: String,
    values: Result<SqliteArguments, BoxDynError>,
}

impl Script {
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Ok(SqliteArguments::default()) }
    }

    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds `values (…), …` with a row for each of these. All bind equally many values.
    pub fn push_rows<R>(&mut self, rows: impl Iterator<Item = R>, bind: impl Fn(&mut Row<'_>, R)) {
        let mut text = String::new();
        for row in rows {
            let mut bound = Row { values: &mut self.values, width: 0 };
            bind(&mut bound, row);
            self.text.push_str(if text.is_empty() { "values " } else { ", " });
            if text.is_empty() {
                text = format!("({})", vec!["?"; bound.width].join(","));
            }
            self.text.push_str(&text);
        }
    }

    /// What its statements answer, one behind the other.
    ///
    /// # Errors
    /// Where a value cannot be bound, or a statement fails; those before it are done.
    pub async fn fetch<O>(self, connection: &mut SqliteConnection) -> Result<Vec<O>, Error>
    where
        O: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let values = self.values.map_err(Error::Encode)?;
        sqlx::query_as_with(AssertSqlSafe(self.text), values).fetch_all(connection).await
    }

    /// Runs it for what it changes alone.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub async fn execute(self, connection: &mut SqliteConnection) -> Result<(), Error> {
        let values = self.values.map_err(Error::Encode)?;
        sqlx::query_with(AssertSqlSafe(self.text), values).execute(connection).await.map(drop)
    }
}

/// The values of a row.
pub(super) struct Row<'a> {
    values: &'a mut Result<SqliteArguments, BoxDynError>,
    width: usize,
}

impl Row<'_> {
    /// The next value. What cannot be bound is told when the script is run.
    pub fn bind<'v>(&mut self, value: impl Encode<'v, Sqlite> + Type<Sqlite>) {
        self.width += 1;
        if let Ok(values) = self.values
            && let Err(error) = values.add(value)
        {
            *self.values = Err(error);
        }
    }
}
