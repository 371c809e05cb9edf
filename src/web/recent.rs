//! A map that holds so many entries at most and forgets those that were not asked for the longest time.
//!
//! Two generations: entries are young when they are asked for, and where there are too many young ones they become the
//! old, and the old are forgotten. So nothing is ever searched, and a flood of strangers costs a fixed piece of memory.

use std::collections::HashMap;
use std::hash::Hash;

/// The map.
pub struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    /// Entries of one generation at most.
    generation: usize,
}

impl<K: Hash + Eq, V: Default> Recent<K, V> {
    /// An empty map for that many entries.
    pub fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation: (most / 2).max(1) }
    }

    /// The entry of a key, made where it is not there.
    pub fn entry(&mut self, key: K) -> &mut V {
        let before = self.old.remove(&key);
        if self.young.len() >= self.generation && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.entry(key).or_insert_with(|| before.unwrap_or_default())
    }

    /// Whether there is an entry.
    pub fn contains(&self, key: &K) -> bool {
        self.young.contains_key(key) || self.old.contains_key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_forgotten_and_who_keeps_coming_is_not() {
        let mut recent = Recent::<u32, u32>::new(100);
        *recent.entry(7) = 1;
        for stranger in 1000..100_000 {
            *recent.entry(stranger) = 2;
            assert_eq!(*recent.entry(7), 1);
            assert!(recent.young.len() + recent.old.len() <= 100);
        }
        assert!(recent.contains(&99_999) && !recent.contains(&1000));
    }
}
