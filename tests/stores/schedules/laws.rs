//! What has to hold of whatever was seen.

use std::collections::{HashMap, HashSet};

use sabir::model::TransactionId;
use sabir::store::{StoreError, Written};

use super::{Kind, Name, Seen};

/// What was seen, and what has to hold of it.
pub struct Laws {
    pub seen: Vec<Seen>,
    pub poisoned: HashSet<u32>,
    pub lost: u64,
    pub refused: Vec<Name>,
    pub side_by_side: usize,
    pub stops_at_once: bool,
}

impl Laws {
    pub fn hold(&self) {
        self.everybody_is_told_once_and_the_truth();
        self.settlements_are_committed_once_and_in_their_order();
        self.a_flush_returns_behind_what_was_left_before();
        self.what_is_in_doubt_is_taken_back_before_anything_that_may_depend_on_it();
        self.no_more_are_under_way_than_the_store_takes_and_nothing_twice();
        if !self.stops_at_once {
            self.whatever_comes_late_is_taken_back();
        }
    }

    fn everybody_is_told_once_and_the_truth(&self) {
        let mut heard = HashSet::new();
        for (at, seen) in self.seen.iter().enumerate() {
            let Seen::Told(name, outcome) = seen else { continue };
            assert!(heard.insert(*name), "{name:?} is told twice");
            let is_durable = self.seen[..at].iter().any(|seen| matches!(seen, Seen::Committed(done) if done == name));
            let was_tried = self.seen.iter().any(|seen| matches!(seen, Seen::Tried(batch) if batch.contains(name)));
            match outcome {
                Ok(Written::Stale) if name.kind == Kind::Begin && self.was_doubted_before(at, name.of) => {}
                Ok(written) => {
                    assert!(is_durable, "{name:?} is told before it is durable");
                    assert_eq!(*written, name.written(), "{name:?}");
                }
                Err(StoreError::Overloaded) => assert!(!was_tried, "{name:?} is refused and written all the same"),
                Err(StoreError::Defect(_)) => {
                    assert!(self.poisoned.contains(&name.serial), "{name:?} is spoilt by another")
                }
                Err(_) if name.kind == Kind::Settle => {}
                Err(_) => assert!(!self.is_committed(name), "{name:?} fails and is committed later"),
            }
        }
    }

    /// Whether it may be taken back by then.
    fn was_doubted_before(&self, at: usize, of: TransactionId) -> bool {
        let is_of_it = |name: &Name| name.of == of && name.can_be_taken_back();
        self.seen[..at].iter().any(|seen| matches!(seen, Seen::Doubted(name) if is_of_it(name)))
    }

    fn is_committed(&self, name: &Name) -> bool {
        self.seen.iter().any(|seen| matches!(seen, Seen::Committed(done) if done == name))
    }

    /// Those of one transaction: each attempt ends after the one before. What was lost is counted.
    fn settlements_are_committed_once_and_in_their_order(&self) {
        let mut last = HashMap::new();
        let mut committed = HashSet::new();
        for seen in &self.seen {
            let Seen::Committed(name @ Name { kind: Kind::Settle, of, serial }) = seen else { continue };
            assert!(committed.insert(*name), "{name:?} is committed twice");
            assert!(last.insert(*of, *serial).is_none_or(|before| before < *serial), "{name:?} is overtaken");
        }
        let left = self.seen.iter().filter_map(|seen| match seen {
            Seen::Left(name) if !self.poisoned.contains(&name.serial) => Some(name),
            _ => None,
        });
        let missing = left.filter(|name| !committed.contains(name)).count() as u64;
        let refused = self.refused.len() as u64;
        if self.stops_at_once {
            // Those that somebody waited for are counted too, where the store was away to the end.
            assert!(
                missing + refused <= self.lost,
                "{missing} of those left are missing, {} are told as lost",
                self.lost
            );
        } else {
            assert_eq!((missing, refused), (0, self.lost), "missing, and refused");
        }
        assert!(self.refused.iter().all(|name| !committed.contains(name)), "what is told as lost is lost");
    }

    fn a_flush_returns_behind_what_was_left_before(&self) {
        for (at, seen) in self.seen.iter().enumerate() {
            let Seen::Flushed(count) = seen else { continue };
            let before = self.seen[..at].iter().filter_map(|seen| match seen {
                Seen::Left(name) => Some(name),
                _ => None,
            });
            for name in before.take(*count).filter(|name| !self.poisoned.contains(&name.serial)) {
                let is_durable =
                    self.seen[..at].iter().any(|seen| matches!(seen, Seen::Committed(done) if done == name));
                assert!(is_durable || self.stops_at_once, "{name:?} is flushed and not durable");
            }
        }
    }

    /// Before anything else, where the ledger can know of it: beside another batch it may begin one while it is not told yet.
    fn what_is_in_doubt_is_taken_back_before_anything_that_may_depend_on_it(&self) {
        let mut in_doubt = HashSet::new();
        for seen in &self.seen {
            match seen {
                Seen::Doubted(name) if name.can_be_taken_back() => {
                    in_doubt.insert(name.of);
                }
                Seen::Committed(Name { kind: Kind::Withdrawal, of, .. }) => {
                    in_doubt.remove(of);
                }
                Seen::Tried(batch) if batch.iter().any(|name| name.kind != Kind::Withdrawal) => {
                    let depends = |name: &Name| self.side_by_side == 1 || in_doubt.contains(&name.of);
                    let is_well = in_doubt.is_empty() || !batch.iter().any(depends);
                    assert!(is_well || self.stops_at_once, "{batch:?} before {in_doubt:?} is taken back");
                }
                _ => {}
            }
        }
    }

    fn no_more_are_under_way_than_the_store_takes_and_nothing_twice(&self) {
        let mut under_way: Vec<&Vec<Name>> = Vec::new();
        for seen in &self.seen {
            match seen {
                Seen::Tried(batch) => {
                    let others = || under_way.iter().flat_map(|other| other.iter());
                    let is_shared = |name: &&Name| others().any(|other| other.has_to_do_with(name));
                    let shared: Vec<_> = batch.iter().filter(is_shared).collect();
                    assert!(shared.is_empty(), "{shared:?} are begun beside {under_way:?}");
                    under_way.push(batch);
                    assert!(under_way.len() <= self.side_by_side, "{under_way:?}");
                }
                Seen::Ended(batch) => under_way.retain(|other| *other != batch),
                _ => {}
            }
        }
    }

    fn whatever_comes_late_is_taken_back(&self) {
        for (at, seen) in self.seen.iter().enumerate() {
            let Seen::CommittedInSilence(name) = seen else { continue };
            let takes_it_back = |seen: &Seen| matches!(seen, Seen::Committed(Name { kind: Kind::Withdrawal, of, .. }) if *of == name.of);
            assert!(!name.can_be_taken_back() || self.seen[at..].iter().any(takes_it_back), "{name:?} stands");
        }
    }
}
