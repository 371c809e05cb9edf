//! How many connections each address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::address::{Network, Visitor};

/// The connections that are open, by who has them.
#[derive(Clone)]
pub struct Crowd(Arc<Counted>);

struct Counted {
    most: usize,
    /// They stand for many.
    trusted: Vec<Network>,
    open: Mutex<HashMap<Visitor, usize>>,
}

/// One connection; it counts until it is dropped.
pub struct One {
    crowd: Crowd,
    visitor: Visitor,
}

impl Crowd {
    /// A crowd in which each address has so many connections at most, but for the trusted.
    pub fn new(most: usize, trusted: &[Network]) -> Self {
        Self(Arc::new(Counted { most, trusted: trusted.to_vec(), open: Mutex::default() }))
    }

    /// Counts a connection; none where the address has as many as it may.
    pub fn join(&self, address: IpAddr) -> Option<One> {
        let visitor = Visitor::of(address);
        let is_trusted = self.0.trusted.iter().any(|network| network.contains(address));
        let mut open = self.open();
        let count = open.entry(visitor).or_default();
        if *count >= self.0.most && !is_trusted {
            tracing::debug!(most = self.0.most, "connection refused: its address has as many as it may");
            return None;
        }
        *count += 1;
        Some(One { crowd: self.clone(), visitor })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Visitor, usize>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
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
        let crowd = Crowd::new(2, &[]);
        let at = |text: &str| crowd.join(text.parse().unwrap());
        let (first, second) = (at("203.0.113.9").unwrap(), at("::ffff:203.0.113.9").unwrap());
        assert!(at("203.0.113.9").is_none() && at("203.0.113.10").is_some());
        drop(first);
        assert!(at("203.0.113.9").is_some());
        drop(second);
        assert!(crowd.open().is_empty(), "nothing is left of who went");
    }
}
