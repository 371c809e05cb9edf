//! What is known of bytes that were seen: the same whoever sends them, so it is kept by their hash.
//!
//! It is kept in memory alone. What is looked for in files changes with the program; what was found by an earlier one would
//! have to be found again.

use std::sync::Arc;

use moka::sync::Cache;

use super::check::Inspection;

/// How many files are remembered; what is known of each takes about a kilobyte.
const MOST: u64 = 10_000;

/// Inspections by the SHA-256 of the bytes. Clones share them.
#[derive(Clone, Debug)]
pub struct Known(Cache<String, Arc<Inspection>>);

impl Default for Known {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl Known {
    /// What is known of the bytes.
    pub fn get(&self, sha256: &str) -> Option<Arc<Inspection>> {
        self.0.get(sha256)
    }

    /// Remembers what was seen of them.
    pub fn learn(&self, sha256: &str, inspection: Inspection) -> Arc<Inspection> {
        let inspection = Arc::new(inspection);
        self.0.insert(sha256.to_owned(), Arc::clone(&inspection));
        inspection
    }
}
