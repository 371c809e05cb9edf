//! How many connections each address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::address::{Network, Visitor};

/// The connections that are open, by who has them.
#[derive(Clone, Default)]
pub struct Crowd(Arc<Mutex<HashMap<Visitor, usize>>>);

/// One connection; it counts until it is dropped.
pub struct One {
    crowd: Crowd,
    visitor: Visitor,
}

impl Crowd {
    /// Counts a connection; none where the address has `most` already and is not trusted: those stand for many.
    pub fn join(&self, address: IpAddr, most: usize, trusted: &[Network]) -> Option<One> {
        let visitor = Visitor::of(address);
        let is_trusted = trusted.iter().any(|network| network.contains(address));
        let mut open = self.open();
        let count = open.entry(visitor).or_default();
        if *count >= most && !is_trusted {
            tracing::debug!(most, "connection refused: its address has as many as it may");
            return None;
        }
        *count += 1;
        Some(One { crowd: self.clone(), visitor })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Visitor, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        let mut open = self.crowd.open();
        let left = open.get(&self.visitor).map_or(0, |count| count.saturating_sub(1));
        match left {
            0 => _ = open.remove(&self.visitor),
            left => _ = open.insert(self.visitor, left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_and_what_ends_makes_room() {
        let crowd = Crowd::default();
        let at = |text: &str| crowd.join(text.parse().unwrap(), 2, &[]);
        let (first, second) = (at("203.0.113.9").unwrap(), at("::ffff:203.0.113.9").unwrap());
        assert!(at("203.0.113.9").is_none() && at("203.0.113.10").is_some());
        drop(first);
        assert!(at("203.0.113.9").is_some());
        drop(second);
        assert!(crowd.open().is_empty(), "nothing is left of who went");
    }
}
