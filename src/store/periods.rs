//! Finding transactions by what comes in no order: a recipient, the upstream's id of a message.
//!
//! What is found by them is kept by *periods* of transactions, so that what is written at one time lies together however much is
//! kept. Who looks for one looks in each period: a step for each, thousands for a year. In Postgres a period is the first three
//! bytes of the transaction's id, 2^24 milliseconds, which lead the index. In SQLite it is some thousands of transactions, and
//! what came last is not sorted yet. The views `recipients` and `message_ids` have both the same.

/// Stands beside a condition on the recipient in the view `recipients`, named `r`, and changes nothing of it.
pub(super) const IN_ANY_PERIOD: &str = " and r.period in (select period from recipient_periods)";

/// What [`of_message`] needs at the head of its statement. `late` are the periods in which nearly all are that are asked for.
macro_rules! message_periods {
    () => {
        "with late (period) as materialized (select period from late_message_periods), \
         periods (period) as materialized (select period from message_periods)"
    };
}

/// The latest transaction that an upstream gave this id. Nearly always it is some hours old at most, so the late periods are
/// tried before all. `$and` narrows the outcomes, by `o.transaction_id` and `o.number`.
macro_rules! of_message {
    ($message:literal) => {
        crate::store::periods::of_message!($message, "")
    };
    ($message:literal, $and:literal) => {
        concat!(
            "coalesce( \
               (select o.transaction_id from message_ids o where o.message_id = ",
            $message,
            $and,
            " and o.period in (select period from late) order by o.transaction_id desc limit 1), \
               (select o.transaction_id from message_ids o where o.message_id = ",
            $message,
            $and,
            " and o.period in (select period from periods) order by o.transaction_id desc limit 1))"
        )
    };
}

pub(super) use {message_periods, of_message};
