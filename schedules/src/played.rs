//! The standard library with locks at which a scheduler of the test's own decides who goes on, and with maps that tell what was
//! left in them. `main.rs` takes it for `std`, so the gateway's sources stand there as they are.

pub use std::*;

pub mod sync {
    pub use shuttle::sync::{Mutex, MutexGuard};
    pub use std::sync::*;
}

pub mod collections {
    use std::ops::{Deref, DerefMut};
    use std::sync::atomic::{AtomicUsize, Ordering};

    pub use std::collections::*;

    /// What was left in maps that are gone.
    static LEFT: AtomicUsize = AtomicUsize::new(0);

    /// A map that counts what is left in it at its end.
    pub struct HashMap<K, V>(std::collections::HashMap<K, V>);

    impl<K, V> Default for HashMap<K, V> {
        fn default() -> Self {
            Self(std::collections::HashMap::default())
        }
    }

    impl<K, V> Deref for HashMap<K, V> {
        type Target = std::collections::HashMap<K, V>;

        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }

    impl<K, V> DerefMut for HashMap<K, V> {
        fn deref_mut(&mut self) -> &mut Self::Target {
            &mut self.0
        }
    }

    impl<K, V> Drop for HashMap<K, V> {
        fn drop(&mut self) {
            LEFT.fetch_add(self.0.len(), Ordering::Relaxed);
        }
    }

    /// What was left since it was asked last.
    pub fn left() -> usize {
        LEFT.swap(0, Ordering::Relaxed)
    }
}
