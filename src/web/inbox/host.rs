//! Whose sandbox it is: a gateway's, or that of a process of its own. Both are looked at in the same way.

use std::sync::Arc;

use axum::extract::{FromRef, Request};
use time::OffsetDateTime;

use crate::clock::Clock;
use crate::dialect;
use crate::upstream::{Line, Sandbox};
use crate::web::{Shared, auth};

/// Whose it is.
#[derive(Clone)]
pub enum Host {
    /// A gateway's.
    Gateway(Shared),
    /// Nobody else's.
    Alone(Arc<Alone>),
}

/// A sandbox that is a process of its own.
pub struct Alone {
    /// The sandbox.
    pub sandbox: Arc<Sandbox>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether everybody may look who reaches it, or this machine alone.
    pub open: bool,
}

impl FromRef<Shared> for Host {
    fn from_ref(state: &Shared) -> Self {
        Self::Gateway(Arc::clone(state))
    }
}

impl Host {
    /// The sandbox.
    pub fn sandbox(&self) -> &Arc<Sandbox> {
        match self {
            Self::Gateway(state) => &state.sandbox,
            Self::Alone(alone) => &alone.sandbox,
        }
    }

    /// The time now.
    pub fn now(&self) -> OffsetDateTime {
        match self {
            Self::Gateway(state) => state.clock.now(),
            Self::Alone(alone) => alone.clock.now(),
        }
    }

    /// The numbers of businesses that people can write to.
    pub fn lines(&self) -> Vec<Line> {
        match self {
            Self::Gateway(state) => {
                let directory = state.delivery.directory();
                let at_sandbox = directory.upstreams().filter(|upstream| upstream.is_sandbox());
                at_sandbox.map(|upstream| upstream.line()).collect()
            }
            Self::Alone(_) => dialect::all().iter().map(|dialect| Line::of(*dialect)).collect(),
        }
    }

    /// The one of that name; where none is said, the only one, or the one that speaks the dialect of reference.
    pub fn line(&self, name: Option<&str>) -> Option<Line> {
        let mut lines = self.lines();
        match (name, self) {
            (Some(name), _) => lines.into_iter().find(|line| line.upstream == name),
            (None, Self::Gateway(_)) => lines.pop().filter(|_| lines.is_empty()),
            (None, Self::Alone(_)) => Some(Line::of(dialect::reference())),
        }
    }

    /// Whether whoever asks may look and change.
    pub fn lets_in(&self, request: &Request) -> bool {
        match self {
            Self::Gateway(state) => auth::is_operator(state, request),
            Self::Alone(alone) => alone.open || auth::is_local_operator(request),
        }
    }
}
