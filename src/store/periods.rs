//! Finding transactions by what comes in no order: a recipient, the upstream's id of a message.
//!
//! Their indexes are led by the *period* of the transaction, the first three bytes of its id, so that what is written at one
//! time lies together however much is kept. A period is 2^24 milliseconds, and some five make a day. Who looks for one goes
//! from each period that there is to the one before: a step in the index for each, thousands for a year.

/// Periods of rows that have something in a column, from the latest to the earliest and one null behind it, as the table
/// expression `periods`. One statement may have it once.
macro_rules! periods {
    ($table:literal, $id:literal, $column:literal) => {
        concat!(
            "with recursive periods (period) as ( \
               select period from ( \
                 select substr(",
            $id,
            ", 1, 3) as period from ",
            $table,
            " where ",
            $column,
            " is not null order by 1 desc limit 1) latest \
               union all \
               select (select substr(p.",
            $id,
            ", 1, 3) from ",
            $table,
            " p where p.",
            $column,
            " is not null and substr(p.",
            $id,
            ", 1, 3) < periods.period order by 1 desc limit 1) \
               from periods where period is not null)"
        )
    };
}

/// Stands beside a condition on the recipient of the transaction `t`, and changes nothing of it.
pub(super) const IN_ANY_PERIOD: &str = concat!(
    " and substr(t.id, 1, 3) in (",
    periods!("transactions", "id", "recipient"),
    " select period from periods)"
);

/// What [`of_message`] needs at the head of its statement.
macro_rules! message_periods {
    () => {
        crate::store::periods::periods!("outcomes", "transaction_id", "message_id")
    };
}

/// The latest transaction that an upstream gave this id. Nearly always it is some hours old at most, so the last two periods
/// are tried before all. `$and` narrows the outcomes `o`.
macro_rules! of_message {
    ($message:literal) => {
        crate::store::periods::of_message!($message, "")
    };
    ($message:literal, $and:literal) => {
        concat!(
            "coalesce( \
               (select o.transaction_id from outcomes o where o.message_id = ",
            $message,
            $and,
            " and substr(o.transaction_id, 1, 3) in (select period from periods limit 2) \
                order by o.transaction_id desc limit 1), \
               (select o.transaction_id from outcomes o where o.message_id = ",
            $message,
            $and,
            " and substr(o.transaction_id, 1, 3) in (select period from periods) \
                order by o.transaction_id desc limit 1))"
        )
    };
}

pub(super) use {message_periods, of_message, periods};
