//! What people decide: evidence that comes without an attempt. What providers tell is heard in `events/`.

use time::OffsetDateTime;

use super::life::{self, Action, Evidence, Standing, Step};
use super::{Delivery, events, order};
use crate::model::{Fault, FaultKind, State, TransactionId};
use crate::store::{Cause, Next, StoreError, Transaction, Turn, Written};

/// Whose word it is, and what is to stand on the record of it.
#[derive(Clone, Debug)]
pub struct Word {
    /// Whose.
    pub cause: Cause,
    /// In words, for the record: who, or why.
    pub detail: Option<String>,
    /// The fault, where there is one.
    pub fault: Option<Fault>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// There is no such transaction.
    #[error("no transaction has this id")]
    Missing,
    /// The state does not allow it.
    #[error("a transaction that is {0} cannot be changed so{remedy}", remedy = remedy(*.0))]
    Unfit(State),
    /// What was asked for is not kept any more.
    #[error("its request was forgotten, so it cannot be sent; have the client send it again")]
    Forgotten,
    /// No upstream was chosen when it came.
    #[error("it was refused before an upstream was chosen, so it cannot be sent; have the client send it again")]
    NoUpstream,
    /// It changed meanwhile.
    #[error("the transaction changed meanwhile; look again")]
    Changed,
    /// The store could not be asked or told.
    #[error("the store is away")]
    Store(#[from] StoreError),
}

impl Delivery {
    /// Does what an operator decided, and says where the transaction stands now. What went out is sent again only where
    /// the operator insists, and nothing is changed while an attempt is under way.
    ///
    /// # Errors
    /// Where the transaction is not there, or its state does not allow it.
    pub async fn operate(&self, id: TransactionId, action: Action, word: Word) -> Result<State, NotDone> {
        self.change(id, action, word, None).await
    }

    /// Has a transaction sent once more, at that time or when its turn comes behind it.
    ///
    /// # Errors
    /// As [`Self::operate`].
    pub async fn replay(
        &self,
        id: TransactionId,
        forced: bool,
        due_at: OffsetDateTime,
        word: Word,
    ) -> Result<State, NotDone> {
        self.change(id, Action::Resend { forced }, word, Some(due_at)).await
    }

    async fn change(
        &self,
        id: TransactionId,
        action: Action,
        word: Word,
        later: Option<OffsetDateTime>,
    ) -> Result<State, NotDone> {
        let found = self.store.find(&id.to_string()).await?.ok_or(NotDone::Missing)?;
        let (to, next) = self.change_of(&found, action, later)?;
        let Word { cause, detail, fault } = word;
        let turn = Turn::new(id, found.summary.state, to, cause, next, self.clock.now());
        let tell = (to == State::Failed && cause == Cause::Operator).then(|| {
            let why = fault.clone().unwrap_or_else(ended_by_operator);
            Box::new(events::failure(id, found.request.as_ref(), &why, &*self.clock))
        });
        match self.ledger.turn(Turn { fault, detail, tell, ..turn }).await? {
            Written::Done => {
                tracing::info!(transaction.id = %id, state = to.as_str(), "transaction changed without an attempt");
                self.agenda.due_now();
                Ok(to)
            }
            _ => Err(NotDone::Changed),
        }
    }

    /// Where a transaction would stand after that decision, which is not made.
    ///
    /// # Errors
    /// As [`Self::operate`].
    pub fn foresee(&self, found: &Transaction, action: Action) -> Result<State, NotDone> {
        self.change_of(found, action, None).map(|(to, _)| to)
    }

    fn change_of(
        &self,
        found: &Transaction,
        action: Action,
        later: Option<OffsetDateTime>,
    ) -> Result<(State, Next), NotDone> {
        match self.follows(found, action) {
            Step::Wait(due_at) => {
                can_be_sent(found)?;
                Ok((State::Waiting, Next::Wait { due_at: later.unwrap_or(due_at), keep: false }))
            }
            Step::End(state) => Ok((state, Next::Done)),
            _ => Err(NotDone::Unfit(found.summary.state)),
        }
    }

    fn follows(&self, found: &Transaction, action: Action) -> Step {
        let summary = &found.summary;
        let policy = self.policy_of(&summary.account);
        let attempts = found.attempts.last().map_or(0, |attempt| attempt.number);
        let lifetime = found.request.as_ref().and_then(order::lifetime);
        let standing = Standing { state: summary.state, attempts, since: summary.received_at, lifetime };
        life::next(&standing, Evidence::Operator(action), &policy, self.clock.now(), self.clock.chance())
    }
}

/// Why a message failed that a person ended.
fn ended_by_operator() -> Fault {
    Fault::gateway(FaultKind::Expired, "the operator of the gateway ended the message")
}

/// What to do instead.
fn remedy(state: State) -> &'static str {
    match state {
        State::Sent | State::Delivered | State::Read => {
            "; it may only be sent again, by force, and its recipient gets it twice"
        }
        State::Sending => "; wait until its attempt is over",
        _ => "",
    }
}

fn can_be_sent(found: &Transaction) -> Result<(), NotDone> {
    match (&found.request, &found.summary.upstream) {
        (None, _) => Err(NotDone::Forgotten),
        (_, None) => Err(NotDone::NoUpstream),
        _ => Ok(()),
    }
}
