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
    /// One that begins with this.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Ok(SqliteArguments::default()) }
    }

    /// Adds what has no values.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds `values (…), …` with a row for each of these, which has what is bound for it.
    pub fn push_rows<R>(&mut self, rows: impl Iterator<Item = R>, bind: impl Fn(&mut Row<'_>, R)) {
        let mut before = "values ";
        for row in rows {
            self.text.push_str(before);
            bind(&mut Row { script: self, before: "(" }, row);
            self.text.push(')');
            before = ", ";
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

/// A row that is written.
pub(super) struct Row<'a> {
    script: &'a mut Script,
    before: &'static str,
}

impl Row<'_> {
    /// Its next value. What cannot be bound is told when the script is run.
    pub fn bind<'v>(&mut self, value: impl Encode<'v, Sqlite> + Type<Sqlite>) {
        self.script.text.push_str(self.before);
        self.script.text.push('?');
        self.before = ",";
        if let Ok(values) = &mut self.script.values
            && let Err(error) = values.add(value)
        {
            self.script.values = Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;

    #[tokio::test]
    async fn each_statement_has_its_own_values() {
        let mut script = Script::new("select column1, column2 from (");
        script.push_rows([1, 2].into_iter(), |row, number| {
            row.bind(number);
            row.bind("first");
        });
        script.push("); select column1, column2 from (");
        script.push_rows([3].into_iter(), |row, number| {
            row.bind(number);
            row.bind("second");
        });
        script.push(");");
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let answers: Vec<(i64, String)> = script.fetch(&mut connection).await.unwrap();
        assert_eq!(answers, [(1, "first".into()), (2, "first".into()), (3, "second".into())]);
    }
}
