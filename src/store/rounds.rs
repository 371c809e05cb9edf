//! How a batch goes in: as few statements as leave the order of its entries alone, and what became of each.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::rows::{KeyRow, text};
use super::{Begin, NewTransaction, Next, PayloadHash, Settlement, StoreError, Turn, Write, Written};
use crate::model::TransactionId;

/// Entries of one kind, each with its place in the batch.
type Entries<'a, T> = Vec<(usize, &'a T)>;

/// A part of a batch that goes in as a whole, kind by kind in this order.
#[derive(Default)]
pub(super) struct Round<'a> {
    pub settlements: Entries<'a, Settlement>,
    pub records: Entries<'a, NewTransaction>,
    pub begins: Entries<'a, Begin>,
    pub turns: Entries<'a, Turn>,
}

impl Round<'_> {
    /// Whether nothing is settled, recorded or begun in it.
    pub fn has_only_turns(&self) -> bool {
        self.settlements.is_empty() && self.records.is_empty() && self.begins.is_empty()
    }

    /// The same in pieces that have no more of each kind than so many, in the same order.
    pub fn in_pieces(self, most: usize) -> Vec<Self> {
        let Self { settlements, records, begins, turns } = &self;
        if [settlements.len(), records.len(), begins.len(), turns.len()].into_iter().all(|length| length <= most) {
            return vec![self];
        }
        let settlements = settlements.chunks(most).map(|part| Self { settlements: part.to_vec(), ..Self::default() });
        let records = records.chunks(most).map(|part| Self { records: part.to_vec(), ..Self::default() });
        let begins = begins.chunks(most).map(|part| Self { begins: part.to_vec(), ..Self::default() });
        let turns = turns.chunks(most).map(|part| Self { turns: part.to_vec(), ..Self::default() });
        settlements.chain(records).chain(begins).chain(turns).collect()
    }
}

/// Cuts a batch into as few rounds as leave the order of each transaction's entries alone, and let a message see those
/// of its pair that it has to wait for. Nearly always it is one.
pub(super) fn rounds(batch: &[Write]) -> Vec<Round<'_>> {
    let mut rounds = Vec::new();
    let mut round = Round::default();
    let mut seen = Seen::default();
    for (index, write) in batch.iter().enumerate() {
        if !seen.takes(write) {
            rounds.push(std::mem::take(&mut round));
            seen = Seen::default();
            seen.takes(write);
        }
        match write {
            Write::Settle(settlement) => round.settlements.push((index, settlement)),
            Write::Record(new) => round.records.push((index, new)),
            Write::Begin(begin) => round.begins.push((index, begin)),
            Write::Turn(turn) => round.turns.push((index, turn)),
        }
    }
    rounds.push(round);
    rounds
}

/// What a round has already.
#[derive(Default)]
struct Seen<'a> {
    transactions: HashSet<TransactionId>,
    /// Who holds the messages of a pair.
    pairs: HashMap<&'a str, Option<Uuid>>,
    /// Pairs of which one that was made at once gets a job.
    given: HashSet<&'a str>,
}

impl<'a> Seen<'a> {
    /// Whether this one can join the round; if so it is seen.
    fn takes(&mut self, write: &'a Write) -> bool {
        let fits = !self.transactions.contains(&write.transaction()) && self.takes_pair(write);
        fits && self.transactions.insert(write.transaction())
    }

    fn takes_pair(&mut self, write: &'a Write) -> bool {
        let new = match write {
            Write::Record(new) => new,
            Write::Settle(ended) if ended.at_once.is_some() && ended.next != Next::Done => {
                self.given.extend(ended.pair.as_deref());
                return true;
            }
            Write::Settle(_) | Write::Begin(_) | Write::Turn(_) => return true,
        };
        let Some(job) = &new.job else { return true };
        let Some(pair) = job.pair.as_deref() else { return true };
        if self.given.contains(pair) {
            return false;
        }
        // Who waits for nobody need not see the others, but is seen by those behind it.
        let before = self.pairs.insert(pair, job.holder);
        new.attempt.is_none() || before.is_none_or(|holder| holder == job.holder)
    }
}

/// What became of the entries of a batch.
pub(super) struct Tally(Vec<Written>);

impl Tally {
    /// All done, until somebody says otherwise.
    pub fn new(batch: &[Write]) -> Self {
        Self(vec![Written::Done; batch.len()])
    }

    pub fn set(&mut self, index: usize, written: Written) {
        if let Some(entry) = self.0.get_mut(index) {
            *entry = written;
        }
    }

    /// Those whose transaction is not done are stale.
    pub fn stale_but(
        &mut self,
        entries: impl Iterator<Item = (usize, TransactionId)>,
        is_done: impl Fn(&Uuid) -> bool,
    ) {
        for (index, id) in entries {
            if !is_done(&id.0) {
                self.set(index, Written::Stale);
            }
        }
    }

    /// These were repeated; the keys say of what.
    pub fn repeat(&mut self, repeated: &[(usize, &NewTransaction)], keys: Vec<KeyRow>) -> Result<(), StoreError> {
        let keys: HashMap<_, _> = keys.iter().map(|row| ((row.account.as_str(), row.key.as_str()), row)).collect();
        for (index, new) in repeated {
            let account = text(&new.account);
            let key = new.idempotency.as_ref().map(|idempotency| text(&idempotency.key)).unwrap_or_default();
            let row = keys.get(&(&*account, &*key)).ok_or_else(|| StoreError::unreachable(KeyGone))?;
            let payload = PayloadHash(row.payload.as_slice().try_into().map_err(StoreError::defect)?);
            self.set(*index, Written::Repeated { transaction: TransactionId(row.transaction_id), payload });
        }
        Ok(())
    }

    pub fn written(self) -> Vec<Written> {
        self.0
    }
}

/// A key was there, and swept before it could be read: it expired at this moment.
#[derive(Debug, thiserror::Error)]
#[error("an idempotency key expired while it was looked up")]
struct KeyGone;
