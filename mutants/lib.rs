//! The gateway without its surroundings: `scripts/mutants` puts this in the place of `src/lib.rs`, and everything else stands
//! where it does. The integration tests of dialects are compiled in: one crate is built sooner than four.

#![allow(dead_code, unused_imports, reason = "what uses it is not here")]

// Under which name the tests know it.
extern crate self as sabir;

pub mod dialect;
pub mod model;

/// What decides; the rest of it does what is decided.
pub mod delivery {
    mod breaker;
    mod life;
    mod pace;
    mod retry;
}

/// How fast an upstream is called, which `pace` goes by.
mod upstream {
    use std::time::Duration;

    mod limits;

    pub use limits::Limits;

    pub struct Config {
        pub rate: Option<f64>,
        pub burst: Option<u32>,
        pub pair_interval: Option<Duration>,
        pub pair_burst: Option<u32>,
        pub concurrency: Option<u32>,
    }

    pub type Provider = Config;
}

/// Configurations have a law among those of dialects; there are none here.
pub mod config {
    #[derive(Debug)]
    pub struct Problem {
        pub text: String,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0:?}")]
    pub struct Problems(pub Vec<Problem>);

    pub fn load_text(_: &str) -> Result<(), Problems> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "../tests/dialects.rs"]
mod dialects;
#[cfg(test)]
#[path = "../tests/events/main.rs"]
mod events;
#[cfg(test)]
#[path = "../tests/laws.rs"]
mod laws;
