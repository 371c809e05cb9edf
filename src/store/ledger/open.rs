//! What is made at once and not settled yet: no job says so, so it is remembered here.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::TransactionId;
use crate::store::{Write, Written};

/// The transactions; clones have the same.
#[derive(Clone, Default)]
pub(super) struct Open(Arc<Mutex<BTreeSet<TransactionId>>>);

impl Open {
    /// A write that may begin one is on its way.
    pub fn begins(&self, write: &Write) {
        if let Write::Record(new) = write
            && new.at_once
        {
            self.lock().insert(new.id);
        }
    }

    /// What became of a write: by an outcome it is settled, by a turn it has a job or is at its end, and one that waits or was
    /// asked for before is not made at once after all.
    pub fn committed(&self, write: &Write, written: Written) {
        let is_over = match write {
            Write::Record(new) => new.at_once && written != Written::Done,
            Write::Settle(_) | Write::Turn(_) => written != Written::Stale,
            Write::Begin(_) => false,
        };
        if is_over {
            self.lock().remove(&write.transaction());
        }
    }

    /// The first of them.
    pub fn first(&self) -> Option<TransactionId> {
        self.lock().first().copied()
    }

    /// Those before this one are settled, by whomever, or were never recorded.
    pub fn forget_before(&self, first: TransactionId) {
        let mut open = self.lock();
        *open = open.split_off(&first);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<TransactionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
